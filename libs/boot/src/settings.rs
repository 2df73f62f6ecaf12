//! The sections that every service's configuration has.

use config::{Duration, Problems, Validate};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::memory::ProcessSettings;

/// A service's whole configuration: a TOML file, overridden by the environment.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings<S> {
    pub server: ServerSettings,
    pub database: db::Settings,
    #[serde(default)]
    pub process: ProcessSettings,
    #[serde(default)]
    pub telemetry: TelemetrySettings,
    /// The service's own.
    pub service: S,
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct ServerSettings {
    /// The Unix socket that the sidecar calls; at most 107 bytes long. Its folder
    /// must be private: whoever reaches the socket is taken for the sidecar.
    pub listen: PathBuf,
    /// The sidecar's Unix socket for calls to other services.
    pub peers: PathBuf,
    /// Calls served at once; more are refused with OVERLOADED.
    #[serde(default = "defaults::max_in_flight")]
    pub max_in_flight: usize,
    /// For callers that set no deadline.
    #[serde(default = "defaults::default_deadline")]
    pub default_deadline: Duration,
    /// After SIGTERM: how long to say NOT_SERVING before closing the door.
    #[serde(default = "defaults::linger")]
    pub linger: Duration,
    /// After that: how long calls in flight may take.
    #[serde(default = "defaults::drain")]
    pub drain: Duration,
    /// Whether gRPC reflection is on. For development.
    #[serde(default)]
    pub reflection: bool,
}

#[derive(Deserialize, Clone, Default)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    #[serde(default)]
    pub log: telemetry::LogSettings,
    /// Without it no traces are sent.
    #[serde(default)]
    pub otlp: Option<telemetry::OtlpSettings>,
    /// Where Prometheus scrapes `/metrics`, and `/livez` answers.
    #[serde(default)]
    pub metrics: Option<SocketAddr>,
}

impl<S: Validate> Validate for Settings<S> {
    fn validate(&self, problems: &mut Problems) {
        problems.section("server", &self.server);
        problems.check("database.url", self.database.check());
        problems.section("service", &self.service);
    }
}

impl Validate for ServerSettings {
    fn validate(&self, problems: &mut Problems) {
        for (key, path) in [("listen", &self.listen), ("peers", &self.peers)] {
            if !path.is_absolute() {
                problems.add(key, "must be an absolute path");
            } else if path.as_os_str().len() > rpc::LONGEST_SOCKET_PATH {
                problems.add(key, "must be at most 107 bytes long: Unix sockets have no more");
            }
        }
        if self.max_in_flight == 0 {
            problems.add("max_in_flight", "must be 1 or more");
        }
    }
}

impl TelemetrySettings {
    pub(crate) fn observability(&self) -> telemetry::Settings {
        telemetry::Settings { log: self.log.clone(), otlp: self.otlp.clone() }
    }
}

mod defaults {
    use config::Duration;

    pub(super) const fn max_in_flight() -> usize {
        512
    }
    pub(super) const fn default_deadline() -> Duration {
        Duration::from_secs(30)
    }
    pub(super) const fn linger() -> Duration {
        Duration::from_secs(2)
    }
    pub(super) const fn drain() -> Duration {
        Duration::from_secs(20)
    }
}
