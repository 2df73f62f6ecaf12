//! From settings to a connection.
//!
//! Each connection is made anew, never resumed by the client library: whatever
//! was known under the old one (heard invalidations, the server's identity) ends
//! with it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fred::clients::Client;
use fred::interfaces::ClientLike;
use fred::types::config::{Config, TlsConfig};
use fred::types::{Builder, ConnectHandle, CustomCommand, RespVersion};
use kernel::{Fault, Result};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::settings::RedisSettings;

/// Invalidations that may wait to be read; beyond, the process level is emptied.
const WAITING_MESSAGES: usize = 4_096;
/// Commands that may wait to be sent; beyond, they fail at once.
const WAITING_COMMANDS: usize = 10_000;

/// What is wrong with the settings; never repeats a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unusable(&'static str);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Unusable {}

/// Reads the URL; connects to nothing and reads no file.
pub(crate) fn options(settings: &RedisSettings) -> Result<Config, Unusable> {
    let url = settings.url.expose();
    let secure = url.starts_with("rediss://");
    if !secure && !url.starts_with("redis://") {
        return Err(Unusable("expected redis://user:password@host:port/database, or rediss://"));
    }
    if secure && settings.ca_file.is_none() {
        return Err(Unusable(
            "rediss:// needs ca_file, the authorities that sign the server's certificate",
        ));
    }
    // The library would read the system's authorities for a rediss:// URL.
    let plain = if secure { url.replacen("rediss://", "redis://", 1) } else { url.clone() };
    let mut config =
        Config::from_url_centralized(&plain).map_err(|_| Unusable("is not a Redis URL"))?;
    // One connection for commands, answers and messages, in the server's order.
    config.version = RespVersion::RESP3;
    Ok(config)
}

fn tls(settings: &RedisSettings) -> Result<Option<TlsConfig>> {
    let (true, Some(file)) = (settings.url.expose().starts_with("rediss://"), &settings.ca_file)
    else {
        return Ok(None);
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(Fault::internal)? {
        roots.add(certificate.map_err(Fault::internal)?).map_err(Fault::internal)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(Fault::internal)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Some(TlsConfig::from(config)))
}

/// One connection; closed when the value is dropped.
pub(crate) struct Wire {
    pub(crate) client: Client,
    /// Differs after a restart and for another server behind the same address.
    pub(crate) server: String,
    task: ConnectHandle,
}

impl Wire {
    pub(crate) async fn open(settings: &RedisSettings) -> Result<Self> {
        let within = settings.connect_timeout.get();
        let mut config = options(settings).map_err(Fault::internal)?;
        config.tls = tls(settings)?;
        let client = Builder::from_config(config)
            .with_connection_config(|connection| {
                connection.connection_timeout = within;
                connection.internal_command_timeout = within;
                connection.max_command_attempts = 1;
                connection.max_command_buffer_len = WAITING_COMMANDS;
                connection.auto_client_setname = false;
            })
            .with_performance_config(|performance| {
                performance.default_command_timeout = settings.command_timeout.get();
                performance.broadcast_channel_capacity = WAITING_MESSAGES;
            })
            .build()
            .map_err(Fault::internal)?;
        let task = limited(within, client.init()).await?;
        let mut wire = Self { client, server: String::new(), task };
        wire.server = limited(within, wire.identity()).await?;
        Ok(wire)
    }

    /// Ends when the connection does.
    pub(crate) async fn closed(&mut self) {
        // How it ended is of no interest: another one is made.
        let _ended = (&mut self.task).await;
    }

    async fn identity(&self) -> Result<String, fred::error::Error> {
        let info: String = self
            .client
            .custom(CustomCommand::new_static("INFO", None::<u16>, false), vec!["server"])
            .await?;
        let id = info.lines().find_map(|line| line.strip_prefix("run_id:")).map(str::trim);
        id.filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric()))
            .map(str::to_owned)
            .ok_or_else(|| {
                fred::error::Error::new(fred::error::ErrorKind::Protocol, "INFO has no run_id")
            })
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A second limit over the library's own: a frozen server must never hold us.
pub(crate) async fn limited<T>(
    within: Duration,
    call: impl Future<Output = Result<T, fred::error::Error>>,
) -> Result<T> {
    match tokio::time::timeout(within, call).await {
        Ok(outcome) => outcome.map_err(Fault::unavailable),
        Err(late) => Err(Fault::unavailable(late)),
    }
}
