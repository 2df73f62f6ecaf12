//! A new API key for the caller.

use std::sync::Arc;

use events::Draft;
use kernel::{ApiKeyId, Fault, Result, SharedClock, Timestamp, common};
use rpc::Cx;

use super::ports::{ApiKeys, Once};
use crate::domain::{ApiKey, ApiSecret};

#[derive(Clone)]
pub struct CreateApiKey {
    pub keys: Arc<dyn ApiKeys>,
    pub clock: SharedClock,
}

impl CreateApiKey {
    /// The secret is None for a retry: it was in the first answer only.
    pub async fn run(
        &self,
        cx: &Cx,
        display_name: String,
        expires: Option<Timestamp>,
        once: Option<Once>,
    ) -> Result<(ApiKey, Option<ApiSecret>)> {
        let owner = cx.principal()?;
        // A leaked key could otherwise outlive its own revocation.
        if owner.api_key.is_some() {
            return Err(Fault::new(&common::NOT_ALLOWED).with_note("an API key may not make keys"));
        }
        let secret = ApiSecret::generate()?;
        let key = ApiKey {
            id: ApiKeyId::new(),
            tenant: owner.tenant,
            owner: owner.user,
            display_name,
            hint: secret.hint().to_owned(),
            created: self.clock.now(),
            expires,
            revoked: None,
        };
        let event = Draft::new(cx, "dev.signet.auth.api_key.created", key.name());
        let event = match expires {
            Some(at) => event.with("expires", at.to_rfc3339()),
            None => event,
        };
        let (key, is_new) = self.keys.create(&key, &secret.hash(), once.as_ref(), event).await?;
        Ok((key, is_new.then_some(secret)))
    }
}
