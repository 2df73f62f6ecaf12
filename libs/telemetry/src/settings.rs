//! The configuration of logs and traces.

use std::path::PathBuf;

use serde::Deserialize;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    pub log: LogSettings,
    /// Without it, spans are made and passed on, but not sent anywhere.
    pub otlp: Option<OtlpSettings>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    /// `info`, or by target: `info,audit=debug`.
    pub level: String,
    pub format: LogFormat,
    /// Append to this file, made private, instead of standard error.
    pub file: Option<PathBuf>,
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { level: "info".into(), format: LogFormat::default(), file: None }
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    #[default]
    Json,
    /// For reading in a terminal.
    Pretty,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtlpSettings {
    /// Of the collector's gRPC receiver: `http://127.0.0.1:4317`.
    pub endpoint: String,
    /// The share of traces that begin here and are sent; one that began elsewhere
    /// follows the decision made there.
    #[serde(default = "all")]
    pub sample_ratio: f64,
}

const fn all() -> f64 {
    1.0
}
