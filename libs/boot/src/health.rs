//! gRPC health from real probes of what the service depends on.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

use crate::app::Probe;

const EVERY: Duration = Duration::from_secs(3);
/// While something is amiss, and so at the start: who waits should not wait long.
const SOON: Duration = Duration::from_millis(100);
const DEADLINE: Duration = Duration::from_secs(2);

/// Probes until `stop`, then says NOT_SERVING, before the server drains.
pub(crate) async fn watch(
    service: &'static str,
    reporter: HealthReporter,
    checks: Vec<(&'static str, Probe)>,
    stop: CancellationToken,
) {
    let mut last = None;
    loop {
        let failed = first_failure(&checks).await;
        if last != Some(failed) {
            match failed {
                Some(check) => {
                    tracing::warn!(service, check, "not serving: a dependency fails its probe")
                }
                None => tracing::info!(service, "serving"),
            }
            let status =
                if failed.is_some() { ServingStatus::NotServing } else { ServingStatus::Serving };
            reporter.set_service_status("", status).await;
            last = Some(failed);
        }
        let pause = if failed.is_some() { SOON } else { EVERY };
        if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
            break;
        }
    }
    reporter.set_service_status("", ServingStatus::NotServing).await;
}

async fn first_failure(checks: &[(&'static str, Probe)]) -> Option<&'static str> {
    for (name, probe) in checks {
        let outcome = tokio::time::timeout(DEADLINE, probe()).await;
        if !matches!(outcome, Ok(Ok(()))) {
            return Some(name);
        }
    }
    None
}
