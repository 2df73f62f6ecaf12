//! What the use cases need from outside.

use async_trait::async_trait;
use kernel::{EventId, Result, TenantId};

use crate::domain::{Accepted, Salt, Stored};

/// The events, in the order of the log.
#[async_trait]
pub trait Events: Send + Sync {
    /// Gives each event that is new the next index, in order, and stores all of
    /// them in one transaction. Returns, for each, whether it was new.
    async fn append(&self, events: &[(Accepted, Salt)]) -> Result<Vec<bool>>;

    /// Events from an index on, in order, for the log.
    async fn starting_at(&self, first: u64, limit: u32) -> Result<Vec<Stored>>;

    async fn find(&self, tenant: TenantId, id: EventId) -> Result<Option<Stored>>;

    /// Remembers the head that was published, beside the log's own files.
    async fn set_published(&self, head: &Head) -> Result<()>;

    /// Newest first.
    async fn list(&self, tenant: TenantId, query: &Query) -> Result<Vec<Stored>>;
}

/// The newest checkpoint.
#[derive(Clone)]
pub struct Head {
    pub size: u64,
    pub root: [u8; 32],
    /// The signed checkpoint.
    pub note: String,
}

/// The log: a Merkle tree under signed checkpoints.
#[async_trait]
pub trait Log: Send + Sync {
    fn head(&self) -> Head;

    /// The verifier key, as C2SP signed-note writes it.
    fn key(&self) -> &str;

    /// Appends entries, the first at the index `first`, and publishes a
    /// checkpoint over them.
    async fn append(&self, first: u64, entries: Vec<Vec<u8>>) -> Result<()>;

    async fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Vec<u8>>>;

    async fn consistency(&self, first: u64, second: u64) -> Result<Vec<Vec<u8>>>;

    /// A tile by the path that follows `/log/tile/`.
    async fn tile(&self, path: &str) -> Result<Option<Vec<u8>>>;
}

/// What to list.
#[derive(Default)]
pub struct Query {
    /// Only below this index.
    pub before: Option<i64>,
    pub limit: i64,
    pub kind: Option<Kind>,
    pub request_id: Option<String>,
    pub subject: Option<String>,
}

/// A filter on the type.
pub enum Kind {
    Exactly(String),
    StartsWith(String),
}
