//! The sealed way: an envelope in, an envelope out.

use std::sync::Arc;

use async_stream::try_stream;
use crypto::envelope::{self, Content, Manifest, Terms};
use crypto::{KeyUse, Limits, OpenError, PublicKey, SealError};
use futures::StreamExt as _;
use futures::stream::BoxStream;
use kernel::{EnvelopeId, Fault, Kind, Result, SharedClock};
use reasons::envelope::ENVELOPE_REJECTED;
use reasons::response::PROVIDER_NONSENSE;
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

/// Whom an answer is for, and who signs it.
struct Address {
    recipients: Vec<PublicKey>,
    sender: String,
}

impl Sealed {
    pub async fn respond(&self, cx: &Cx, request: Request) -> Result<Envelope> {
        let to = Box::pin(self.address(cx, &request.recipients)).await?;
        let (chat, id) = self.open(cx, &request).await?;
        let answer = self.exchange.complete(cx, chat, &request.wishes).await?;
        let plaintext = answer.to_string().into_bytes();
        // Models take their time: the answer is dated when it is there.
        let terms = self.terms(cx, &to, ANSWER, id);
        let sealed =
            envelope::seal(&terms, &to.recipients, plaintext, &self.limits).map_err(unsealable)?;
        self.signed(cx, sealed).await
    }

    pub async fn stream(
        &self,
        cx: &Cx,
        request: Request,
    ) -> Result<BoxStream<'static, Result<Part>>> {
        let to = Box::pin(self.address(cx, &request.recipients)).await?;
        let (chat, id) = self.open(cx, &request).await?;
        // Before the model is asked: once it answers, nothing else has to go well,
        // and no peer is called after the first part has left.
        let terms = self.terms(cx, &to, ANSWER_STREAM, id);
        let (sealed, mut sealer) =
            envelope::seal_stream(&terms, &to.recipients, &self.limits).map_err(unsealable)?;
        let first = self.signed(cx, sealed).await?;
        let mut chunks = self.exchange.stream(cx, chat, &request.wishes).await?;
        Ok(Box::pin(try_stream! {
            yield Part::Envelope(first);
            while let Some(chunk) = chunks.next().await {
                let plaintext = chunk?.to_string();
                yield Part::Chunk(sealer.next(plaintext.as_bytes(), false).map_err(unsealable)?);
            }
            yield Part::Chunk(sealer.next(&[], true).map_err(unsealable)?);
        }))
    }

    /// Looked up before the envelope is opened: what cannot be answered is not asked.
    async fn address(&self, cx: &Cx, names: &[String]) -> Result<Address> {
        let found = names.iter().enumerate().map(async |(index, name)| {
            let key = self.envelopes.public_key(cx, name).await;
            let key = key.map_err(|fault| match fault.kind() {
                Kind::InvalidArgument | Kind::NotFound => no_recipient(index),
                _ => fault,
            })?;
            let seals = key.algorithm().key_use() == KeyUse::Seal;
            if seals { Ok(key) } else { Err(no_recipient(index)) }
        });
        let (recipients, sender) = futures::try_join!(
            futures::future::try_join_all(found),
            self.envelopes.public_key(cx, SIGNING_KEY)
        )?;
        for (index, key) in recipients.iter().enumerate() {
            if recipients[..index].iter().any(|before| before.kid() == key.kid()) {
                return Err(Fault::invalid(format!("recipients[{index}]"), "is there twice"));
            }
        }
        Ok(Address { recipients, sender: sender.kid().to_owned() })
    }

    fn terms(&self, cx: &Cx, to: &Address, purpose: &str, in_reply_to: EnvelopeId) -> Terms {
        let now = self.clock.now();
        Terms {
            tenant: cx.tenant(),
            sender: to.sender.clone(),
            purpose: purpose.to_owned(),
            content_type: JSON.to_owned(),
            in_reply_to: Some(in_reply_to),
            issued_at: now,
            expires_at: now + chrono_ttl(self.answer_ttl),
        }
    }

    /// Opens the envelope; gives its unique id too.
    async fn open(&self, cx: &Cx, request: &Request) -> Result<(Chat, EnvelopeId)> {
        let content = Content::parse(&request.envelope.content, &self.limits).map_err(rejected)?;
        let manifest =
            Manifest::parse(&request.envelope.manifest, &self.limits).map_err(rejected)?;
        // The envelope service verifies this very text before it releases the key;
        // nothing of it is believed until then.
        let manifest = manifest.verified_by_peer();
        // A release uses the envelope up. What was damaged on its way must not:
        // its sender can send it again.
        manifest.check_content(&content).map_err(rejected)?;
        let key = self
            .envelopes
            .release(cx, &request.envelope.manifest, &content, &request.request_id)
            .await?;
        let plaintext = key.open(&manifest, &content).map_err(rejected)?;
        let prompt = Prompt::of(content.media_type().unwrap_or_default(), &plaintext)?;
        Ok((Chat::of(prompt, &self.default_model)?, manifest.claims().id))
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

fn no_recipient(index: usize) -> Fault {
    Fault::invalid(format!("recipients[{index}]"), "must name a SEAL key of the tenant")
}

fn unsealable(error: SealError) -> Fault {
    match error {
        SealError::TooLarge(_) => {
            Fault::new(&PROVIDER_NONSENSE).with_note("the answer is too large to be sealed")
        }
        SealError::MixedSuites => {
            Fault::invalid("recipients", "hybrid keys go with hybrid keys only")
        }
        error => Fault::internal(error),
    }
}
