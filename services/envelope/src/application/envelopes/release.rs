//! Releasing a content key, once, against the manifest: to a service whose own
//! key is a recipient. The content is never seen.

use std::sync::Arc;

use chrono::DateTime;
use crypto::envelope::{ContentKey, WrappedKeys};
use crypto::{KeyUse, Limits, encoding, provider};
use events::Draft;
use kernel::{Fault, Result, SharedClock};
use rpc::Cx;
use uuid::Uuid;

use super::refusal::{Refusal, Refuse, subject_of};
use super::verify::{Refused, Verified, Verify};
use crate::application::keys::custody::{Custody, blocking};
use crate::application::keys::known_keys::{ATTEMPTS, Reading, decide_again, never_settled};
use crate::application::ports::{Basis, Release};
use crate::application::record::{Decision, Outcome, Recorder, Withheld};
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
        let wrapped = WrappedKeys::from_json(&request.wrapped_keys, &Limits::default())?;
        let wrapped_for: Vec<_> = wrapped.recipients().map(str::to_owned).collect();
        let own = holder.key(KeyUse::Seal);
        let is_own = |keyed: &Keyed| keyed.head.id == own;
        let recipient = self.recipient(cx, &verified, &wrapped_for, is_own).await?;
        if verified.claims().purpose != request.purpose {
            return Err(Cause::Purpose.into());
        }
        let (released, verified) = self.unwrap(cx, verified, &recipient, wrapped).await?;
        let asked = Asked { manifest: &request.manifest, request_id: request.request_id };
        let decision = self.decision(cx, &verified, &recipient.keyed, asked)?;
        let key = self.record(Withheld::new(released), decision).await?;
        Ok((key, verified))
    }

    /// The content key, which does not leave the service unless that is recorded.
    pub(crate) async fn unwrap(
        &self,
        cx: &Cx,
        verified: Verified,
        recipient: &Recipient,
        wrapped: WrappedKeys,
    ) -> Result<(ContentKey, Verified), Refusal> {
        let private = self.custody.private(cx.tenant(), &recipient.keyed).await?;
        let (now, named) = (self.clock.now(), recipient.named.clone());
        let (verified, released) = blocking(move || {
            let released = verified.manifest.release_renewed(&named, &private, &wrapped, now);
            Ok((verified, released))
        })
        .await?;
        Ok((released?, verified))
    }

    /// The recipient to open with, by a version of its key that the content key is wrapped for.
    /// Everyone named must be known: a sender who names strangers has made a mistake that
    /// should not stay unnoticed.
    pub(crate) async fn recipient(
        &self,
        cx: &Cx,
        verified: &Verified,
        wrapped_for: &[String],
        fits: impl Fn(&Keyed) -> bool + Send,
    ) -> Result<Recipient, Refusal> {
        let named: Option<Vec<&Keyed>> = verified.recipients.iter().map(Option::as_ref).collect();
        let named = named.ok_or(Cause::RecipientUnknown)?;
        let renewed: Vec<_> = wrapped_for
            .iter()
            .filter(|kid| !verified.claims().recipients.contains(kid))
            .cloned()
            .collect();
        let renewed = match renewed.as_slice() {
            [] => Vec::new(),
            kids => self.verify.directory.by_kids(cx, kids, verified.reading).await?,
        };
        let mut cause = Cause::NotARecipient;
        for one in named {
            let same_key = |keyed: &&Keyed| keyed.head.id == one.head.id;
            let newer = renewed.iter().flatten().filter(same_key);
            // Without a wrapped key for it the named one is as good as any: it will not unwrap.
            let is_there = wrapped_for.contains(&one.version.kid);
            let mut versions = newer.chain(std::iter::once(one));
            let chosen = if is_there { Some(one) } else { versions.next() };
            match chosen.filter(|keyed| fits(keyed)) {
                Some(keyed) if keyed.may_process() => {
                    return Ok(Recipient { named: one.version.kid.clone(), keyed: keyed.clone() });
                }
                Some(_) => cause = Cause::RecipientDisabled,
                None => {}
            }
        }
        Err(cause.into())
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
        let manifest = provider::default().sha256(&[asked.manifest.as_bytes()]);
        let release = Release {
            tenant: cx.tenant(),
            envelope: claims.id,
            key: recipient.head.id.clone(),
            version: recipient.version.number,
            manifest,
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
                .with("sender_key", verified.sender.head.id.resource())
                .with("sender_version", verified.sender.version.number)
                .with("purpose", &claims.purpose)
                .with("content_digest", &claims.digest)
                .with("manifest_digest", encoding::encode(&manifest))
                .with("caller", cx.caller().name());
        let basis = verified.signers().chain([recipient]).map(Basis::of);
        Ok(Decision::new(cx, event).resting_on(basis).once(release))
    }
}

/// What of a request belongs into the memory of releases.
pub(crate) struct Asked<'a> {
    pub(crate) manifest: &'a str,
    pub(crate) request_id: Option<Uuid>,
}

/// A recipient, and the version of its key to open with.
pub(crate) struct Recipient {
    /// The thumbprint by which the manifest names it.
    pub(crate) named: String,
    pub(crate) keyed: Keyed,
}
