//! Anything that speaks OpenAI's chat completions over HTTP.

use std::time::Duration;

use async_stream::try_stream;
use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use kernel::{Fault, Reason, Result, Secret};
use reasons::response::{
    PROVIDER_CUT, PROVIDER_DENIED, PROVIDER_NONSENSE, PROVIDER_RATE_LIMITED, PROVIDER_REFUSED,
    PROVIDER_UNAVAILABLE,
};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Client, RequestBuilder, Response, StatusCode, redirect};
use serde_json::Value;
use tracing::Instrument as _;

use super::sse::Events;
use crate::application::ports::{Provider, Sanitized};
use crate::settings::OpenAiSettings;

/// A whole answer larger than this is not taken.
const LARGEST: usize = 8 * 1024 * 1024;

pub struct OpenAi {
    client: Client,
    settings: OpenAiSettings,
}

impl OpenAi {
    pub fn new(settings: OpenAiSettings) -> Result<Self> {
        let client = Client::builder()
            .connect_timeout(settings.connect_timeout.get())
            .read_timeout(settings.idle_timeout.get())
            // A prompt must not follow a redirect to somewhere else.
            .redirect(redirect::Policy::none())
            .user_agent(concat!("signet/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(Fault::internal)?;
        Ok(Self { client, settings })
    }

    fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.settings.base_url.trim_end_matches('/'))
    }

    fn authorized(&self, request: RequestBuilder) -> Result<RequestBuilder> {
        let key = match (&self.settings.api_key, &self.settings.api_key_file) {
            (Some(key), _) => Secret::new(key.expose().clone()),
            (None, Some(file)) => {
                // Read anew for each call, so that a key can be replaced.
                let unread = |error| {
                    Fault::new(&PROVIDER_DENIED)
                        .with_source(error)
                        .with_note("api_key_file not read")
                };
                Secret::new(std::fs::read_to_string(file).map_err(unread)?)
            }
            (None, None) => return Ok(request),
        };
        let mut value = HeaderValue::try_from(format!("Bearer {}", key.expose().trim()))
            .map_err(|_| Fault::internal("the API key cannot stand in a header"))?;
        value.set_sensitive(true);
        Ok(request.header(AUTHORIZATION, value))
    }

    async fn post(&self, request: &Sanitized, accept: &'static str) -> Result<Response> {
        let builder = self.client.post(self.url("chat/completions"));
        let builder = builder.header(CONTENT_TYPE, "application/json").header(ACCEPT, accept);
        let call = self.authorized(builder)?.body(request.request.clone()).send();
        let response = call.instrument(self.span("chat")).await.map_err(unreachable)?;
        if response.status().is_success() { Ok(response) } else { Err(refused(&response)) }
    }

    fn span(&self, operation: &'static str) -> tracing::Span {
        tracing::info_span!(
            "provider.call",
            otel.name = operation,
            otel.kind = "client",
            gen_ai.operation.name = operation,
            gen_ai.system = %self.settings.name,
            signet.service = "response",
        )
    }
}

/// Errors of reqwest name the URL; the log may know it, the caller not.
fn unreachable(error: reqwest::Error) -> Fault {
    let reason: &'static Reason =
        if error.is_body() || error.is_decode() { &PROVIDER_CUT } else { &PROVIDER_UNAVAILABLE };
    Fault::new(reason).with_source(error.without_url())
}

/// The body is not read: it may repeat the prompt.
fn refused(response: &Response) -> Fault {
    let status = response.status();
    let reason: &'static Reason = match status {
        // The operator's to mend, not the caller's.
        StatusCode::UNAUTHORIZED | StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => {
            &PROVIDER_DENIED
        }
        StatusCode::TOO_MANY_REQUESTS => &PROVIDER_RATE_LIMITED,
        status if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
            &PROVIDER_UNAVAILABLE
        }
        status if status.is_client_error() => &PROVIDER_REFUSED,
        _ => &PROVIDER_NONSENSE,
    };
    let fault = Fault::new(reason).with_note(format!("provider answered {}", status.as_u16()));
    let after =
        response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    match after {
        Some(seconds) => fault.with_retry_after(Duration::from_secs(u64::min(seconds, 3_600))),
        None => fault,
    }
}

async fn bounded(response: Response) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    let mut pieces = response.bytes_stream();
    while let Some(piece) = pieces.next().await {
        let piece =
            piece.map_err(|error| Fault::new(&PROVIDER_CUT).with_source(error.without_url()))?;
        if body.len() + piece.len() > LARGEST {
            return Err(Fault::new(&PROVIDER_NONSENSE).with_note("answer too large"));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

fn parsed(json: &[u8]) -> Result<Value> {
    // serde's message would quote the answer.
    serde_json::from_slice(json).map_err(|_| Fault::new(&PROVIDER_NONSENSE).with_note("not JSON"))
}

/// The chunks until `[DONE]`; an end without it is a broken answer.
fn chunks(
    mut pieces: BoxStream<'static, reqwest::Result<Bytes>>,
) -> BoxStream<'static, Result<Value>> {
    Box::pin(try_stream! {
        let mut events = Events::default();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|error| Fault::new(&PROVIDER_CUT).with_source(error.without_url()))?;
            let found = events.push(&piece).map_err(|_| Fault::new(&PROVIDER_NONSENSE).with_note("event too large"))?;
            for data in found {
                if data == b"[DONE]" {
                    return;
                }
                let chunk = parsed(&data)?;
                if chunk.get("error").is_some_and(|error| !error.is_null()) {
                    Err(Fault::new(&PROVIDER_UNAVAILABLE).with_note("error event in the stream"))?;
                }
                yield chunk;
            }
        }
        Err(Fault::new(&PROVIDER_CUT).with_note("no [DONE]"))?;
    })
}

#[async_trait]
impl Provider for OpenAi {
    fn name(&self) -> &str {
        &self.settings.name
    }

    fn has(&self, model: &str) -> bool {
        self.settings.models.is_empty() || self.settings.models.iter().any(|known| known == model)
    }

    async fn models(&self) -> Result<Vec<String>> {
        if !self.settings.models.is_empty() {
            return Ok(self.settings.models.clone());
        }
        let call = self.authorized(self.client.get(self.url("models")))?.send();
        let response = call.instrument(self.span("models")).await.map_err(unreachable)?;
        if !response.status().is_success() {
            return Err(refused(&response));
        }
        let list = parsed(&bounded(response).await?)?;
        let ids = list["data"]
            .as_array()
            .ok_or_else(|| Fault::new(&PROVIDER_NONSENSE).with_note("no model list"))?;
        Ok(ids.iter().filter_map(|model| model["id"].as_str().map(str::to_owned)).collect())
    }

    async fn complete(&self, request: &Sanitized) -> Result<Value> {
        let response = self.post(request, "application/json").await?;
        parsed(&bounded(response).await?)
    }

    async fn stream(&self, request: &Sanitized) -> Result<BoxStream<'static, Result<Value>>> {
        let response = self.post(request, "text/event-stream").await?;
        let kind = response
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        if !kind.starts_with("text/event-stream") {
            return Err(Fault::new(&PROVIDER_NONSENSE).with_note("not an event stream"));
        }
        Ok(chunks(response.bytes_stream().boxed()))
    }
}
