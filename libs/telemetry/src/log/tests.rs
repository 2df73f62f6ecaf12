use std::io;
use std::sync::{Arc, Mutex};

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{info, info_span, warn};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;

use super::*;

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is logged while the closure runs.
fn logged(format: LogFormat, act: impl FnOnce()) -> String {
    let written = Written::default();
    let writer = written.clone();
    let traces = SdkTracerProvider::builder().build();
    let subscriber = tracing_subscriber::registry()
        .with(tracing_opentelemetry::layer().with_tracer(traces.tracer("test")))
        .with(LogLayer::new("mesh", format, move || writer.clone()));
    tracing::subscriber::with_default(subscriber, act);
    let bytes = written.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

fn json(act: impl FnOnce()) -> Vec<Value> {
    logged(LogFormat::Json, act).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_line_has_its_fields_and_those_of_its_spans() {
    let mut ids = None;
    let lines = json(|| {
        let outer = info_span!("rpc", signet.service = "audit", request_id = "r-1", other = 1);
        outer.in_scope(|| {
            let inner = info_span!("db.tx");
            inner.in_scope(|| {
                let context = inner.context();
                ids = Some(context.span().span_context().clone());
                info!(count = 3, ok = true, ratio = 0.5, name = "x", "stored {}", 3);
            });
        });
        warn!("outside");
    });
    let (line, ids) = (&lines[0], ids.unwrap());
    assert_eq!(line["message"], "stored 3");
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["target"], module_path!());
    assert_eq!(line["service"], "audit");
    assert_eq!(line["request_id"], "r-1");
    assert_eq!(line["trace_id"], ids.trace_id().to_string());
    assert_eq!(line["span_id"], ids.span_id().to_string());
    assert_eq!(
        line["fields"],
        serde_json::json!({"count": 3, "ok": true, "ratio": 0.5, "name": "x"})
    );
    assert!(chrono::DateTime::parse_from_rfc3339(line["timestamp"].as_str().unwrap()).is_ok());
    assert_eq!(lines[1]["service"], "mesh");
    assert!(lines[1].get("trace_id").is_none() && lines[1].get("request_id").is_none());
}

#[test]
fn a_request_id_may_come_later() {
    let lines = json(|| {
        let span = info_span!("rpc", request_id = tracing::field::Empty);
        span.record("request_id", "r-2");
        span.in_scope(|| info!("x"));
    });
    assert_eq!(lines[0]["request_id"], "r-2");
}

#[test]
fn denied_fields_are_in_no_line() {
    struct Loud;
    impl fmt::Debug for Loud {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("marker-4711")
        }
    }
    let act = || {
        let span = info_span!("rpc", prompt = "marker-4711", detail = ?Loud);
        span.in_scope(|| {
            info!(access_token = "marker-4711", text = ?Loud, password = %"marker-4711", api_key = 4711, "m");
        });
    };
    for format in [LogFormat::Json, LogFormat::Pretty] {
        let text = logged(format, act);
        assert!(text.contains('m') && !text.contains("4711"), "{text}");
    }
}

#[test]
fn one_event_is_one_line_whatever_is_in_it() {
    for format in [LogFormat::Json, LogFormat::Pretty] {
        let text = logged(format, || info!(name = "a\n{\"level\":\"ERROR\"}\r", "two\nlines"));
        assert_eq!(text.lines().count(), 1, "{text}");
    }
}
