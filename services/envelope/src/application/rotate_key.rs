//! A new version of a key that the service keeps.

use std::sync::Arc;

use events::Draft;
use kernel::{Fault, Result, SharedClock};
use reasons::envelope::{KEY_DISABLED, KEY_NOT_KEPT};
use rpc::Cx;

use super::create_key::CreateKey;
use super::ports::{Change, Keys, Once, Rotated};
use crate::domain::{Key, KeyName, State};

/// Rotations at the same time overtake each other; each then takes the next number.
const ATTEMPTS: u32 = 8;

#[derive(Clone)]
pub struct RotateKey {
    pub keys: Arc<dyn Keys>,
    pub create: CreateKey,
    pub clock: SharedClock,
}

impl RotateKey {
    pub async fn rotate(&self, cx: &Cx, id: &KeyName, once: Option<Once>) -> Result<Key> {
        let mut key = self.rotatable(cx, id).await?;
        let custody = &self.create.custody;
        let pair = custody.generate(key.head.algorithm).await?;
        for _ in 0..ATTEMPTS {
            let number = key.head.primary + 1;
            let private = custody.lock(cx.tenant(), (id, number), &pair).await?;
            let version = self.create.version(number, pair.public(), Some(private));
            let event = Draft::new(cx, "dev.signet.envelope.key.rotated", id.resource())
                .with("version", number)
                .with("kid", &version.kid)
                .finish(self.clock.now())?;
            let change = Change { once: once.clone(), event };
            let rotated = self.keys.add_version(cx.tenant(), id, &version, &change).await?;
            key = self.rotatable(cx, id).await?;
            if rotated == Rotated::Done {
                return Ok(key);
            }
        }
        Err(Fault::unavailable("others rotate this key all the time"))
    }

    async fn rotatable(&self, cx: &Cx, id: &KeyName) -> Result<Key> {
        let key = self.keys.find(cx.tenant(), id).await?.ok_or_else(Fault::not_found)?;
        if key.head.registered {
            return Err(Fault::new(&KEY_NOT_KEPT));
        }
        if key.head.state == State::Disabled {
            return Err(Fault::new(&KEY_DISABLED));
        }
        Ok(key)
    }
}
