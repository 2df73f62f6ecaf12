use async_trait::async_trait;
use db::Db;
use events::Draft;
use kernel::{Result, Timestamp};

use crate::application::ports::Trail;

/// Events through the outbox.
pub struct SqlTrail(pub Db);

#[async_trait]
impl Trail for SqlTrail {
    async fn record(&self, event: Draft, now: Timestamp) -> Result<()> {
        events::record(&self.0, event, now).await
    }
}
