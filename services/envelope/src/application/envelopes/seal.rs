//! Sealing with a key that the service keeps.

use std::sync::Arc;

use chrono::Duration;
use crypto::envelope::{ManifestClaims, Terms, seal, seal_stream};
use crypto::stream::StreamSealer;
use crypto::{KeyUse, Limits, PrivateKey, PublicKey, SealError};
use events::Draft;
use kernel::{Fault, Kind, Result, SharedClock, common};
use reasons::envelope::{KEY_DISABLED, KEY_NOT_KEPT, KEY_PURPOSE_MISMATCH};
use rpc::Cx;

use super::refusal::{digest_of, subject_of};
use crate::application::keys::custody::{Custody, blocking};
use crate::application::keys::directory::Directory;
use crate::application::ports::Journal;
use crate::domain::{KeyName, Keyed};

pub struct Request {
    pub plaintext: Vec<u8>,
    pub content_type: String,
    pub recipients: Vec<KeyName>,
    pub signing_key: KeyName,
    pub purpose: String,
    pub ttl: Duration,
}

pub struct Envelope {
    pub manifest: String,
    pub content: String,
}

#[derive(Clone)]
pub struct SealEnvelope {
    pub directory: Directory,
    pub custody: Arc<Custody>,
    pub journal: Arc<dyn Journal>,
    pub clock: SharedClock,
}

impl SealEnvelope {
    pub async fn seal(&self, cx: &Cx, mut request: Request) -> Result<Envelope> {
        let plaintext = std::mem::take(&mut request.plaintext);
        let Prepared { recipients, private, terms } = self.prepare(cx, request).await?;
        let (envelope, claims) = blocking(move || {
            let sealed = seal(&terms, &recipients, plaintext, &Limits::default())
                .map_err(|error| refused(&error))?;
            let manifest = sealed.claims.sign(&private).map_err(|error| refused(&error))?;
            Ok((Envelope { manifest, content: sealed.content }, sealed.claims))
        })
        .await?;
        self.journal.record(sealed_event(cx, &claims, &envelope)).await?;
        Ok(envelope)
    }

    /// The same for a stream: the envelope with its key, recorded, and who seals its chunks.
    pub async fn seal_stream(&self, cx: &Cx, request: Request) -> Result<(Envelope, StreamSealer)> {
        let Prepared { recipients, private, terms } = self.prepare(cx, request).await?;
        let (envelope, claims, sealer) = blocking(move || {
            let (sealed, sealer) = seal_stream(&terms, &recipients, &Limits::default())
                .map_err(|error| refused(&error))?;
            let manifest = sealed.claims.sign(&private).map_err(|error| refused(&error))?;
            Ok((Envelope { manifest, content: sealed.content }, sealed.claims, sealer))
        })
        .await?;
        self.journal.record(sealed_event(cx, &claims, &envelope).with("stream", true)).await?;
        Ok((envelope, sealer))
    }

    async fn prepare(&self, cx: &Cx, request: Request) -> Result<Prepared> {
        let mut recipients = Vec::with_capacity(request.recipients.len());
        for (index, id) in request.recipients.iter().enumerate() {
            recipients.push(self.recipient(cx, id, &format!("recipients[{index}]")).await?);
        }
        let signer = self.signer(cx, &request.signing_key).await?;
        let private = self.custody.private(cx.tenant(), &signer).await?;
        let now = self.clock.now();
        let terms = Terms {
            tenant: cx.tenant(),
            sender: signer.version.kid,
            purpose: request.purpose,
            content_type: request.content_type,
            in_reply_to: None,
            issued_at: now,
            expires_at: now + request.ttl,
        };
        Ok(Prepared { recipients, private, terms })
    }

    /// A key to sign with for the tenant.
    pub(crate) async fn signer(&self, cx: &Cx, id: &KeyName) -> Result<Keyed> {
        let signer = self.usable(cx, id, KeyUse::Sign, "signing_key").await?;
        if signer.head.is_services() {
            // Else anybody could speak in the service's name.
            let note = "a service's own signing key";
            return Err(Fault::new(&common::NOT_ALLOWED).with_note(note));
        }
        if signer.head.registered {
            return Err(Fault::new(&KEY_NOT_KEPT));
        }
        Ok(signer)
    }

    pub(crate) async fn recipient(&self, cx: &Cx, id: &KeyName, field: &str) -> Result<PublicKey> {
        let keyed = self.usable(cx, id, KeyUse::Seal, field).await?;
        self.custody.public(cx.tenant(), &keyed)
    }

    /// The primary version of an enabled key for this use.
    async fn usable(&self, cx: &Cx, id: &KeyName, key_use: KeyUse, field: &str) -> Result<Keyed> {
        let named = |fault: Fault, what: &str| fault.with_violation(field, what);
        let key = self.directory.get(cx, id).await.map_err(|fault| match fault.kind() {
            Kind::NotFound => named(fault, "there is no such key"),
            _ => fault,
        })?;
        if key.head.key_use() != key_use {
            return Err(named(Fault::new(&KEY_PURPOSE_MISMATCH), "is a key for another purpose"));
        }
        key.primary()
            .filter(Keyed::may_protect)
            .ok_or_else(|| named(Fault::new(&KEY_DISABLED), "is disabled"))
    }
}

/// Everything that sealing needs beside the plaintext.
struct Prepared {
    recipients: Vec<PublicKey>,
    private: Arc<PrivateKey>,
    terms: Terms,
}

fn sealed_event(cx: &Cx, claims: &ManifestClaims, envelope: &Envelope) -> Draft {
    Draft::new(cx, "dev.signet.envelope.envelope.sealed", subject_of(claims.id))
        .with("sender", &claims.sender)
        .with("recipients", claims.recipients.len())
        .with("purpose", &claims.purpose)
        .with("content_digest", &claims.digest)
        .with("manifest_digest", digest_of(&envelope.manifest))
}

fn refused(error: &SealError) -> Fault {
    match *error {
        SealError::DuplicateRecipient => Fault::invalid("recipients", "one is named twice"),
        SealError::MixedSuites => Fault::invalid(
            "recipients",
            "hybrid keys go with hybrid keys only, the signing key included",
        ),
        SealError::Invalid("content_type") => {
            Fault::invalid("content_type", "must be 1 to 128 printable ASCII characters")
        }
        error => Fault::internal(error),
    }
}
