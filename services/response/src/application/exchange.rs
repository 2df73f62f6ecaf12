//! One exchange with a model: anonymize, ask, restore. What enters and leaves
//! here is plaintext; what goes to the provider is not.

use std::sync::Arc;
use std::time::Instant;

use async_stream::try_stream;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use db::Db;
use events::Draft;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use kernel::{Fault, Result, SharedClock};
use pii::Escape;
use pii::chat::{ChatRequest, ChatStreamRestorer, Limits, response_escape, restore_chat_response};
use rpc::Cx;
use serde_json::Value;

use super::ports::{Privacy, Provider, Sanitized};
use super::providers::Providers;
use crate::domain::{Chat, Receipt};

const COMPLETED: &str = "dev.signet.response.exchange.completed";
const STARTED: &str = "dev.signet.response.exchange.started";
const FAILED: &str = "dev.signet.response.exchange.failed";

/// What a caller may ask for besides the chat.
#[derive(Clone, Default)]
pub struct Wishes {
    /// Same bytes, same placeholders. Empty: a conversation of its own.
    pub conversation: String,
    /// Put what was sent into the receipt.
    pub include_sent: bool,
}

#[derive(Clone)]
pub struct Exchange {
    pub privacy: Arc<dyn Privacy>,
    pub providers: Providers,
    pub db: Db,
    pub clock: SharedClock,
}

/// A request that has been sanitized, and where it goes.
struct Prepared {
    provider: Arc<dyn Provider>,
    sanitized: Sanitized,
    /// How originals are written into the answer's content: it may have to be JSON.
    escape: Escape,
    receipt: Receipt,
}

impl Exchange {
    /// The whole answer, restored, with its receipt.
    pub async fn complete(&self, cx: &Cx, chat: Chat, wishes: &Wishes) -> Result<Value> {
        let prepared = self.prepare(cx, chat.streamed(false), wishes).await?;
        let started = Instant::now();
        let outcome = prepared.provider.complete(&prepared.sanitized).await;
        measure(prepared.provider.as_ref(), started, outcome.as_ref().err());
        let answer = match outcome.and_then(|answer| restored(answer, &prepared)) {
            Ok(answer) => answer,
            Err(fault) => return Err(self.failed(cx, &prepared.receipt, fault).await),
        };
        // Before the plaintext leaves.
        self.record(cx, Draft::new(cx, COMPLETED, ""), &prepared.receipt).await?;
        Ok(answer)
    }

