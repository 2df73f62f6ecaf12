//! Trace context in and out: <https://www.w3.org/TR/trace-context/>.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::TraceContextExt;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The least that the specification wants passed on, and all that we take.
const MAX_TRACESTATE: usize = 512;

/// The caller's context, for `Span::set_parent`; empty if there is none, or if it
/// is malformed.
pub fn extract(headers: &HeaderMap) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), &Headers(headers))
}

/// Writes the context into the headers of an outgoing call.
pub fn inject(context: &Context, headers: &mut HeaderMap) {
    // What a caller left there would otherwise stand beside ours.
    headers.remove("traceparent");
    headers.remove("tracestate");
    TraceContextPropagator::new().inject_context(context, &mut HeadersMut(headers));
}

/// Writes the current span's context into the headers of an outgoing call.
pub fn inject_current(headers: &mut HeaderMap) {
    inject(&Span::current().context(), headers);
}

/// The trace that the current span belongs to, as the collector names it.
pub fn trace_id() -> Option<String> {
    let context = Span::current().context();
    let span = context.span();
    let span = span.span_context();
    span.is_valid().then(|| span.trace_id().to_string())
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        let mut values = self.0.get_all(key).iter();
        let value = values.next()?.to_str().ok()?;
        // Two values are no value: nobody can tell which one is meant.
        let usable = values.next().is_none() && value.len() <= MAX_TRACESTATE;
        usable.then_some(value)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct HeadersMut<'a>(&'a mut HeaderMap);

impl Injector for HeadersMut<'_> {
    fn set(&mut self, key: &str, value: String) {
        // The SDK sets an empty tracestate when there is none; Envoy and others
        // then carry it along for nothing.
        if value.is_empty() {
            return;
        }
        if let (Ok(name), Ok(value)) = (key.parse::<HeaderName>(), HeaderValue::try_from(value)) {
            self.0.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    #[test]
    fn what_comes_in_goes_out() {
        let given = headers(&[("traceparent", PARENT), ("tracestate", "vendor=x")]);
        let mut sent = headers(&[("traceparent", "stale"), ("tracestate", "stale=1")]);
        inject(&extract(&given), &mut sent);
        assert_eq!(sent, given);
    }

    #[test]
    fn an_empty_tracestate_is_never_sent() {
        for given in [
            headers(&[("traceparent", PARENT)]),
            headers(&[("traceparent", PARENT), ("tracestate", "")]),
        ] {
            let mut sent = headers(&[]);
            inject(&extract(&given), &mut sent);
            assert_eq!(sent, headers(&[("traceparent", PARENT)]));
        }
    }

    #[test]
    fn a_malformed_or_doubled_parent_is_none() {
        for given in [
            headers(&[]),
            headers(&[("traceparent", "00-0-0-01")]),
            headers(&[("traceparent", PARENT), ("traceparent", PARENT)]),
            headers(&[("traceparent", "00-00000000000000000000000000000000-00f067aa0ba902b7-01")]),
        ] {
            let mut sent = HeaderMap::new();
            inject(&extract(&given), &mut sent);
            assert!(sent.is_empty());
        }
    }

    proptest! {
        #[test]
        fn any_header_is_taken_without_a_panic(parent in "[ -~]{0,80}", state in "[ -~]{0,600}") {
            let mut headers = HeaderMap::new();
            headers.insert("traceparent", HeaderValue::try_from(parent).unwrap());
            headers.insert("tracestate", HeaderValue::try_from(state).unwrap());
            let _ = extract(&headers);
        }
    }
}
