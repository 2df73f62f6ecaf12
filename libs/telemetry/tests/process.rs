//! A whole process: set up once, against a collector that speaks OTLP.
#![allow(clippy::unwrap_used, reason = "helpers of tests stand outside of #[test] functions")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::any_value;
use telemetry::{InitError, OtlpSettings, Settings, init};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

#[derive(Clone, Default)]
struct Collector(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        self.0.lock().unwrap().push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    async fn start() -> (Self, String) {
        let (collector, listener) =
            (Self::default(), TcpListener::bind("127.0.0.1:0").await.unwrap());
        let address = listener.local_addr().unwrap();
        let server = tonic::transport::Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .serve_with_incoming(TcpListenerStream::new(listener));
        tokio::spawn(server);
        (collector, format!("http://{address}"))
    }

    /// (service, span, trace id)
    fn spans(&self) -> BTreeSet<(String, String, Vec<u8>)> {
        let requests = self.0.lock().unwrap();
        let resources = requests.iter().flat_map(|request| &request.resource_spans);
        let rows = resources.flat_map(|resource| {
            let attributes = resource.resource.iter().flat_map(|resource| &resource.attributes);
            let service = attributes.filter(|attribute| attribute.key == "service.name");
            let mut name =
                service.filter_map(|attribute| match attribute.value.as_ref()?.value.as_ref()? {
                    any_value::Value::StringValue(name) => Some(name.clone()),
                    _ => None,
                });
            let name = name.next().unwrap_or_default();
            let spans = resource.scope_spans.iter().flat_map(|scope| &scope.spans);
            spans.map(move |span| (name.clone(), span.name.clone(), span.trace_id.clone()))
        });
        rows.collect()
    }
}

fn settings(endpoint: &str, sample_ratio: f64) -> Settings {
    let otlp = OtlpSettings { endpoint: endpoint.to_owned(), sample_ratio };
    Settings { otlp: Some(otlp), ..Settings::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_reach_the_collector_and_metrics_can_be_read() {
    assert!(matches!(init("mesh", &settings("nonsense", 1.0)), Err(InitError::Endpoint)));
    assert!(matches!(init("mesh", &settings("http://h:1", 1.5)), Err(InitError::SampleRatio)));
    assert_eq!(telemetry::render_metrics(), "");

    let (collector, endpoint) = Collector::start().await;
    let guard = init("mesh", &settings(&endpoint, 1.0)).unwrap();
    let mut trace = None;
    tracing::info_span!("start").in_scope(|| {
        tracing::info_span!("rpc", signet.service = "audit").in_scope(|| {
            trace = telemetry::trace_id();
            tracing::info!(rows = 1, "stored");
        });
    });
    metrics::counter!("things_total").increment(2);
    metrics::histogram!("call_seconds").record(Duration::from_millis(3));
    let text = telemetry::render_metrics();
    for expected in [
        "things_total 2",
        "call_seconds_bucket{le=\"0.0025\"} 0",
        "call_seconds_bucket{le=\"0.005\"} 1",
        "process_open_fds ",
        "process_resident_memory_bytes ",
    ] {
        assert!(text.contains(expected), "{expected} in:\n{text}");
    }

    assert!(matches!(init("mesh", &Settings::default()), Err(InitError::Subscriber(_))));
    guard.shutdown().await;
    let spans = collector.spans();
    let names: Vec<_> =
        spans.iter().map(|(service, span, _)| (service.as_str(), span.as_str())).collect();
    assert_eq!(names, [("audit", "rpc"), ("mesh", "start")]);
    for (_, _, id) in &spans {
        let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(Some(id), trace, "one trace");
    }
}
