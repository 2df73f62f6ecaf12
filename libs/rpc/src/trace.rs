//! W3C trace context across hops.

use http::HeaderMap;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use uuid::Uuid;

/// The span of a call in, child of the caller's.
pub(crate) fn incoming(
    service: &'static str,
    path: &str,
    request_id: &str,
    headers: &HeaderMap,
) -> Span {
    let span = tracing::info_span!(
        "rpc.server",
        otel.name = path.trim_start_matches('/'),
        otel.kind = "server",
        rpc.system = "grpc",
        signet.service = service,
        request_id,
        caller = tracing::field::Empty,
        tenant = tracing::field::Empty,
        rpc.grpc.status_code = tracing::field::Empty,
        otel.status_code = tracing::field::Empty,
    );
    // Fails only for a span that is disabled.
    let _ = span.set_parent(telemetry::extract(headers));
    span
}

/// The span of a call to a peer.
pub(crate) fn outgoing(service: &'static str, path: &str) -> Span {
    tracing::info_span!(
        "rpc.client",
        otel.name = path.trim_start_matches('/'),
        otel.kind = "client",
        rpc.system = "grpc",
        signet.service = service,
        rpc.grpc.status_code = tracing::field::Empty,
    )
}

/// The id of the trace that a span belongs to; empty without one.
pub(crate) fn id(span: &Span) -> String {
    span.in_scope(telemetry::trace_id).unwrap_or_default()
}

/// The caller's request id if it is fit to be repeated, else a new one.
pub(crate) fn request_id(headers: &HeaderMap) -> String {
    headers
        .get("x-request-id")
        .and_then(|value| value.to_str().ok())
        .filter(|id| {
            (8..=64).contains(&id.len())
                && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        })
        .map_or_else(|| Uuid::now_v7().to_string(), str::to_owned)
}
