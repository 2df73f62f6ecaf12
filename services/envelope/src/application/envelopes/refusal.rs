//! Refusing an envelope: one answer for every cause, and the cause in the log.

use std::sync::Arc;

use crypto::{OpenError, encoding, provider};
use events::Draft;
use kernel::{EnvelopeId, Fault};
use reasons::envelope::{ENVELOPE_PURPOSE_MISMATCH, ENVELOPE_REJECTED};
use rpc::Cx;

use crate::application::keys::known_keys::never_settled;
use crate::application::ports::Journal;
use crate::domain::Cause;

/// Why there is no result: the envelope, or we.
pub enum Refusal {
    Rejected(Cause),
    /// What the decision rested on has changed meanwhile.
    Overtaken,
    Fault(Fault),
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Cause> for Refusal {
    fn from(cause: Cause) -> Self {
        Self::Rejected(cause)
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        Self::Rejected(error.into())
    }
}

/// Turns refusals into answers.
#[derive(Clone)]
pub struct Refuse {
    pub journal: Arc<dyn Journal>,
}

impl Refuse {
    /// The answer, after the refusal has been recorded. `id` is known only once
    /// the signature holds.
    pub async fn answer(&self, cx: &Cx, id: Option<EnvelopeId>, refusal: Refusal) -> Fault {
        let cause = match refusal {
            Refusal::Fault(fault) => return fault,
            Refusal::Overtaken => return never_settled(),
            Refusal::Rejected(cause) => cause,
        };
        metrics::counter!("signet_envelope_rejected_total", "cause" => cause.word()).increment(1);
        // A purpose is no secret to whoever has signed it, and easily mistaken.
        let reason = match cause {
            Cause::Purpose => &ENVELOPE_PURPOSE_MISMATCH,
            _ => &ENVELOPE_REJECTED,
        };
        let subject = id.map_or_else(|| "envelopes/unverified".to_owned(), subject_of);
        let event = Draft::new(cx, "dev.signet.envelope.content_key.rejected", subject)
            .denied(reason)
            .with("cause", cause.word())
            .with("method", cx.method());
        match self.journal.record(event).await {
            Ok(()) => Fault::new(reason).with_note(cause.word()),
            Err(fault) => fault,
        }
    }
}

pub(crate) fn subject_of(id: EnvelopeId) -> String {
    format!("envelopes/{id}")
}

/// SHA-256 of a manifest as it travels: ties an event to it.
pub(crate) fn digest_of(manifest: &str) -> String {
    encoding::encode(&provider::default().sha256(&[manifest.as_bytes()]))
}
