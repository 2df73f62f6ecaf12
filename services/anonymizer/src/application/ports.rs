//! What the use cases need from outside.

use async_trait::async_trait;
use db::outbox::OutboxEvent;
use kernel::{Result, TenantId, Timestamp};
use rpc::Cx;
use transform::TokenId;
use zeroize::Zeroizing;

use crate::domain::{KeptToken, Lookup, NewToken};

/// A data key in the clear.
pub type Key = Zeroizing<[u8; 32]>;

/// What the data key of a tenant's placeholder secret is for.
pub const PLACEHOLDER_SECRET: &str = "placeholder-secret";

/// The envelope service's data keys. `object` and `id` are the context.
#[async_trait]
pub trait DataKeys: Send + Sync {
    /// A new key, and its wrapped form.
    async fn generate(&self, cx: &Cx, object: &str, id: &str) -> Result<(Key, Vec<u8>)>;

    async fn unwrap(&self, cx: &Cx, wrapped: Vec<u8>, object: &str, id: &str) -> Result<Key>;
}

/// Tenants' placeholder secrets, wrapped.
#[async_trait]
pub trait StoredSecrets: Send + Sync {
    async fn find(&self, tenant: TenantId) -> Result<Option<Vec<u8>>>;

    /// Stores it unless there is one already; gives the one that is stored.
    async fn keep_first(&self, tenant: TenantId, wrapped: Vec<u8>) -> Result<Vec<u8>>;
}

/// The event that tells of so many tokens.
pub type Telling<'a> = dyn Fn(u64) -> Result<OutboxEvent> + Send + Sync + 'a;

/// The vault's tokens, by tenant.
#[async_trait]
pub trait StoredTokens: Send + Sync {
    /// Keeps values, each of another `lookup`. One that is there already keeps its token, until
    /// the later of both ends; one that has expired is replaced. Gives the token of each.
    async fn keep(
        &self,
        tenant: TenantId,
        rows: &[NewToken],
        now: Timestamp,
    ) -> Result<Vec<(Lookup, TokenId)>>;

    /// Those that are there and have not expired.
    async fn find(
        &self,
        tenant: TenantId,
        ids: &[TokenId],
        now: Timestamp,
    ) -> Result<Vec<KeptToken>>;

    /// Deletes all of a subject; says how many.
    async fn erase(&self, tenant: TenantId, subject: &Lookup, event: &Telling<'_>) -> Result<u64>;

    /// Deletes some that have expired, of all tenants; says how many.
    async fn sweep(&self, now: Timestamp, limit: i64) -> Result<u64>;
}
