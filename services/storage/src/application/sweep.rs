//! Removes blobs that no revision refers to: of writes that failed half way,
//! and of prompts that were deleted while the blob store was down.

use std::sync::Arc;
use std::time::Duration;

use cas::BlobName;
use chrono::TimeDelta;
use kernel::{Result, SharedClock};
use tokio_util::sync::CancellationToken;

use super::ports::{BlobStore, LooseBlobs};

/// No call lasts as long (see rpc's deadlines), so no write is cut short.
const LOOSE_FOR: TimeDelta = TimeDelta::hours(1);
const EVERY: Duration = Duration::from_secs(600);
const BATCH: i64 = 100;

#[derive(Clone)]
pub struct Sweep {
    pub loose: Arc<dyn LooseBlobs>,
    pub blobs: Arc<dyn BlobStore>,
    pub clock: SharedClock,
}

impl Sweep {
    /// Runs until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
            if let Err(fault) = self.once().await {
                tracing::warn!(cause = ?fault, "loose blobs not swept, will retry");
            }
        }
    }

    /// Removes everything that is due; returns how many blobs.
    pub async fn once(&self) -> Result<usize> {
        let mut removed = 0;
        loop {
            let doomed = self.loose.doom(self.clock.now() - LOOSE_FOR, BATCH).await?;
            if doomed.is_empty() {
                return Ok(removed);
            }
            for blob in &doomed {
                self.remove(blob).await?;
                removed += 1;
            }
        }
    }

    /// Removes a doomed blob. Its row goes last, so that a crash repeats this.
    pub async fn remove(&self, blob: &BlobName) -> Result<()> {
        self.blobs.delete(blob).await?;
        self.loose.forget(blob).await?;
        metrics::counter!("signet_storage_blobs_removed_total").increment(1);
        Ok(())
    }
}
