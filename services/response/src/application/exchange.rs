//! One exchange with a model: anonymize, ask, restore. What enters and leaves
//! here is plaintext; what goes to the provider is not.

use std::sync::Arc;

use async_stream::try_stream;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use db::Db;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use kernel::{Fault, Result, SharedClock};
use pii::Escape;
use pii::chat::{ChatRequest, ChatStreamRestorer, Limits, response_escape, restore_chat_response};
use reasons::response::PROVIDER_NONSENSE;
use rpc::Cx;
use serde_json::Value;

use super::ports::{Privacy, Provider, Sanitized};
use super::providers::Providers;
use super::record::{Log, Record};
use super::tail::Tail;
use crate::domain::{Chat, Growth, Receipt};

/// A restored answer larger than this is not built.
const LARGEST_ANSWER: usize = 16 * 1024 * 1024;
/// The same for one chunk of a stream: it has to fit a sealed chunk, which
/// has 1 MiB, with room for the receipt.
const LARGEST_CHUNK: usize = 768 * 1024;
/// What was sent goes into the last chunk of a stream; larger requests do not fit.
const LARGEST_SENT: usize = 256 * 1024;

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
    record: Record,
}

impl Exchange {
    /// The whole answer, restored, with its receipt.
    pub async fn complete(&self, cx: &Cx, chat: Chat, wishes: &Wishes) -> Result<Value> {
        let prepared = Box::pin(self.prepare(cx, chat.streamed(false), wishes)).await?;
        let Prepared { provider, sanitized, escape, receipt, record } = prepared;
        let outcome = provider.complete(&sanitized).await;
        match outcome.and_then(|answer| restored(answer, &sanitized, escape)) {
            Ok(mut answer) => {
                answer["signet"] = receipt.to_json();
                // Before the plaintext leaves.
                record.completed().await?;
                Ok(answer)
            }
            Err(fault) => Err(record.failed(fault).await),
        }
    }

    /// The answer in chunks, restored; the last one carries the receipt.
    pub async fn stream(
        &self,
        cx: &Cx,
        chat: Chat,
        wishes: &Wishes,
    ) -> Result<BoxStream<'static, Result<Value>>> {
        let prepared = Box::pin(self.prepare(cx, chat.streamed(true), wishes)).await?;
        let Prepared { provider, sanitized, escape, receipt, record } = prepared;
        let outcome = match wishes.include_sent && sanitized.request.len() > LARGEST_SENT {
            true => {
                Err(Fault::invalid("include_sent", "is for streamed requests of 256 KiB at most"))
            }
            false => provider.stream(&sanitized).await,
        };
        let chunks = match outcome {
            Ok(chunks) => chunks,
            Err(fault) => return Err(record.failed(fault).await),
        };
        record.started().await?;
        let restorer = ChatStreamRestorer::new(Arc::clone(&sanitized.mapping), escape);
        Ok(restored_stream(chunks, restorer, Growth::of(sanitized.mapping), receipt, record))
    }

    async fn prepare(&self, cx: &Cx, chat: Chat, wishes: &Wishes) -> Result<Prepared> {
        let provider = self.providers.of_model(chat.model())?;
        let log = Log { cx: cx.clone(), db: self.db.clone(), clock: Arc::clone(&self.clock) };
        let conversation = conversation(&wishes.conversation)?;
        let sanitized = match self.privacy.sanitize(cx, chat.to_json(), conversation).await {
            Ok(sanitized) => sanitized,
            Err(fault) => return Err(log.not_sent(provider.name(), fault).await),
        };
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
        // Placeholders may have made it larger than a client's request may be.
        let limits = Limits { max_bytes: usize::MAX, ..Limits::default() };
        let request = ChatRequest::parse(&sanitized.request, &limits).map_err(Fault::internal)?;
        let record = Record::open(log, &receipt);
        Ok(Prepared { provider, escape: response_escape(&request), sanitized, receipt, record })
    }
}

fn restored(mut answer: Value, sanitized: &Sanitized, escape: Escape) -> Result<Value> {
    if !answer.get("choices").is_some_and(Value::is_array) {
        return Err(nonsense("no choices"));
    }
    if !Growth::of(Arc::clone(&sanitized.mapping)).fits(&answer.to_string(), LARGEST_ANSWER) {
        return Err(nonsense("restored, the answer would be too large"));
    }
    restore_chat_response(&mut answer, &sanitized.mapping, escape);
    Ok(answer)
}

fn restored_stream(
    mut chunks: BoxStream<'static, Result<Value>>,
    mut restorer: ChatStreamRestorer,
    growth: Growth,
    receipt: Receipt,
    record: Record,
) -> BoxStream<'static, Result<Value>> {
    Box::pin(try_stream! {
        let mut tail = Tail::default();
        while let Some(chunk) = chunks.next().await {
            let ready = match chunk.and_then(|chunk| restored_chunk(chunk, &growth, &mut restorer)) {
                Ok(ready) => ready,
                Err(fault) => {
                    Err(record.failed(fault).await)?;
                    return;
                }
            };
            for chunk in ready.into_iter().flat_map(|chunk| tail.pass(chunk)) {
                yield chunk;
            }
        }
        for chunk in restorer.finish().into_iter().flat_map(|chunk| tail.pass(chunk)) {
            yield chunk;
        }
        let Some(mut last) = tail.last() else {
            Err(record.failed(nonsense("no chunk")).await)?;
            return;
        };
        record.completed().await?;
        last["signet"] = receipt.to_json();
        yield last;
    })
}

fn restored_chunk(
    chunk: Value,
    growth: &Growth,
    restorer: &mut ChatStreamRestorer,
) -> Result<Vec<Value>> {
    if !chunk.is_object() {
        return Err(nonsense("a chunk is no object"));
    }
    if !growth.fits(&chunk.to_string(), LARGEST_CHUNK) {
        return Err(nonsense("restored, a chunk would be too large"));
    }
    restorer.push(chunk).map_err(|error| Fault::new(&PROVIDER_NONSENSE).with_source(error))
}

fn nonsense(note: &'static str) -> Fault {
    Fault::new(&PROVIDER_NONSENSE).with_note(note)
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
