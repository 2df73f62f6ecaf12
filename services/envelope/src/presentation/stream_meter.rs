//! Counts a stream: its bytes, and how it has ended.

/// Counts when it is dropped, so also for a caller who has gone away.
pub(super) struct Meter {
    operation: &'static str,
    bytes: u64,
    outcome: &'static str,
}

impl Meter {
    pub(super) fn new(operation: &'static str) -> Self {
        Self { operation, bytes: 0, outcome: "broken_off" }
    }

    /// Bytes of plaintext.
    pub(super) fn add(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    pub(super) fn complete(&mut self) {
        self.outcome = "complete";
    }

    pub(super) fn refused(&mut self) {
        self.outcome = "refused";
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        let (operation, outcome) = (self.operation, self.outcome);
        metrics::counter!("signet_envelope_streams_total", "operation" => operation, "outcome" => outcome)
            .increment(1);
        metrics::counter!("signet_envelope_stream_bytes_total", "operation" => operation)
            .increment(self.bytes);
    }
}
