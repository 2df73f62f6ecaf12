//! What every provider can do.

use async_trait::async_trait;
use kernel::{Result, TenantId};

use crate::context::Context;
use crate::key::{DataKey, PlaintextKey};
use crate::wrapped::{Provider, WrappedKey};

/// The largest batch that any call takes to a provider at once; longer ones are cut.
pub const MAX_BATCH: usize = 1_000;

/// A provider of key-encryption keys: one KEK a tenant, in versions.
///
/// A tenant's KEK comes into being on first use; callers that race for it get
/// the same one. Batches keep their order. Where the result is a `Vec` of
/// results, the outer error means that the provider could not be asked, an
/// inner one is about that item alone.
#[async_trait]
pub trait Kms: Send + Sync {
    fn provider(&self) -> Provider;

    /// A new data key for each context.
    async fn generate(&self, tenant: TenantId, contexts: &[Context]) -> Result<Vec<DataKey>>;

    /// Wraps keys made elsewhere under the newest version.
    async fn wrap(
        &self,
        tenant: TenantId,
        keys: &[(PlaintextKey, Context)],
    ) -> Result<Vec<WrappedKey>>;

    async fn unwrap(
        &self,
        tenant: TenantId,
        keys: &[(WrappedKey, Context)],
    ) -> Result<Vec<Result<PlaintextKey>>>;

    /// The same data keys under the newest version; where the provider can, no
    /// data key leaves it.
    async fn rewrap(
        &self,
        tenant: TenantId,
        keys: &[(WrappedKey, Context)],
    ) -> Result<Vec<Result<WrappedKey>>>;

    /// Adds a version to the tenant's KEK and returns its number. What older
    /// versions wrapped can still be unwrapped.
    async fn rotate(&self, tenant: TenantId) -> Result<u32>;

    /// Asks the provider whether it could serve now.
    async fn health(&self) -> Result<()>;
}
