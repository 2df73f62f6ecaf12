//! Forgets log-in attempts that no longer count.

use std::sync::Arc;
use std::time::Duration;

use kernel::SharedClock;
use tokio_util::sync::CancellationToken;

use super::log_in::WINDOW;
use super::ports::Accounts;

const EVERY: Duration = Duration::from_secs(300);

/// Runs until `stop`.
pub async fn forget(accounts: Arc<dyn Accounts>, clock: SharedClock, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        if let Err(fault) = accounts.forget_attempts(clock.now() - WINDOW).await {
            tracing::warn!(cause = ?fault, "old log-in attempts not forgotten, will retry");
        }
    }
}
