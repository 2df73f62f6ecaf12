//! Brings stored events under the next checkpoint.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Fault, Result};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::ports::{Events, Log};
use crate::domain::entry_of;

/// Entries under one checkpoint at most.
const BATCH: u32 = 4_096;
/// Events that arrive together share a checkpoint; nobody waits longer.
const GATHER: Duration = Duration::from_millis(20);
/// Other instances' events, and failures, are looked for this often.
const IDLE: Duration = Duration::from_secs(1);

/// Runs until `stop`; then integrates what is stored once more.
pub async fn integrate(
    events: Arc<dyn Events>,
    log: Arc<dyn Log>,
    appended: Arc<Notify>,
    stop: CancellationToken,
) {
    loop {
        match step(events.as_ref(), log.as_ref()).await {
            Ok(0) if stop.is_cancelled() => return,
            Ok(0) => {
                let woken = tokio::time::timeout(IDLE, appended.notified());
                if let Some(Ok(())) = stop.run_until_cancelled(woken).await {
                    tokio::time::sleep(GATHER).await;
                }
            }
            Ok(_) => {}
            Err(fault) => {
                metrics::counter!("signet_audit_integrate_failures_total").increment(1);
                tracing::error!(cause = ?fault, "the log does not grow, will retry");
                if stop.run_until_cancelled(tokio::time::sleep(IDLE)).await.is_none() {
                    return;
                }
            }
        }
    }
}

/// Integrates one batch; returns its size.
async fn step(events: &dyn Events, log: &dyn Log) -> Result<usize> {
    let first = log.head().size;
    let stored = events.starting_at(first, BATCH).await?;
    // The database orders by index; a gap would shift every later entry.
    if stored.iter().zip(first..).any(|(event, index)| u64::try_from(event.index) != Ok(index)) {
        return Err(Fault::internal("the events have a gap"));
    }
    if stored.is_empty() {
        return Ok(0);
    }
    let entries: Vec<Vec<u8>> =
        stored.iter().map(|event| entry_of(&event.salt, &event.encoded)).collect();
    let count = entries.len();
    log.append(first, entries).await?;
    events.set_published(&log.head()).await?;
    metrics::gauge!("signet_audit_log_size").set((first + count as u64) as f64);
    Ok(count)
}
