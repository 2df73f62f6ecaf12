//! What every provider can do.

use async_trait::async_trait;
use kernel::{Result, TenantId, Timestamp};

use crate::context::Context;
use crate::key::{DataKey, PlaintextKey};
use crate::wrapped::{Provider, WrappedKey};

/// The largest batch that any call takes to a provider at once; longer ones are cut.
pub const MAX_BATCH: usize = 1_000;

/// A provider of key-encryption keys: one KEK a tenant, in versions.
///
/// A tenant's KEK comes into being on first use; callers that race for it get
/// the same one. Its versions are numbered upwards from 1, without gaps at the
/// upper end, and a number never comes back. Batches keep their order and may
/// be empty. Where the result is a `Vec` of results, the outer error means that
/// the provider could not be asked, an inner one is about that item alone: a
/// key of another provider, tenant or context, or an altered one, is
/// `DATA_KEY_UNREADABLE`; one under a version that the provider does not have
/// (any more) is `KEK_VERSION_UNAVAILABLE`.
#[async_trait]
pub trait Kms: Send + Sync {
    /// Whose mark new wrapped keys of this tenant bear.
    fn provider(&self, tenant: TenantId) -> Provider;

    /// The provider itself, where several stand behind one: to ask about, or
    /// destroy, what a tenant that has moved left behind. `None` for one that
    /// is not configured here.
    fn at(&self, provider: Provider) -> Option<&dyn Kms>;

    /// A new data key for each context, under the newest version.
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

    /// The versions that there still are, ascending; the last one wraps. Empty
    /// for a tenant without a KEK, and asking makes none. A number below the
    /// first one was destroyed.
    async fn versions(&self, tenant: TenantId) -> Result<Vec<KekVersion>>;

    /// Destroys all versions below `version`, for ever: when it returns, nothing
    /// that they wrapped can be unwrapped, and once a provider's own waiting
    /// time is over (until then [`KekState::Destroying`]) nobody can bring them
    /// back, but for backups of the provider itself.
    ///
    /// `version` itself stays, so it must be one of [`Self::versions`]: at most
    /// the newest one (`KEK_VERSION_NOT_DESTROYABLE` above that, and for tenants
    /// without a KEK). Repeated, or where there is nothing below any more, it
    /// does nothing; cut short, it can be called again. Providers that cannot
    /// destroy single versions answer `KMS_OPERATION_UNSUPPORTED` and leave all
    /// as it was.
    ///
    /// Whether anything still depends on those versions is for the caller to
    /// have checked.
    async fn destroy_below(&self, tenant: TenantId, version: u32) -> Result<()>;

    /// Asks the provider whether it could serve now.
    async fn health(&self) -> Result<()>;
}

/// A version of a tenant's KEK.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KekVersion {
    /// From 1.
    pub number: u32,
    pub state: KekState,
    pub created: Timestamp,
}

/// What a version can still be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KekState {
    /// The newest: it wraps and unwraps.
    Primary,
    /// An older one: it only unwraps.
    UnwrapOnly,
    /// The provider has it, but does not let it be used (Vault: below
    /// `min_decryption_version`). An operator can bring it back.
    Disabled,
    /// Of no use any more, but not yet beyond recovery: the provider waits.
    Destroying,
}
