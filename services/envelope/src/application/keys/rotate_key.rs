//! A new version of a key that the service keeps.

use std::sync::Arc;

use chrono::Duration;
use crypto::PrivateKey;
use events::Draft;
use kernel::{Fault, Result, TenantId};
use reasons::envelope::{KEY_DISABLED, KEY_NOT_KEPT};
use rpc::Cx;

use super::change_key::ChangeKey;
use super::create_key::CreateKey;
use crate::application::ports::{Change, Once, Updated};
use crate::domain::{Due, Key, KeyName, State, Version};

pub(crate) const ROTATED: &str = "dev.signet.envelope.key.rotated";
/// Each time another change was faster; so many in a row are no accident.
const ATTEMPTS: u32 = 8;

#[derive(Clone)]
pub struct RotateKey {
    pub change: ChangeKey,
    pub create: CreateKey,
}

impl RotateKey {
    /// `pending` is how long the new version is published before it is used.
    pub async fn rotate(
        &self,
        cx: &Cx,
        id: &KeyName,
        pending: Duration,
        once: Option<Once>,
    ) -> Result<Key> {
        let key = rotatable(self.change.find(cx.tenant(), id).await?)?;
        let pair = Arc::new(self.create.custody.generate(key.head.algorithm).await?);
        let draft = || Draft::new(cx, ROTATED, id.resource());
        for _ in 0..ATTEMPTS {
            let key = rotatable(self.change.find(cx.tenant(), id).await?)?;
            let new = (pair.as_ref(), pending);
            if let Some(key) = self.add(cx.tenant(), key, new, (once.clone(), draft())).await? {
                return Ok(key);
            }
        }
        Err(Fault::unavailable("others change this key all the time"))
    }

    /// Because it is time; None if it no longer is: another instance was faster.
    pub async fn rotate_due(&self, tenant: TenantId, key: Key) -> Result<Option<Key>> {
        if key.due(self.create.clock.now()) != Some(Due::Rotate) {
            return Ok(None);
        }
        let pair = self.create.custody.generate(key.head.algorithm).await?;
        let draft = Draft::of_service("envelope", tenant, ROTATED, key.head.id.resource());
        self.add(tenant, key, (&pair, Duration::zero()), (None, draft)).await
    }

    /// None if the key has changed since it was read.
    async fn add(
        &self,
        tenant: TenantId,
        before: Key,
        (pair, pending): (&PrivateKey, Duration),
        (once, draft): (Option<Once>, Draft),
    ) -> Result<Option<Key>> {
        let (id, number) = (&before.head.id, before.newest() + 1);
        let private = self.create.custody.lock(tenant, (id, number), pair).await?;
        let now = self.create.clock.now();
        let mut version = self.create.version(number, pair.public(), Some(private));
        if pending > Duration::zero() {
            version = Version {
                state: State::Pending,
                activate_at: Some(version.created_at + pending),
                ..version
            };
        }
        let event = draft.with("version", number).with("kid", &version.kid).finish(now)?;
        let mut after = before.clone();
        after.add(version);
        let change = Change { once, events: vec![event], at: now, answer: None };
        match self.change.keys.update(tenant, &before, &after, &change).await? {
            Updated::Done => Ok(Some(self.change.find(tenant, id).await?)),
            Updated::Overtaken => Ok(None),
        }
    }
}

fn rotatable(key: Key) -> Result<Key> {
    if key.head.registered {
        return Err(Fault::new(&KEY_NOT_KEPT));
    }
    if key.head.disabled {
        return Err(Fault::new(&KEY_DISABLED));
    }
    Ok(key)
}
