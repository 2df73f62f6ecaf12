//! Releasing a content key, once, against the manifest: to a service whose own
//! key is a recipient. The content is never seen.

use std::sync::Arc;

use chrono::DateTime;
use crypto::envelope::{ContentKey, ManifestClaims, WrappedKeys};
use crypto::provider;
use crypto::{KeyUse, Limits};
use events::Draft;
use kernel::{Fault, Result, SharedClock};
use rpc::Cx;
use uuid::Uuid;

use super::custody::{Custody, blocking};
use super::ports::{Release, Releases};
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
    pub releases: Arc<dyn Releases>,
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
        match self.try_release(cx, holder, request).await {
            Ok(released) => Ok(released),
            Err(Refused(id, refusal)) => Err(self.refuse.answer(cx, id, refusal).await),
        }
    }

    async fn try_release(
        &self,
        cx: &Cx,
        holder: KeyHolder,
        request: Request,
    ) -> Result<(ContentKey, Verified), Refused> {
        let verified = self.verify.manifest(cx, &request.manifest).await?;
        let id = verified.claims().id;
        self.checked(cx, holder, request, verified)
            .await
            .map_err(|refusal| Refused(Some(id), refusal))
    }

    async fn checked(
        &self,
        cx: &Cx,
        holder: KeyHolder,
        request: Request,
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
            Ok((verified, released))
        })
        .await?;
        let key = released?;
        let asked = Asked { manifest: &request.manifest, request_id: request.request_id };
        self.record(cx, verified.claims(), &recipient, asked).await?;
        Ok((key, verified))
    }

    /// Remembers the release and tells of it, durably, before anything leaves.
    pub(crate) async fn record(
        &self,
        cx: &Cx,
        claims: &ManifestClaims,
        recipient: &Keyed,
        asked: Asked<'_>,
    ) -> Result<(), Refusal> {
        let release = Release {
            tenant: cx.tenant(),
            envelope: claims.id,
            key: recipient.head.id.clone(),
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
                .with("caller", cx.caller().name())
                .finish(self.clock.now())?;
        if !self.releases.record(&release, &event).await? {
            return Err(Cause::Replay.into());
        }
        metrics::counter!("signet_envelope_released_total").increment(1);
        Ok(())
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
    if let Some(found) = fitting().find(|keyed| keyed.is_enabled()) {
        return Ok(found.clone());
    }
    let cause =
        if fitting().next().is_some() { Cause::RecipientDisabled } else { Cause::NotARecipient };
    Err(cause.into())
}
