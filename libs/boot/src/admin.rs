//! The operator's HTTP port: `/metrics` for Prometheus, `/livez`.

use std::net::SocketAddr;

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;
use kernel::{Fault, Result};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The text format of Prometheus.
const FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Serves until `stop`.
pub async fn serve_metrics(address: SocketAddr, stop: CancellationToken) -> Result<()> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|error| Fault::internal(format!("telemetry.metrics: {address}: {error}")))?;
    let router = Router::new()
        .route(
            "/metrics",
            get(|| async { ([(CONTENT_TYPE, FORMAT)], telemetry::render_metrics()) }),
        )
        .route("/livez", get(|| async { "ok\n" }));
    axum::serve(listener, router)
        .with_graceful_shutdown(async move { stop.cancelled().await })
        .await
        .map_err(Fault::internal)
}
