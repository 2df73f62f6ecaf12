//! How often keys are used, counted in memory and stored now and then: a use
//! costs no write. What has not been stored when an instance is killed is lost,
//! which is at most what one interval has seen.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kernel::{Result, SharedClock, TenantId};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::application::ports::{Counted, UseCounts};
use crate::domain::Keyed;

/// How often counts are stored.
pub const STORE_EVERY: Duration = Duration::from_secs(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// Sealed to, signed with.
    Protect,
    /// Opened, verified.
    Process,
}

pub struct Uses {
    store: Arc<dyn UseCounts>,
    clock: SharedClock,
    counted: Mutex<HashMap<(TenantId, Uuid, i32), Counted>>,
}

impl Uses {
    pub fn new(store: Arc<dyn UseCounts>, clock: SharedClock) -> Self {
        Self { store, clock, counted: Mutex::default() }
    }

    pub fn count(&self, tenant: TenantId, keyed: &Keyed, what: Use) {
        let (serial, version, now) = (keyed.head.serial, keyed.version.number, self.clock.now());
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let one = counted.entry((tenant, serial, version)).or_insert_with(|| Counted {
            tenant,
            serial,
            version,
            protected: 0,
            processed: 0,
            last: now,
        });
        one.last = one.last.max(now);
        match what {
            Use::Protect => one.protected += 1,
            Use::Process => one.processed += 1,
        }
    }

    /// Stores what has been counted. What cannot be stored now is kept for later.
    pub async fn store(&self) -> Result<()> {
        let taken =
            std::mem::take(&mut *self.counted.lock().unwrap_or_else(PoisonError::into_inner));
        if taken.is_empty() {
            return Ok(());
        }
        let mut batch: Vec<Counted> = taken.into_values().collect();
        // One order for all instances: they do not wait for each other in a circle.
        batch.sort_by_key(|one| (one.tenant, one.serial, one.version));
        let outcome = self.store.add(&batch).await;
        if outcome.is_err() {
            self.put_back(batch);
        }
        outcome
    }

    fn put_back(&self, batch: Vec<Counted>) {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        for one in batch {
            match counted.get_mut(&(one.tenant, one.serial, one.version)) {
                Some(newer) => {
                    newer.protected += one.protected;
                    newer.processed += one.processed;
                    newer.last = newer.last.max(one.last);
                }
                None => {
                    counted.insert((one.tenant, one.serial, one.version), one);
                }
            }
        }
    }

    /// Runs until `stop`, and stores once more then.
    pub async fn store_every(self: Arc<Self>, stop: CancellationToken) {
        let mut running = true;
        while running {
            running = stop.run_until_cancelled(tokio::time::sleep(STORE_EVERY)).await.is_some();
            if let Err(fault) = self.store().await {
                tracing::warn!(cause = ?fault, "uses of keys not stored, will retry");
            }
        }
    }
}
