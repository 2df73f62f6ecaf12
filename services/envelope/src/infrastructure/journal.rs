//! The audit trail: this service's outbox.

use async_trait::async_trait;
use db::Db;
use events::Draft;
use kernel::{Result, SharedClock};

use crate::application::ports::Journal;

pub struct SqlJournal {
    pub db: Db,
    pub clock: SharedClock,
}

#[async_trait]
impl Journal for SqlJournal {
    async fn record(&self, event: Draft) -> Result<()> {
        events::record(&self.db, event, self.clock.now()).await
    }
}
