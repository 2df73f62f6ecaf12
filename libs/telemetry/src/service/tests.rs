use std::sync::Arc;

use opentelemetry::trace::TracerProvider;
use opentelemetry::{Key, Value};
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::trace::{BatchSpanProcessor, SdkTracerProvider, SpanExporter};
use tokio::runtime::Handle;
use tracing::{info, info_span};
use tracing_subscriber::layer::SubscriberExt;

use super::*;
use crate::export::ByService;

/// (service, span, attribute and event field names)
type Sent = Arc<Mutex<Vec<(String, String, Vec<String>)>>>;

#[derive(Debug)]
struct Collect {
    service: String,
    sent: Sent,
}

impl SpanExporter for Collect {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        if self.service == "broken" {
            return Err(OTelSdkError::InternalFailure("broken".into()));
        }
        let row = |span: SpanData| {
            let own = span.attributes.iter();
            let events = span.events.iter().flat_map(|event| event.attributes.iter());
            let names = own.chain(events).map(|attribute| attribute.key.to_string()).collect();
            (self.service.clone(), span.name.into_owned(), names)
        };
        self.sent.lock().unwrap().extend(batch.into_iter().map(row));
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        let name = resource.get(&Key::new("service.name"));
        self.service = name.as_ref().map(Value::as_str).unwrap_or_default().into_owned();
    }
}

fn sent(act: impl FnOnce()) -> Vec<(String, String, Vec<String>)> {
    let sent = Sent::default();
    let collect = Arc::clone(&sent);
    let exporter = ByService::new("mesh", Handle::current(), move || {
        Ok(Collect { service: String::new(), sent: Arc::clone(&collect) })
    });
    let traces = SdkTracerProvider::builder()
        .with_span_processor(Inherit::new(BatchSpanProcessor::builder(exporter).build()))
        .build();
    let layer = tracing_opentelemetry::layer().with_tracer(traces.tracer("test"));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), act);
    // The outcome is the broken exporter's, where there is one.
    let _ = traces.force_flush();
    let mut rows = sent.lock().unwrap().clone();
    rows.sort();
    rows
}

fn services(rows: &[(String, String, Vec<String>)]) -> Vec<(&str, &str)> {
    rows.iter().map(|(service, span, _)| (service.as_str(), span.as_str())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_service_sends_its_own_spans_and_those_below() {
    let rows = sent(|| {
        info_span!("start").in_scope(|| {
            info_span!("rpc a", signet.service = "auth").in_scope(|| {
                info_span!("db.tx").in_scope(|| {
                    info_span!("rpc b", signet.service = "audit")
                        .in_scope(|| info_span!("append").in_scope(|| {}));
                });
            });
        });
    });
    assert_eq!(
        services(&rows),
        [
            ("audit", "append"),
            ("audit", "rpc b"),
            ("auth", "db.tx"),
            ("auth", "rpc a"),
            ("mesh", "start")
        ]
    );
    let named =
        rows.iter().filter(|(_, _, names)| names.iter().any(|name| name == SERVICE_ATTRIBUTE));
    assert_eq!(named.count(), 0, "the resource says it");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_services_failure_does_not_hold_the_others_back() {
    let rows = sent(|| {
        for service in ["broken", "audit"] {
            info_span!("rpc", signet.service = service).in_scope(|| {});
        }
    });
    assert_eq!(services(&rows), [("audit", "rpc")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn denied_fields_are_in_no_span() {
    let rows = sent(|| {
        info_span!("rpc", prompt = "x", rows = 3)
            .in_scope(|| info!(access_token = "x", count = 1, "m"));
    });
    let names = &rows[0].2;
    assert!(names.contains(&"rows".to_owned()) && names.contains(&"count".to_owned()), "{names:?}");
    assert!(!names.iter().any(|name| crate::redact::denied(name)), "{names:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_kept_of_spans_that_have_ended() {
    let inherit = Arc::new(Inherit::new(Nothing));
    let traces =
        SdkTracerProvider::builder().with_span_processor(Shared(Arc::clone(&inherit))).build();
    let layer = tracing_opentelemetry::layer().with_tracer(traces.tracer("test"));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        for _ in 0..100 {
            info_span!("rpc", signet.service = "audit").in_scope(|| {
                info_span!("db.tx").in_scope(|| assert_eq!(inherit.open().len(), 2));
            });
        }
    });
    assert_eq!(inherit.open().len(), 0);
}

#[derive(Debug)]
struct Nothing;

impl SpanProcessor for Nothing {
    fn on_start(&self, _: &mut Span, _: &Context) {}
    fn on_end(&self, _: SpanData) {}
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}

#[derive(Debug)]
struct Shared(Arc<Inherit<Nothing>>);

impl SpanProcessor for Shared {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        self.0.on_start(span, parent);
    }
    fn on_end(&self, span: SpanData) {
        self.0.on_end(span);
    }
    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }
    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }
}
