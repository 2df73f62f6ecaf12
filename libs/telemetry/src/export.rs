//! Sends spans, each to the collector under the name of its service.
//!
//! In OTLP the service is a property of the exporter (its resource), not of a
//! span. So there is one exporter a service, over one shared connection.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{SpanData, SpanExporter};
use tokio::runtime::Handle;

use crate::redact::denied;
use crate::service::{SERVICE_ATTRIBUTE, service_of};

type Make<E> = Box<dyn Fn() -> Result<E, OTelSdkError> + Send + Sync>;

pub(crate) struct ByService<E> {
    make: Make<E>,
    /// For spans that name no service.
    default: String,
    exporters: Mutex<HashMap<String, Arc<E>>>,
    /// The batch processor calls from a thread of its own; a gRPC client needs
    /// its runtime around it.
    runtime: Handle,
}

impl<E> fmt::Debug for ByService<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByService").field("default", &self.default).finish_non_exhaustive()
    }
}

impl<E: SpanExporter + 'static> ByService<E> {
    pub(crate) fn new(
        default: &str,
        runtime: Handle,
        make: impl Fn() -> Result<E, OTelSdkError> + Send + Sync + 'static,
    ) -> Self {
        let exporters = Mutex::default();
        Self { make: Box::new(make), default: default.to_owned(), exporters, runtime }
    }

    fn exporter(&self, service: &str) -> Result<Arc<E>, OTelSdkError> {
        // Exporters are only ever added, whole.
        let mut exporters = self.exporters.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(exporter) = exporters.get(service) {
            return Ok(Arc::clone(exporter));
        }
        let mut exporter = (self.make)()?;
        let resource = Resource::builder_empty().with_service_name(service.to_owned());
        exporter.set_resource(&resource.build());
        let exporter = Arc::new(exporter);
        exporters.insert(service.to_owned(), Arc::clone(&exporter));
        Ok(exporter)
    }

    fn by_service(&self, batch: Vec<SpanData>) -> BTreeMap<String, Vec<SpanData>> {
        let mut groups: BTreeMap<String, Vec<SpanData>> = BTreeMap::new();
        for mut span in batch {
            let service = service_of(&span.attributes).unwrap_or_else(|| self.default.clone());
            span.attributes.retain(|attribute| {
                let name = attribute.key.as_str();
                name != SERVICE_ATTRIBUTE && !denied(name)
            });
            for event in &mut span.events.events {
                event.attributes.retain(|attribute| !denied(attribute.key.as_str()));
            }
            groups.entry(service).or_default().push(span);
        }
        groups
    }
}

impl<E: SpanExporter + 'static> SpanExporter for ByService<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let mut outcome = Ok(());
        for (service, spans) in self.by_service(batch) {
            let exporter = self.exporter(&service)?;
            let sent = self.runtime.spawn(async move { exporter.export(spans).await }).await;
            // One service's failure does not keep the others' spans back.
            match sent {
                Ok(Ok(())) => {}
                Ok(Err(error)) => outcome = Err(error),
                Err(error) => outcome = Err(OTelSdkError::InternalFailure(error.to_string())),
            }
        }
        if outcome.is_err() {
            // The SDK gives these spans up; let it at least be seen.
            metrics::counter!("otlp_export_failures_total").increment(1);
        }
        outcome
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        let exporters = self.exporters.lock().unwrap_or_else(PoisonError::into_inner);
        exporters.values().try_for_each(|exporter| exporter.shutdown_with_timeout(timeout))
    }
}
