//! What the use cases need from outside, beside `keys::Kms`.

use async_trait::async_trait;
use crypto::KeyUse;
use db::idempotency;
use db::outbox::OutboxEvent;
use events::Draft;
use kernel::{EnvelopeId, Result, TenantId, Timestamp};
use uuid::Uuid;

use crate::domain::{Key, KeyName, Keyed, Version};

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

/// The memory of what has been released.
#[async_trait]
pub trait Releases: Send + Sync {
    /// Remembers a release together with its event. False for a replay: it was
    /// released before, and this is no retry of the same request.
    async fn record(&self, release: &Release, event: &OutboxEvent) -> Result<bool>;

    /// Forgets releases of envelopes that ended before.
    async fn purge(&self, before: Timestamp) -> Result<u64>;
}

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
