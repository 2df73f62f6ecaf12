//! Metrics: one recorder a process, read as Prometheus' text format.

use std::sync::OnceLock;
use std::time::Duration;

use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::process;

static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// From a cached read to the slowest model.
const SECONDS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];
/// From a small request to the largest blob.
const BYTES: &[f64] = &[
    256.0,
    1_024.0,
    4_096.0,
    16_384.0,
    65_536.0,
    262_144.0,
    1_048_576.0,
    4_194_304.0,
    16_777_216.0,
];

/// Between two scrapes the values of histograms pile up; this folds them in.
const UPKEEP: Duration = Duration::from_secs(5);

pub(crate) fn install() -> Result<(), BuildError> {
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), SECONDS)?
        .set_buckets_for_metric(Matcher::Suffix("_bytes".into()), BYTES)?
        .install_recorder()?;
    let upkeep = recorder.clone();
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(UPKEEP).await;
            upkeep.run_upkeep();
        }
    });
    // `install_recorder` succeeds once a process, so this is empty.
    let _ = RECORDER.set(recorder);
    Ok(())
}

/// All metrics of this process; empty before [`crate::init`].
pub fn render_metrics() -> String {
    let Some(recorder) = RECORDER.get() else { return String::new() };
    process::record();
    recorder.render()
}