    /// The answer in chunks, restored; the last one carries the receipt.
    pub async fn stream(
        &self,
        cx: &Cx,
        chat: Chat,
        wishes: &Wishes,
    ) -> Result<BoxStream<'static, Result<Value>>> {
        let prepared = self.prepare(cx, chat.streamed(true), wishes).await?;
        let started = Instant::now();
        let chunks = match prepared.provider.stream(&prepared.sanitized).await {
            Ok(chunks) => chunks,
            Err(fault) => {
                measure(prepared.provider.as_ref(), started, Some(&fault));
                return Err(self.failed(cx, &prepared.receipt, fault).await);
            }
        };
        self.record(cx, Draft::new(cx, STARTED, ""), &prepared.receipt).await?;
        Ok(self.clone().restore_stream(cx.clone(), prepared, chunks, started))
    }

    fn restore_stream(
        self,
        cx: Cx,
        prepared: Prepared,
        mut chunks: BoxStream<'static, Result<Value>>,
        started: Instant,
    ) -> BoxStream<'static, Result<Value>> {
        let Prepared { provider, sanitized, escape, receipt } = prepared;
        Box::pin(try_stream! {
            let mut restorer = ChatStreamRestorer::new(Arc::new(sanitized.mapping), escape);
            let mut last = None;
            while let Some(chunk) = chunks.next().await {
                let ready = match chunk.and_then(|chunk| restorer.push(chunk).map_err(nonsense)) {
                    Ok(ready) => ready,
                    Err(fault) => {
                        measure(provider.as_ref(), started, Some(&fault));
                        Err(self.failed(&cx, &receipt, fault).await)?
                    }
                };
                for chunk in ready {
                    if let Some(before) = last.replace(chunk) {
                        yield before;
                    }
                }
            }
            for chunk in restorer.finish() {
                if let Some(before) = last.replace(chunk) {
                    yield before;
                }
            }
            measure(provider.as_ref(), started, None);
            self.record(&cx, Draft::new(&cx, COMPLETED, ""), &receipt).await?;
            if let Some(mut chunk) = last {
                chunk["signet"] = receipt.to_json();
                yield chunk;
            }
        })
    }

    async fn prepare(&self, cx: &Cx, chat: Chat, wishes: &Wishes) -> Result<Prepared> {
        let provider = self.providers.of_model(chat.model())?;
        let sanitized =
            self.privacy.sanitize(cx, chat.to_json(), conversation(&wishes.conversation)?).await?;
        let sent = if wishes.include_sent {
            Some(serde_json::from_slice(&sanitized.request).map_err(Fault::internal)?)
        } else {
            None
        };
        let receipt = Receipt {
            provider: provider.name().to_owned(),
            model: chat.model().to_owned(),
            replaced: sanitized.counts.clone(),
            sent_sha256: Receipt::digest_of(&sanitized.request),
            sent,
            request_id: cx.request_id().to_owned(),
        };
        let request =
            ChatRequest::parse(&sanitized.request, &Limits::default()).map_err(Fault::internal)?;
        Ok(Prepared { provider, escape: response_escape(&request), sanitized, receipt })
    }

    async fn record(&self, cx: &Cx, draft: Draft, receipt: &Receipt) -> Result<()> {
        let replaced: i64 = receipt.replaced.iter().map(|(_, count)| i64::from(*count)).sum();
        let draft = draft
            .with("provider", &receipt.provider)
            .with("replaced", replaced)
            .with("sent_sha256", &receipt.sent_sha256)
            .with("method", cx.method().rsplit('/').next().unwrap_or_default());
        events::record(&self.db, draft, self.clock.now()).await
    }

    /// Records the failure; the fault stays what it was.
    async fn failed(&self, cx: &Cx, receipt: &Receipt, fault: Fault) -> Fault {
        let draft = Draft::new(cx, FAILED, "").failed(fault.reason());
        if let Err(unrecorded) = self.record(cx, draft, receipt).await {
            tracing::error!(cause = ?unrecorded, "a failed exchange was not recorded");
        }
        fault
    }
}

fn restored(mut answer: Value, prepared: &Prepared) -> Result<Value> {
    if !answer.get("choices").is_some_and(Value::is_array) {
        return Err(Fault::new(&reasons::response::PROVIDER_NONSENSE).with_note("no choices"));
    }
    restore_chat_response(&mut answer, &prepared.sanitized.mapping, prepared.escape);
    answer["signet"] = prepared.receipt.to_json();
    Ok(answer)
}

fn nonsense(error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::new(&reasons::response::PROVIDER_NONSENSE).with_source(error)
}

/// The conversation that placeholders belong to: the caller's, or a new one.
fn conversation(given: &str) -> Result<Vec<u8>> {
    if !given.is_empty() {
        // Digested, so that any text will do.
        return Ok(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, given.as_bytes())
            .as_ref()
            .to_vec());
    }
    let mut random = vec![0; 32];
    SystemRandom::new().fill(&mut random).map_err(|_| Fault::internal("no randomness"))?;
    Ok(random)
}

fn measure(provider: &dyn Provider, started: Instant, fault: Option<&Fault>) {
    let reason = fault.map_or("OK", |fault| fault.reason().code);
    let name = provider.name().to_owned();
    metrics::counter!("signet_provider_calls_total", "provider" => name.clone(), "reason" => reason).increment(1);
    metrics::histogram!("signet_provider_seconds", "provider" => name)
        .record(started.elapsed().as_secs_f64());
}
