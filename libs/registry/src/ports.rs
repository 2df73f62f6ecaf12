//! What the use cases need from outside.

use async_trait::async_trait;
use db::outbox::OutboxEvent;
use kernel::{Result, TenantId};
use rpc::Cx;
use zeroize::Zeroizing;

use crate::{SealedRecognizer, StoredPolicy, StoredRecognizer};

/// What a tenant's documents and dictionaries are encrypted under.
#[async_trait]
pub trait Secret: Send + Sync {
    async fn recognizers(&self, cx: &Cx) -> Result<Zeroizing<[u8; 32]>>;
}

/// Tenants' policies and their revisions.
#[async_trait]
pub trait StoredPolicies: Send + Sync {
    /// The newest revision there has been, and whether the policy is deleted.
    async fn last(&self, tenant: TenantId, id: &str) -> Result<Option<(i32, bool)>>;

    /// Adds a revision, as the first of a policy that is new or was deleted, or to one that is
    /// there. False: somebody else was faster.
    async fn add(&self, policy: &StoredPolicy, first: bool, event: &OutboxEvent) -> Result<bool>;

    /// A revision, by default the newest.
    async fn find(
        &self,
        tenant: TenantId,
        id: &str,
        revision: Option<i32>,
    ) -> Result<Option<StoredPolicy>>;

    /// The newest revisions, by id.
    async fn list(
        &self,
        tenant: TenantId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<StoredPolicy>>;

    /// Newest first.
    async fn revisions(
        &self,
        tenant: TenantId,
        id: &str,
        before: Option<i32>,
        limit: i64,
    ) -> Result<Vec<StoredPolicy>>;

    /// Deletes all revisions, if the newest is still as given.
    async fn delete(&self, policy: &StoredPolicy, event: &OutboxEvent) -> Result<bool>;
}

/// Tenants' recognizers and their revisions.
#[async_trait]
pub trait StoredRecognizers: Send + Sync {
    /// The newest revision there has been, and whether the recognizer is deleted.
    async fn last(&self, tenant: TenantId, id: &str) -> Result<Option<(i32, bool)>>;

    /// Adds a revision, as the first of one that is new or was deleted, or to one that is there.
    /// False: somebody else was faster.
    async fn add(
        &self,
        known: &StoredRecognizer,
        sealed: &SealedRecognizer,
        first: bool,
        event: &OutboxEvent,
    ) -> Result<bool>;

    /// A revision, by default the newest.
    async fn find(
        &self,
        tenant: TenantId,
        id: &str,
        revision: Option<i32>,
    ) -> Result<Option<(StoredRecognizer, SealedRecognizer)>>;

    /// The newest revisions, by id.
    async fn list(
        &self,
        tenant: TenantId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<StoredRecognizer>>;

    /// Deletes all revisions, if the newest is still as given.
    async fn delete(&self, known: &StoredRecognizer, event: &OutboxEvent) -> Result<bool>;
}
