//! What the use cases need from outside, beside `keys::Kms`.

use async_trait::async_trait;
use crypto::KeyUse;
use db::idempotency;
use db::outbox::OutboxEvent;
use events::Draft;
use kernel::{EnvelopeId, Result, TenantId, Timestamp};
use uuid::Uuid;

use crate::domain::{Key, KeyName, Keyed, State, Version};

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

    /// Makes `version` the primary one, if it is the next.
    async fn add_version(
        &self,
        tenant: TenantId,
        id: &KeyName,
        version: &Version,
        change: &Change,
    ) -> Result<Rotated>;

    /// Disables a key or one version of it; says whether that changed anything.
    async fn disable(
        &self,
        tenant: TenantId,
        id: &KeyName,
        version: Option<i32>,
        event: &OutboxEvent,
    ) -> Result<bool>;
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
    pub event: OutboxEvent,
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
pub enum Rotated {
    /// Now, or by an earlier request with the same id.
    Done,
    /// Another rotation was faster: this version's number is taken.
    Overtaken,
}

/// What to list.
pub struct Query {
    /// Only keys older than this one.
    pub before: Option<Uuid>,
    pub limit: i64,
    pub key_use: Option<KeyUse>,
}

/// The durable record of decisions, and the memory of what has been released.
#[async_trait]
pub trait Records: Send + Sync {
    /// Returns once the record and all that belongs to it are durable.
    async fn keep(&self, record: Record) -> Result<Kept>;

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
    /// The states of a key and of its version with this thumbprint.
    Version { kid: String, key: State, version: State },
    /// What the tenant's data keys in memory belong to.
    Epoch(i64),
}

impl Basis {
    pub fn of(keyed: &Keyed) -> Self {
        Self::Version {
            kid: keyed.version.kid.clone(),
            key: keyed.head.state,
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
