//! Ends an API key: the caller's own, or any of the tenant's by an administrator.

use std::sync::Arc;

use events::Draft;
use kernel::{ApiKeyId, Fault, PrincipalId, Result, SharedClock};
use proto::Role;
use rpc::{Cx, Principal};

use super::key_cache::KeyCache;
use super::ports::ApiKeys;
use crate::domain::ApiKey;

/// Whose keys the caller may see and end: None is everybody's in the tenant.
pub fn owner_of_visible(principal: &Principal) -> Option<PrincipalId> {
    (!principal.has(Role::Admin)).then_some(principal.user)
}

#[derive(Clone)]
pub struct RevokeApiKey {
    pub keys: Arc<dyn ApiKeys>,
    pub cache: KeyCache,
    pub clock: SharedClock,
}

impl RevokeApiKey {
    pub async fn run(&self, cx: &Cx, id: ApiKeyId) -> Result<ApiKey> {
        let owner = owner_of_visible(cx.principal()?);
        let event = Draft::new(cx, "dev.signet.auth.api_key.revoked", format!("apiKeys/{id}"));
        let revoked = self.keys.revoke(cx.tenant(), owner, id, event, self.clock.now()).await?;
        let (key, hash) = revoked.ok_or_else(Fault::not_found)?;
        // Out of reach of the others, it counts there after `key_cache::FRESH`.
        self.cache.invalidate(&hash).await;
        Ok(key)
    }
}
