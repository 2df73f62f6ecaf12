//! What the use cases need from outside, beside `keys::Kms`.

use async_trait::async_trait;
use crypto::KeyAlgorithm;
use db::idempotency;
use db::outbox::OutboxEvent;
use events::Draft;
use kernel::{EnvelopeId, PrincipalId, Result, TenantId, Timestamp};
use uuid::Uuid;

// Parts of the ports: what certificates and the rotation of a KEK need.
pub use super::at_rest::certificates::{Issued, IssuedCertificates};
pub use super::at_rest::kek_ports::{OwnId, OwnKey, OwnKeys, Report, Rotations, Turn};
use crate::domain::{Head, Key, KeyName, Keyed, SealedHalf, State, Term};

/// Keys of tenants, as stored.
#[async_trait]
pub trait Keys: Send + Sync {
    async fn find(&self, tenant: TenantId, id: &KeyName) -> Result<Option<Key>>;

    /// The versions with these thumbprints; unknown ones are left out.
    async fn by_kids(&self, tenant: TenantId, kids: &[String]) -> Result<Vec<Keyed>>;

    /// Newest first.
    async fn list(&self, tenant: TenantId, query: &Query) -> Result<Vec<Key>>;

    /// Stores a new key, or says which one an earlier request with the same id
    /// has made. RESOURCE_EXISTS if its id or a thumbprint is taken.
    async fn add(&self, tenant: TenantId, key: &Key, change: &Change) -> Result<Added>;

    /// Stores what has become of a key, unless another change was faster.
    async fn update(
        &self,
        tenant: TenantId,
        before: &Key,
        after: &Key,
        change: &Change,
    ) -> Result<Updated>;

    /// Keys of any tenant that time has something in store for, in order, after one.
    async fn due(
        &self,
        now: Timestamp,
        after: Option<&(TenantId, KeyName)>,
        limit: i64,
    ) -> Result<Vec<(TenantId, KeyName)>>;

    /// How many there are of them.
    async fn count_due(&self, now: Timestamp) -> Result<i64>;
}

/// Keys as they were a moment ago. What is decided by them is confirmed when it
/// is recorded ([`Basis`]).
#[async_trait]
pub trait KnownKeys: Send + Sync {
    /// As [`Keys::by_kids`].
    async fn by_kids(&self, tenant: TenantId, kids: &[String]) -> Result<Vec<Keyed>>;

    /// After a committed change: what is known of the key, anywhere, is no more.
    async fn changed(&self, tenant: TenantId, id: &KeyName);
}

/// Epochs of tenants' unwrapped data keys in memory, from 0.
#[async_trait]
pub trait Epochs: Send + Sync {
    async fn current(&self, tenant: TenantId) -> Result<i64>;

    /// Begins the next one and tells of it.
    async fn advance(&self, tenant: TenantId, event: &OutboxEvent) -> Result<i64>;
}

/// A write, with what belongs into its transaction.
pub struct Change {
    pub once: Option<Once>,
    pub events: Vec<OutboxEvent>,
    pub at: Timestamp,
    /// Of a challenge, which the change uses up: KEY_PROOF_INVALID without it.
    pub answer: Option<Answer>,
}

/// What proves possession of a key that cannot sign.
pub struct Answer {
    /// Who was asked, and answers.
    pub user: PrincipalId,
    pub kid: String,
    /// SHA-256 of the text.
    pub digest: [u8; 32],
}

/// Keys on their way in.
#[async_trait]
pub trait Enrolment: Send + Sync {
    /// Remembers which answer is due.
    async fn challenge(&self, tenant: TenantId, due: &Answer, until: Timestamp) -> Result<()>;

    async fn add_import_key(
        &self,
        tenant: TenantId,
        user: PrincipalId,
        half: &ImportHalf,
    ) -> Result<()>;

