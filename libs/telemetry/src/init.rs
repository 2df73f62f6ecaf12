//! Switching it all on, once a process.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use metrics_exporter_prometheus::BuildError;
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{WithExportConfig, WithTonicConfig};
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::{BatchSpanProcessor, Sampler, SdkTracerProvider};
use tokio::runtime::Handle;
use tonic::transport::{Channel, Endpoint};
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::{SubscriberInitExt, TryInitError};
use tracing_subscriber::{EnvFilter, Layer};

use crate::export::ByService;
use crate::log::LogLayer;
use crate::metric;
use crate::service::Inherit;
use crate::settings::{OtlpSettings, Settings};

const EXPORT_TIMEOUT: Duration = Duration::from_secs(5);
/// What a process that ends without [`Guard::shutdown`] waits for its last spans.
const DROP_TIMEOUT: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
pub enum InitError {
    #[error(
        "log.level: expected a level like \"info\", or levels by target like \"info,db=debug\""
    )]
    Level,
    #[error("otlp.endpoint: expected an address like \"http://127.0.0.1:4317\"")]
    Endpoint,
    #[error("otlp.sample_ratio: expected a number from 0 to 1")]
    SampleRatio,
    #[error("log.file: {0}")]
    File(std::io::Error),
    #[error("telemetry needs the tokio runtime")]
    NoRuntime,
    #[error("telemetry is set up already: {0}")]
    Subscriber(#[from] TryInitError),
    #[error("metrics: {0}")]
    Metrics(#[from] BuildError),
}

/// Keeps telemetry going; sends what is left when it is shut down or dropped.
#[must_use]
pub struct Guard {
    traces: Option<SdkTracerProvider>,
}

impl Guard {
    /// Sends what is left. Waits at most a few seconds for the collector.
    pub async fn shutdown(mut self) {
        let Some(traces) = self.traces.take() else { return };
        // Blocks until its own thread is done, which needs this runtime.
        let ended =
            tokio::task::spawn_blocking(move || traces.shutdown_with_timeout(EXPORT_TIMEOUT));
        if !matches!(ended.await, Ok(Ok(()))) {
            tracing::warn!("the last spans could not be sent");
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(traces) = &self.traces {
            // Too late to tell anybody about a failure.
            let _ = traces.shutdown_with_timeout(DROP_TIMEOUT);
        }
    }
}

/// Sets up logs, traces and metrics for this process. `service` names what
/// belongs to no service in particular.
pub fn init(service: &str, settings: &Settings) -> Result<Guard, InitError> {
    let runtime = Handle::try_current().map_err(|_| InitError::NoRuntime)?;
    let levels = EnvFilter::try_new(&settings.log.level).map_err(|_| InitError::Level)?;
    let traces = traces(service, settings.otlp.as_ref(), runtime)?;
    let spans = tracing_opentelemetry::layer()
        .with_tracer(traces.tracer("signet"))
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false);
    let logs = LogLayer::new(service, settings.log.format, writer(settings.log.file.as_deref())?);
    tracing_subscriber::registry()
        .with(spans.with_filter(traced()))
        .with(logs.with_filter(levels))
        .try_init()?;
    metric::install()?;
    Ok(Guard { traces: Some(traces) })
}

fn writer(file: Option<&Path>) -> Result<BoxMakeWriter, InitError> {
    let Some(path) = file else { return Ok(BoxMakeWriter::new(std::io::stderr)) };
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    Ok(BoxMakeWriter::new(Arc::new(file.map_err(InitError::File)?)))
}

/// Our own spans, whatever the log level is. Not those of the stack that the
/// spans are sent with: they would make new ones for ever.
fn traced() -> Targets {
    let silent = ["h2", "hyper", "hyper_util", "opentelemetry", "rustls", "sqlx", "tonic", "tower"];
    let silent = silent.map(|target| (target, LevelFilter::OFF));
    Targets::new().with_default(LevelFilter::INFO).with_targets(silent)
}

fn traces(
    service: &str,
    otlp: Option<&OtlpSettings>,
    runtime: Handle,
) -> Result<SdkTracerProvider, InitError> {
    let Some(otlp) = otlp else {
        // Spans still exist: log lines carry their ids, and calls pass them on.
        return Ok(SdkTracerProvider::builder().build());
    };
    if !(0.0..=1.0).contains(&otlp.sample_ratio) {
        return Err(InitError::SampleRatio);
    }
    let endpoint = Endpoint::from_shared(otlp.endpoint.clone()).map_err(|_| InitError::Endpoint)?;
    if endpoint.uri().scheme_str().is_none() {
        return Err(InitError::Endpoint);
    }
    let channel = endpoint.connect_timeout(EXPORT_TIMEOUT).connect_lazy();
    let exporter = ByService::new(service, runtime, move || otlp_exporter(channel.clone()));
    let sampler = Sampler::TraceIdRatioBased(otlp.sample_ratio);
    Ok(SdkTracerProvider::builder()
        .with_sampler(Sampler::ParentBased(Box::new(sampler)))
        .with_span_processor(Inherit::new(BatchSpanProcessor::builder(exporter).build()))
        .build())
}

fn otlp_exporter(channel: Channel) -> Result<opentelemetry_otlp::SpanExporter, OTelSdkError> {
    opentelemetry_otlp::SpanExporter::builder()
        .with_tonic()
        .with_channel(channel)
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|error| OTelSdkError::InternalFailure(error.to_string()))
}
