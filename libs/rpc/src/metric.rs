//! The metrics of every RPC: rate, errors, duration, calls in flight.

use std::time::Duration;

/// Counts a call that has ended. `reason` is `OK` or an error code of the
/// catalogue: a small, closed set, never text of a caller.
pub(crate) fn handled(
    service: &'static str,
    method: &'static str,
    reason: &'static str,
    took: Duration,
) {
    metrics::counter!("signet_rpc_handled_total", "service" => service, "method" => method, "reason" => reason)
        .increment(1);
    metrics::histogram!("signet_rpc_seconds", "service" => service, "method" => method)
        .record(took.as_secs_f64());
}

pub(crate) fn in_flight(service: &'static str, change: f64) {
    metrics::gauge!("signet_rpc_in_flight", "service" => service).increment(change);
}
