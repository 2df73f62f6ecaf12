//! Emptying the caches of a tenant by order: after a KEK was disabled where only
//! its provider knows of it, or in doubt.

use std::sync::Arc;

use events::Draft;
use kernel::{Result, SharedClock};
use rpc::Cx;

use super::custody::Custody;
use super::epochs::TenantEpochs;
use crate::application::ports::{Keys, KnownKeys, Query};

/// Keys read at once.
const PAGE: i64 = 1_000;

#[derive(Clone)]
pub struct InvalidateCaches {
    pub keys: Arc<dyn Keys>,
    pub known: Arc<dyn KnownKeys>,
    pub custody: Arc<Custody>,
    pub epochs: Arc<TenantEpochs>,
    pub clock: SharedClock,
}

/// How much there was to forget.
pub struct Invalidated {
    pub keys: usize,
    /// What data keys in memory anywhere must have been unwrapped under from now on.
    pub epoch: i64,
}

impl InvalidateCaches {
    pub async fn run(&self, cx: &Cx) -> Result<Invalidated> {
        let tenant = cx.tenant();
        let event =
            Draft::new(cx, "dev.signet.envelope.caches.invalidated", format!("tenants/{tenant}"))
                .finish(self.clock.now())?;
        // First what counts everywhere; the rest only saves others a look at it.
        let epoch = self.epochs.advance(tenant, &event).await?;
        self.custody.forget_all(tenant);
        let mut query = Query { before: None, limit: PAGE, terms: Vec::new() };
        let mut count = 0;
        loop {
            let keys = self.keys.list(tenant, &query).await?;
            for key in &keys {
                self.known.changed(tenant, &key.head.id).await;
            }
            count += keys.len();
            query.before = keys.last().map(|key| key.head.serial);
            if keys.is_empty() {
                return Ok(Invalidated { keys: count, epoch });
            }
        }
    }
}
