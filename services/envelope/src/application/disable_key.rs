//! Ends the use of a key, or of one version of it, at once.

use std::sync::Arc;

use events::Draft;
use kernel::{Fault, Result, SharedClock, common};
use proto::Role;
use rpc::Cx;

use super::custody::Custody;
use super::ports::Keys;
use crate::domain::{Key, KeyName, Owner};

#[derive(Clone)]
pub struct DisableKey {
    pub keys: Arc<dyn Keys>,
    pub custody: Arc<Custody>,
    pub clock: SharedClock,
}

impl DisableKey {
    /// `version` None: the whole key. An administrator may do it, and the owner
    /// of a registered key.
    pub async fn disable(&self, cx: &Cx, id: &KeyName, version: Option<i32>) -> Result<Key> {
        let key = self.find(cx, id).await?;
        let principal = cx.principal()?;
        if !principal.has(Role::Admin) && key.head.owner != Owner::User(principal.user) {
            return Err(Fault::new(&common::NOT_ALLOWED).with_note("neither admin nor owner"));
        }
        if version.is_some_and(|number| key.version(number).is_none()) {
            return Err(Fault::not_found());
        }
        let mut event = Draft::new(cx, "dev.signet.envelope.key.disabled", id.resource());
        if let Some(number) = version {
            event = event.with("version", number);
        }
        let event = event.finish(self.clock.now())?;
        self.keys.disable(cx.tenant(), id, version, &event).await?;
        for one in &key.versions {
            if version.is_none_or(|number| number == one.number) {
                self.custody.forget(cx.tenant(), &one.kid);
            }
        }
        self.find(cx, id).await
    }

    async fn find(&self, cx: &Cx, id: &KeyName) -> Result<Key> {
        self.keys.find(cx.tenant(), id).await?.ok_or_else(Fault::not_found)
    }
}
