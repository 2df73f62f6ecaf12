//! What time alone does to keys: pending versions become enabled, keys are
//! rotated, and what was scheduled for destruction is destroyed.
//!
//! Every instance looks; each change is one transaction that is made to what was
//! read, so of two that find the same key one makes the change and the other
//! finds it made. A crash between two changes leaves the rest for the next look.

use std::sync::Arc;
use std::time::Duration;

use events::Draft;
use kernel::{KeyId, Result, TenantId};
use tokio_util::sync::CancellationToken;

use super::change_key::ChangeKey;
use super::rotate_key::RotateKey;
use crate::application::ports::{Change, Enrolment, Updated};
use crate::domain::{Due, Key, KeyName, Step};

const ACTIVATED: &str = "dev.signet.envelope.key.version_activated";
const DESTROYED: &str = "dev.signet.envelope.key.version_destroyed";
/// How often it looks, and by how much more at random, so that instances that
/// were started together do not look together.
const EVERY: Duration = Duration::from_secs(30);
const JITTER: Duration = Duration::from_secs(30);
/// Keys read at once.
const PAGE: i64 = 500;

#[derive(Clone)]
pub struct Keeper {
    pub change: ChangeKey,
    pub rotate: RotateKey,
    pub enrolment: Arc<dyn Enrolment>,
}

/// What one look has done.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Done {
    pub activated: u64,
    pub rotated: u64,
    pub destroyed: u64,
    pub failed: u64,
}

impl Keeper {
    pub async fn run(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(pause())).await.is_some() {
            if let Some(Err(fault)) = stop.run_until_cancelled(self.look()).await {
                tracing::warn!(cause = ?fault, "keys not looked after, will retry");
            }
        }
    }

    /// Does what is due now. One key that fails does not hold up the others.
    pub async fn look(&self) -> Result<Done> {
        let mut done = Done::default();
        let (keys, now) = (&self.change.keys, self.change.clock.now());
        let mut after = None;
        loop {
            let due = keys.due(now, after.as_ref(), PAGE).await?;
            let Some(last) = due.last() else { break };
            after = Some(last.clone());
            for (tenant, id) in due {
                if let Err(fault) = self.key(tenant, &id, &mut done).await {
                    done.failed += 1;
                    tracing::warn!(%tenant, key = %id, cause = ?fault, "key not looked after");
                }
            }
        }
        let left = keys.count_due(now).await?;
        self.enrolment.purge(now).await?;
        metrics::gauge!("signet_envelope_keys_overdue").set(left as f64);
        Ok(done)
    }

    async fn key(&self, tenant: TenantId, id: &KeyName, done: &mut Done) -> Result<()> {
        loop {
            let Some(key) = self.change.keys.find(tenant, id).await? else { return Ok(()) };
            let now = self.change.clock.now();
            let (step, number, kind, count) = match key.due(now) {
                Some(Due::Rotate) => {
                    if self.rotate.rotate_due(tenant, key).await?.is_some() {
                        done.rotated += 1;
                        told("rotated");
                    }
                    continue;
                }
                Some(Due::Activate(number)) => {
                    (Step::Activate, number, ACTIVATED, &mut done.activated)
                }
                Some(Due::Destroy(number)) => {
                    (Step::Destroy, number, DESTROYED, &mut done.destroyed)
                }
                None => return self.plan(tenant, key).await,
            };
            let mut after = key.clone();
            let at = (step == Step::Destroy).then_some(now);
            let moved = after.take(Some(number), step, at).unwrap_or_default();
            let Some(version) = after.version(number).filter(|_| !moved.is_empty()) else {
                return Ok(());
            };
            let event = Draft::of_service("envelope", tenant, kind, id.resource())
                .with("version", number)
                .with("kid", &version.version.kid)
                .finish(now)?;
            let change = Change { once: None, events: vec![event], at: now, answer: None };
            if self.change.keys.update(tenant, &key, &after, &change).await? == Updated::Done {
                self.change.forget(tenant, &after);
                *count += 1;
                told(version.version.state.word());
            }
        }
    }

    /// Keys from before rotation was planned have a time that only says: look.
    async fn plan(&self, tenant: TenantId, key: Key) -> Result<()> {
        let mut after = key.clone();
        after.plan();
        if after.head.rotate_at != key.head.rotate_at {
            let change = Change {
                once: None,
                events: Vec::new(),
                at: self.change.clock.now(),
                answer: None,
            };
            self.change.keys.update(tenant, &key, &after, &change).await?;
        }
        Ok(())
    }
}

fn told(outcome: &'static str) {
    metrics::counter!("signet_envelope_keys_kept_total", "outcome" => outcome).increment(1);
}

fn pause() -> Duration {
    // The last bytes of a UUIDv7 are random.
    let [.., a, b] = *KeyId::new().uuid().as_bytes();
    EVERY + JITTER * u32::from(u16::from_be_bytes([a, b])) / u32::from(u16::MAX)
}
