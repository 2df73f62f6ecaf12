//! The sealed way: an envelope in, an envelope out.

use std::sync::Arc;

use async_stream::try_stream;
use crypto::envelope::{self, Content, Manifest, Terms};
use crypto::{Limits, OpenError, PublicKey, SealError};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use kernel::{Fault, Result, SharedClock};
use reasons::envelope::ENVELOPE_REJECTED;
use rpc::Cx;

use super::exchange::{Exchange, Wishes};
use super::ports::Envelopes;
use crate::domain::{Chat, Prompt};

/// This service's signing key in every tenant.
const SIGNING_KEY: &str = "keys/response-sign";
const ANSWER: &str = "answer";
const ANSWER_STREAM: &str = "answer-stream";
const JSON: &str = "application/json";

/// An envelope in its two parts.
pub struct Envelope {
    pub manifest: String,
    pub content: String,
}

/// A part of a streamed answer.
pub enum Part {
    /// First: the envelope with the stream's key.
    Envelope(Envelope),
    /// Then: chunks, the last one marked inside.
    Chunk(Vec<u8>),
}

/// A sealed request, checked for its form.
pub struct Request {
    pub envelope: Envelope,
    /// `keys/{id}` of the keys that the answer is sealed to.
    pub recipients: Vec<String>,
    pub request_id: String,
    pub wishes: Wishes,
}

#[derive(Clone)]
pub struct Sealed {
    pub exchange: Exchange,
    pub envelopes: Arc<dyn Envelopes>,
    pub clock: SharedClock,
    pub default_model: String,
    pub answer_ttl: std::time::Duration,
    pub limits: Limits,
}

impl Sealed {
    pub async fn respond(&self, cx: &Cx, request: Request) -> Result<Envelope> {
        let (recipients, terms) = self.address(cx, &request, ANSWER).await?;
        let (chat, terms) = self.open(cx, &request, terms).await?;
        let answer = self.exchange.complete(cx, chat, &request.wishes).await?;
        let plaintext = answer.to_string().into_bytes();
        let sealed =
            envelope::seal(&terms, &recipients, plaintext, &self.limits).map_err(unsealable)?;
        self.signed(cx, sealed).await
    }

    pub async fn stream(
        &self,
        cx: &Cx,
        request: Request,
    ) -> Result<BoxStream<'static, Result<Part>>> {
        let (recipients, terms) = self.address(cx, &request, ANSWER_STREAM).await?;
        let (chat, terms) = self.open(cx, &request, terms).await?;
        let mut chunks = self.exchange.stream(cx, chat, &request.wishes).await?;
        let (sealed, mut sealer) =
            envelope::seal_stream(&terms, &recipients, &self.limits).map_err(unsealable)?;
        let first = self.signed(cx, sealed).await?;
        Ok(Box::pin(try_stream! {
            yield Part::Envelope(first);
            while let Some(chunk) = chunks.next().await {
                let plaintext = chunk?.to_string();
                yield Part::Chunk(sealer.next(plaintext.as_bytes(), false).map_err(unsealable)?);
            }
            yield Part::Chunk(sealer.next(&[], true).map_err(unsealable)?);
        }))
    }

    /// Whom the answer is for. Checked before the envelope is opened: what
    /// cannot be answered is not asked.
    async fn address(
        &self,
        cx: &Cx,
        request: &Request,
        purpose: &str,
    ) -> Result<(Vec<PublicKey>, Terms)> {
        let mut recipients = Vec::with_capacity(request.recipients.len());
        for name in &request.recipients {
            recipients.push(self.envelopes.public_key(cx, name).await?);
        }
        let sender = self.envelopes.public_key(cx, SIGNING_KEY).await?.kid().to_owned();
        let now = self.clock.now();
        let ttl = chrono_ttl(self.answer_ttl);
        let terms = Terms {
            tenant: cx.tenant(),
            sender,
            purpose: purpose.to_owned(),
            content_type: JSON.to_owned(),
            in_reply_to: None,
            issued_at: now,
            expires_at: now + ttl,
        };
        Ok((recipients, terms))
    }

    /// Opens the envelope; the answer's terms then name what they reply to.
    async fn open(&self, cx: &Cx, request: &Request, mut terms: Terms) -> Result<(Chat, Terms)> {
        let content = Content::parse(&request.envelope.content, &self.limits).map_err(rejected)?;
        let manifest =
            Manifest::parse(&request.envelope.manifest, &self.limits).map_err(rejected)?;
        let key = self
            .envelopes
            .release(cx, &request.envelope.manifest, &content, &request.request_id)
            .await?;
        // The envelope service has verified this very text.
        let manifest = manifest.verified_by_peer();
        let plaintext = key.open(&manifest, &content).map_err(rejected)?;
        terms.in_reply_to = Some(manifest.claims().id);
        let prompt = Prompt::of(content.media_type().unwrap_or_default(), &plaintext)?;
        Ok((Chat::of(prompt, &self.default_model)?, terms))
    }

    async fn signed(&self, cx: &Cx, sealed: envelope::Sealed) -> Result<Envelope> {
        let claims = sealed.claims.to_json().map_err(unsealable)?;
        Ok(Envelope { manifest: self.envelopes.sign(cx, claims).await?, content: sealed.content })
    }
}

fn chrono_ttl(ttl: std::time::Duration) -> chrono::TimeDelta {
    chrono::TimeDelta::from_std(ttl).unwrap_or(chrono::TimeDelta::MAX)
}

/// One shape for everything that is wrong with an envelope; the log has more.
fn rejected(error: OpenError) -> Fault {
    Fault::new(&ENVELOPE_REJECTED).with_note(format!("{error:?}"))
}

fn unsealable(error: SealError) -> Fault {
    match error {
        SealError::WrongKey | SealError::DuplicateRecipient => {
            Fault::invalid("recipients", "must be different SEAL keys")
        }
        error => Fault::internal(error),
    }
}
