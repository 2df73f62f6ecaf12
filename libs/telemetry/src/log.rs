//! Log lines: one JSON object each, or one readable line.

use std::fmt::{self, Write as _};
use std::io::Write as _;

use chrono::SecondsFormat;
use kernel::{Clock, SystemClock};
use opentelemetry::Context as OtelContext;
use opentelemetry::trace::TraceContextExt;
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use crate::redact::denied;
use crate::service::SERVICE_ATTRIBUTE;
use crate::settings::LogFormat;

/// Writes events, with what their spans say about service and request.
pub(crate) struct LogLayer<W> {
    service: String,
    format: LogFormat,
    writer: W,
}

impl<W> LogLayer<W> {
    pub(crate) fn new(service: &str, format: LogFormat, writer: W) -> Self {
        Self { service: service.to_owned(), format, writer }
    }
}

/// What log lines take from a span; everything else in it is for the trace.
#[derive(Clone, Default)]
struct FromSpan {
    service: Option<String>,
    request_id: Option<String>,
}

impl Visit for FromSpan {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            SERVICE_ATTRIBUTE => self.service = Some(value.to_owned()),
            "request_id" => self.request_id = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Only the two: formatting others could cost, or show, what it should not.
        if [SERVICE_ATTRIBUTE, "request_id"].contains(&field.name()) {
            self.record_str(field, &format!("{value:?}"));
        }
    }
}

/// The fields of an event, without those that must not be shown.
#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        if !denied(field.name()) {
            self.others.insert(field.name().to_owned(), value.into());
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            _ => self.put(field, value),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if !denied(field.name()) {
            self.record_str(field, &format!("{value:?}"));
        }
    }
}

#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'a str,
    target: &'a str,
    service: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    trace_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    span_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
    message: &'a str,
    #[serde(skip_serializing_if = "Map::is_empty")]
    fields: Map<String, Value>,
}

impl Line<'_> {
    fn pretty(&self) -> String {
        let time = self.timestamp.get(11..23).unwrap_or(&self.timestamp);
        let mut out = format!("{time} {:<5} {:<10} {}", self.level, self.service, self.message);
        for (name, value) in &self.fields {
            // Writing to a string does not fail.
            let _ = match value {
                Value::String(text) => write!(out, " {name}={text}"),
                other => write!(out, " {name}={other}"),
            };
        }
        if let Some(request_id) = self.request_id {
            let _ = write!(out, " request_id={request_id}");
        }
        // A newline in a value must not look like the next line.
        out.replace(['\n', '\r'], " ")
    }
}

impl<S, W> Layer<S> for LogLayer<W>
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let above = span.parent().and_then(|parent| parent.extensions().get::<FromSpan>().cloned());
        let mut own = above.unwrap_or_default();
        attributes.record(&mut own);
        span.extensions_mut().insert(own);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(own) = span.extensions_mut().get_mut::<FromSpan>() {
            values.record(own);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let span = context.event_span(event);
        let from_span =
            span.and_then(|span| span.extensions().get::<FromSpan>().cloned()).unwrap_or_default();
        let otel = OtelContext::current();
        let otel = otel.span();
        let ids = Some(otel.span_context()).filter(|ids| ids.is_valid());
        let line = Line {
            timestamp: SystemClock.now().to_rfc3339_opts(SecondsFormat::Micros, true),
            level: event.metadata().level().as_str(),
            target: event.metadata().target(),
            service: from_span.service.as_deref().unwrap_or(&self.service),
            trace_id: ids.map(|ids| ids.trace_id().to_string()),
            span_id: ids.map(|ids| ids.span_id().to_string()),
            request_id: from_span.request_id.as_deref(),
            message: &fields.message,
            fields: fields.others,
        };
        let text = match self.format {
            LogFormat::Json => serde_json::to_string(&line).unwrap_or_default(),
            LogFormat::Pretty => line.pretty(),
        };
        // One write a line, so that lines of several threads do not mix. Where a
        // log cannot be written there is nowhere to say so.
        let _ =
            self.writer.make_writer_for(event.metadata()).write_all(format!("{text}\n").as_bytes());
    }
}

#[cfg(test)]
mod tests;
