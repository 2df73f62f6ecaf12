//! Releasing a content key, once, against the manifest: to a service whose own
//! key is a recipient. The content is never seen.

use std::sync::Arc;

use chrono::DateTime;
use crypto::envelope::{ContentKey, WrappedKeys};
use crypto::provider;
use crypto::{KeyUse, Limits};
use events::Draft;
use kernel::{Fault, Result, SharedClock};
use rpc::Cx;
use uuid::Uuid;

use super::custody::{Custody, blocking};
use super::known_keys::{ATTEMPTS, Reading, decide_again, never_settled};
use super::ports::{Basis, Release};
use super::record::{Decision, Outcome, Recorder, Withheld};
use super::refusal::{Refusal, Refuse, subject_of};
use super::verify::{Refused, Verified, Verify};
use crate::domain::{Cause, KeyHolder, Keyed};

/// What a service asks for.
pub struct Request {
    pub manifest: String,
    /// The `recipients` of the content, JSON.
    pub wrapped_keys: String,
    pub purpose: &'static str,
    pub request_id: Option<Uuid>,
}

#[derive(Clone)]
pub struct ReleaseKey {
    pub verify: Verify,
    pub custody: Arc<Custody>,
    pub recorder: Recorder,
    pub refuse: Refuse,
    pub clock: SharedClock,
}

impl ReleaseKey {
    pub async fn release(
        &self,
        cx: &Cx,
        holder: KeyHolder,
        request: Request,
    ) -> Result<(ContentKey, Verified)> {
        for reading in ATTEMPTS {
            match self.try_release(cx, holder, &request, reading).await {
                Ok(released) => return Ok(released),
                Err(Refused(_, refusal)) if decide_again(reading, &refusal) => {}
                Err(Refused(id, refusal)) => return Err(self.refuse.answer(cx, id, refusal).await),
            }
        }
        Err(never_settled())
    }

    async fn try_release(
        &self,
        cx: &Cx,
        holder: KeyHolder,
        request: &Request,
        reading: Reading,
    ) -> Result<(ContentKey, Verified), Refused> {
        let verified = self.verify.manifest(cx, &request.manifest, reading).await?;
        let id = verified.claims().id;
        self.checked(cx, holder, request, verified)
            .await
            .map_err(|refusal| Refused(Some(id), refusal))
    }

    async fn checked(
        &self,
        cx: &Cx,
        holder: KeyHolder,
        request: &Request,
        verified: Verified,
    ) -> Result<(ContentKey, Verified), Refusal> {
        let own = holder.key(KeyUse::Seal);
        let recipient = recipient(&verified, |keyed| keyed.head.id == own)?;
        if verified.claims().purpose != request.purpose {
            return Err(Cause::Purpose.into());
        }
        let wrapped = WrappedKeys::from_json(&request.wrapped_keys, &Limits::default())?;
        let private = self.custody.private(cx.tenant(), &recipient).await?;
        let now = self.clock.now();
        let (verified, released) = blocking(move || {
            let released = verified.manifest.release(&private, &wrapped, now);
            Ok((verified, released.map(Withheld::new)))
        })
        .await?;
        let asked = Asked { manifest: &request.manifest, request_id: request.request_id };
        let decision = self.decision(cx, &verified, &recipient, asked)?;
        let key = self.record(released?, decision).await?;
        Ok((key, verified))
    }

    /// Lets go of what was withheld, once.
    pub(crate) async fn record<T>(
        &self,
        secret: Withheld<T>,
        decision: Decision,
    ) -> Result<T, Refusal> {
        match self.recorder.release(secret, decision).await? {
            Outcome::Released(secret) => {
                metrics::counter!("signet_envelope_released_total").increment(1);
                Ok(secret)
            }
            Outcome::Replay => Err(Cause::Replay.into()),
            Outcome::Overtaken => Err(Refusal::Overtaken),
        }
    }

    /// Who gets the key by which the envelope opens, and what that rests on.
    pub(crate) fn decision(
        &self,
        cx: &Cx,
        verified: &Verified,
        recipient: &Keyed,
        asked: Asked<'_>,
    ) -> Result<Decision> {
        let claims = verified.claims();
        let release = Release {
            tenant: cx.tenant(),
            envelope: claims.id,
            key: recipient.head.id.clone(),
            version: recipient.version.number,
            manifest: provider::default().sha256(&[asked.manifest.as_bytes()]),
            caller: format!("{} {}", cx.caller().name(), cx.principal()?.user_name()),
            request_id: asked.request_id,
            expires_at: DateTime::from_timestamp(claims.expires_at, 0)
                .ok_or_else(|| Fault::internal("an end that no clock reaches"))?,
        };
        let event =
            Draft::new(cx, "dev.signet.envelope.content_key.released", subject_of(claims.id))
                .with("recipient", recipient.head.id.resource())
                .with("recipient_version", recipient.version.number)
                .with("sender", &claims.sender)
                .with("purpose", &claims.purpose)
                .with("content_digest", &claims.digest)
                .with("caller", cx.caller().name());
        let basis = [&verified.sender, recipient].map(Basis::of);
        Ok(Decision::new(cx, event).resting_on(basis).once(release))
    }
}

/// What of a request belongs into the memory of releases.
pub(crate) struct Asked<'a> {
    pub(crate) manifest: &'a str,
    pub(crate) request_id: Option<Uuid>,
}

/// The recipient to open with. Everyone named must be known: a sender who names
/// strangers has made a mistake that should not stay unnoticed.
pub(crate) fn recipient(
    verified: &Verified,
    fits: impl Fn(&Keyed) -> bool,
) -> Result<Keyed, Refusal> {
    if verified.recipients.iter().any(Option::is_none) {
        return Err(Cause::RecipientUnknown.into());
    }
    let fitting = || verified.recipients.iter().flatten().filter(|keyed| fits(keyed));
    if let Some(found) = fitting().find(|keyed| keyed.may_process()) {
        return Ok(found.clone());
    }
    let cause =
        if fitting().next().is_some() { Cause::RecipientDisabled } else { Cause::NotARecipient };
    Err(cause.into())
}
