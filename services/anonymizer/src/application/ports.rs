//! What the use cases need from outside.

use async_trait::async_trait;
use kernel::{Result, TenantId};
use rpc::Cx;
use zeroize::Zeroizing;

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
