//! What the kernel says about this process, in Prometheus' usual names.

use std::fs;

/// Sets the gauges; on a system without `/proc` it sets none.
pub(crate) fn record() {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if let Some(kib) = number(&status, "VmRSS:") {
        metrics::gauge!("process_resident_memory_bytes").set(kib * 1024.0);
    }
    if let Some(threads) = number(&status, "Threads:") {
        metrics::gauge!("process_threads").set(threads);
    }
    if let Ok(descriptors) = fs::read_dir("/proc/self/fd") {
        metrics::gauge!("process_open_fds").set(descriptors.count() as f64);
    }
}

fn number(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
