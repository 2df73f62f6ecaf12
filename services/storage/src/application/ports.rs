//! What the use cases need from outside.

use async_trait::async_trait;
use cas::{Address, BlobName};
use crypto::provider::AesKey;
use db::outbox::OutboxEvent;
use kernel::{PromptId, Result, TenantId, Timestamp};
use prost_types::Duration;
use proto::envelope::v1::Envelope;
use rpc::Cx;
use uuid::Uuid;

// A part of the ports: what is written once names it.
pub use super::once::Once;
use crate::domain::{Place, Prompt, Revision, Text};

/// The prompts and their revisions. Every question is bound to a tenant.
#[async_trait]
pub trait Prompts: Send + Sync {
    /// The earlier answer to the same request, if there is one.
    async fn answered(&self, once: &Once, now: Timestamp) -> Result<Option<Prompt>>;

    /// Stores a prompt with its first revision. Its blob is loose no more.
    async fn create(&self, prompt: &Prompt, first: &Revision, write: &Write) -> Result<Stored>;

    /// Adds the revision that `prompt` now shows, if the one before it is the newest.
    async fn update(&self, prompt: &Prompt, next: &Revision, write: &Write) -> Result<Stored>;

    async fn find(&self, tenant: TenantId, id: PromptId) -> Result<Option<Prompt>>;

    /// A revision, by default the newest.
    async fn find_revision(
        &self,
        tenant: TenantId,
        id: PromptId,
        number: Option<i32>,
    ) -> Result<Option<(Prompt, Revision)>>;

    /// Newest first.
    async fn list(
        &self,
        tenant: TenantId,
        before: Option<PromptId>,
        limit: i64,
    ) -> Result<Vec<Prompt>>;

    /// Newest first.
    async fn list_revisions(
        &self,
        tenant: TenantId,
        id: PromptId,
        before: Option<i32>,
        limit: i64,
    ) -> Result<Vec<Revision>>;

    /// Deletes a prompt with the data keys of all its revisions, if it is still
    /// as given. Returns the blobs, which are doomed now; None if it has changed.
    async fn delete(&self, prompt: &Prompt, event: &OutboxEvent) -> Result<Option<Vec<Address>>>;

    /// Stores the event that a text is about to leave, if the text still exists.
    async fn record_release(&self, place: &Place, event: &OutboxEvent) -> Result<bool>;

    /// Stores an event on its own.
    async fn record(&self, event: &OutboxEvent) -> Result<()>;
}

/// What is stored together with a change.
pub struct Write {
    pub once: Option<Once>,
    pub event: OutboxEvent,
    pub now: Timestamp,
}

/// What a change came to.
pub enum Stored {
    Done,
    /// The same request was answered meanwhile.
    Before(Prompt),
    /// Somebody else changed the prompt first.
    Raced,
}

/// Blobs that no revision refers to.
#[async_trait]
pub trait LooseBlobs: Send + Sync {
    /// Says that a blob is about to be written.
    async fn announce(&self, blob: &BlobName, now: Timestamp) -> Result<()>;

    /// Dooms what has been loose since before `cutoff`; returns doomed blobs.
    async fn doom(&self, cutoff: Timestamp, limit: i64) -> Result<Vec<BlobName>>;

    /// The blob is gone.
    async fn forget(&self, blob: &BlobName) -> Result<()>;
}

/// Ciphertexts.
#[async_trait]
pub trait BlobStore: Send + Sync {
    /// Durable when it returns.
    async fn put(&self, blob: &BlobName, sealed: Vec<u8>) -> Result<()>;

    /// None: there is no such blob.
    async fn get(&self, blob: &BlobName, limit: usize) -> Result<Option<Vec<u8>>>;

    /// Deleting an absent blob is fine.
    async fn delete(&self, blob: &BlobName) -> Result<()>;
}

/// A data key, plain and wrapped.
pub struct DataKey {
    pub plain: AesKey,
    pub wrapped: Vec<u8>,
}

/// Data keys under the tenant's KEK, which stays elsewhere.
#[async_trait]
pub trait DataKeys: Send + Sync {
    async fn generate(&self, cx: &Cx, place: &Place) -> Result<DataKey>;

    async fn unwrap(&self, cx: &Cx, place: &Place, wrapped: &[u8]) -> Result<AesKey>;
}

/// For whom a text is sealed, and how.
pub struct SealFor {
    /// `keys/{id}` each.
    pub recipients: Vec<String>,
    pub signing_key: String,
    pub purpose: String,
    pub ttl: Option<Duration>,
}

#[async_trait]
pub trait Sealer: Send + Sync {
    async fn seal(&self, cx: &Cx, text: &Text, target: SealFor) -> Result<Envelope>;
}

/// Data keys that were destroyed with a prompt.
pub struct Destroyed {
    pub id: Uuid,
    pub tenant: TenantId,
    pub prompt: PromptId,
    /// SHA-256 of each wrapped key.
    pub digests: Vec<Vec<u8>>,
    pub at: Timestamp,
}

/// What waits for a certificate.
#[async_trait]
pub trait Destructions: Send + Sync {
    /// Oldest first, after the one with this id.
    async fn pending(&self, after: Option<Uuid>, limit: i64) -> Result<Vec<Destroyed>>;

    async fn certified(&self, id: Uuid) -> Result<()>;
}

#[async_trait]
pub trait Certifier: Send + Sync {
    /// Doing it twice is fine.
    async fn certify(&self, destroyed: &Destroyed) -> Result<()>;
}