    /// Also one that has expired and is still there.
    async fn import_key(
        &self,
        tenant: TenantId,
        user: PrincipalId,
        id: Uuid,
    ) -> Result<Option<ImportHalf>>;

    /// Forgets what expired before.
    async fn purge(&self, before: Timestamp) -> Result<()>;
}

/// A key that private halves are sealed to.
pub struct ImportHalf {
    pub id: Uuid,
    pub algorithm: KeyAlgorithm,
    pub private: SealedHalf,
    pub expires_at: Timestamp,
}

/// By what a repeated request is recognized.
#[derive(Clone)]
pub struct Once {
    pub key: idempotency::Key,
    pub digest: idempotency::Digest,
}

pub enum Added {
    New,
    /// An earlier request with the same id has made this one.
    Before(KeyName),
}

#[derive(PartialEq, Eq)]
pub enum Updated {
    /// Now, or by an earlier request with the same id.
    Done,
    /// The key has changed since it was read.
    Overtaken,
}

/// What to list.
pub struct Query {
    /// Only keys older than this one.
    pub before: Option<Uuid>,
    pub limit: i64,
    /// All of these.
    pub terms: Vec<Term>,
}

/// Counts of uses, as stored.
#[async_trait]
pub trait UseCounts: Send + Sync {
    async fn add(&self, counted: &[Counted]) -> Result<()>;

    /// Of every version of a key that has been used.
    async fn of(&self, tenant: TenantId, head: &Head) -> Result<Vec<VersionUses>>;
}

/// Uses of one version since they were last stored.
pub struct Counted {
    pub tenant: TenantId,
    /// The key's.
    pub serial: Uuid,
    pub version: i32,
    pub protected: i64,
    pub processed: i64,
    pub last: Timestamp,
}

pub struct VersionUses {
    pub version: i32,
    pub protected: i64,
    pub processed: i64,
    pub last: Option<Timestamp>,
    /// Envelopes released by it that have not expired.
    pub releases: i64,
}

/// The durable record of decisions, and the memory of what has been released.
#[async_trait]
pub trait Records: Send + Sync {
    /// Returns once the record and all that belongs to it are durable.
    async fn keep(&self, record: Record) -> Result<Kept>;

    /// The same for several, at most a hundred, in one transaction: an answer for each, in order.
    async fn keep_all(&self, records: Vec<Record>) -> Result<Vec<Kept>>;

    /// Forgets releases of envelopes that ended before.
    async fn purge(&self, before: Timestamp) -> Result<u64>;
}

/// A decision to let something go.
pub struct Record {
    pub tenant: TenantId,
    pub event: OutboxEvent,
    /// Confirmed in the transaction of the record.
    pub basis: Vec<Basis>,
    /// For what is released at most once.
    pub once: Option<Release>,
}

/// What a decision rests on, as it was known when it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Basis {
    /// Whether a key is disabled, and the state of its version with this thumbprint.
    Version { kid: String, disabled: bool, version: State },
    /// What the tenant's data keys in memory belong to.
    Epoch(i64),
}

impl Basis {
    pub fn of(keyed: &Keyed) -> Self {
        Self::Version {
            kid: keyed.version.kid.clone(),
            disabled: keyed.head.disabled,
            version: keyed.version.state,
        }
    }
}

/// What became of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    Done,
    /// It was released before, and this is no retry of the same request.
    Replay,
    /// The basis is not what it was. Nothing was recorded.
    Overtaken,
}

#[derive(Clone)]
pub struct Release {
    pub tenant: TenantId,
    pub envelope: EnvelopeId,
    pub key: KeyName,
    pub version: i32,
    /// SHA-256.
    pub manifest: [u8; 32],
    /// Service and user.
    pub caller: String,
    pub request_id: Option<Uuid>,
    pub expires_at: Timestamp,
}

/// The audit trail, for events that belong to no change.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Returns once the event is durable.
    async fn record(&self, event: Draft) -> Result<()>;
}
