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

/// A call's place among those in flight, for as long as it lives.
pub(crate) struct InFlight(&'static str);

impl InFlight {
    pub(crate) fn new(service: &'static str) -> Self {
        metrics::gauge!("signet_rpc_in_flight", "service" => service).increment(1.0);
        Self(service)
    }
}

/// Also when the caller hangs up and the call is dropped half way.
impl Drop for InFlight {
    fn drop(&mut self) {
        metrics::gauge!("signet_rpc_in_flight", "service" => self.0).decrement(1.0);
    }
}
