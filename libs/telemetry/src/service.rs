//! Which service a span belongs to, when several share a process.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::trace::{Span as _, SpanId, TraceContextExt};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Span, SpanData, SpanProcessor};

/// The attribute that names a span's service. Set it when the span is created
/// (`info_span!("rpc", signet.service = "audit")`): later is too late.
pub const SERVICE_ATTRIBUTE: &str = "signet.service";

/// Hands the attribute down from each span to those below it, in front of the
/// processor that sends them.
#[derive(Debug)]
pub(crate) struct Inherit<P> {
    next: P,
    /// Of the spans that are open now and have a service.
    open: Mutex<HashMap<SpanId, String>>,
}

impl<P> Inherit<P> {
    pub(crate) fn new(next: P) -> Self {
        Self { next, open: Mutex::default() }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<SpanId, String>> {
        // A map of names has no state that a panic could leave half done.
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) fn service_of(attributes: &[KeyValue]) -> Option<String> {
    let named =
        attributes.iter().rev().find(|attribute| attribute.key.as_str() == SERVICE_ATTRIBUTE);
    named.map(|attribute| attribute.value.as_str().into_owned())
}

impl<P: SpanProcessor> SpanProcessor for Inherit<P> {
    fn on_start(&self, span: &mut Span, parent: &Context) {
        let own = span.exported_data().and_then(|data| service_of(&data.attributes));
        let service = match own {
            Some(service) => Some(service),
            None => {
                let inherited = self.open().get(&parent.span().span_context().span_id()).cloned();
                if let Some(service) = &inherited {
                    span.set_attribute(KeyValue::new(SERVICE_ATTRIBUTE, service.clone()));
                }
                inherited
            }
        };
        if let Some(service) = service {
            self.open().insert(span.span_context().span_id(), service);
        }
        self.next.on_start(span, parent);
    }

    fn on_end(&self, span: SpanData) {
        self.open().remove(&span.span_context.span_id());
        self.next.on_end(span);
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.next.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.next.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.next.set_resource(resource);
    }
}

#[cfg(test)]
mod tests;
