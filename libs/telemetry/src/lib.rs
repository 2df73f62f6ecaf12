//! What a process tells about itself: logs, traces, metrics.
//!
//! * Logs are JSON lines on standard error. Fields whose names say that they hold
//!   content or credentials are dropped, as a second line of defence behind
//!   `skip_all` and types without `Debug`.
//! * Traces go to a collector over OTLP, if one is configured; trace context
//!   ([`extract`], [`inject`]) is passed on in any case.
//! * Metrics are recorded with the `metrics` facade, and shown by
//!   [`render_metrics`] in Prometheus' text format.
//!
//! Several services may share a process. A span with the attribute
//! `signet.service` (set when it is created) and all below it belong to that
//! service, in its log lines and in its traces.

mod export;
mod init;
mod log;
mod metric;
mod process;
mod propagation;
mod redact;
mod service;
mod settings;

pub use init::{Guard, InitError, init};
pub use metric::render_metrics;
pub use propagation::{extract, inject, inject_current, trace_id};
pub use service::SERVICE_ATTRIBUTE;
pub use settings::{LogFormat, LogSettings, OtlpSettings, Settings};
