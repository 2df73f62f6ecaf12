//! Who sealed what, for whom and when: everything about an envelope that can be
//! said without opening it.

use std::sync::Arc;

use crypto::Limits;
use crypto::envelope::{Content, Manifest, ManifestClaims, VerifiedManifest};
use kernel::{EnvelopeId, Result};
use rpc::Cx;

use super::refusal::{Refusal, Refuse};
use crate::application::keys::custody::{Custody, blocking};
use crate::application::keys::directory::Directory;
use crate::application::keys::known_keys::Reading;
use crate::domain::{Cause, Keyed, lives_too_long};

/// A manifest that one of the tenant's senders has signed.
pub struct Verified {
    pub manifest: VerifiedManifest,
    pub sender: Keyed,
    /// As the manifest names them; None for keys that are not the tenant's.
    pub recipients: Vec<Option<Keyed>>,
    /// Oldest first.
    pub amendments: Vec<Amended>,
    /// Where the keys were looked up.
    pub(crate) reading: Reading,
}

/// A change of recipients, with those of the tenant's keys that it is about.
pub struct Amended {
    pub by: Keyed,
    /// Seconds since 1970.
    pub at: i64,
    pub before: Vec<Keyed>,
    pub after: Vec<Keyed>,
}

impl Amended {
    /// Whoever could open the envelope may pass it on, and nobody else: the key that signs
    /// belongs to the owner of a recipient's. (That its user had the content key is proved
    /// within the amendment, and checked when it is unwrapped.)
    fn is_by_a_recipient(&self) -> bool {
        let by = &self.by.head;
        !by.is_services() && self.before.iter().any(|keyed| keyed.head.owner == by.owner)
    }
}

impl Verified {
    pub fn claims(&self) -> &ManifestClaims {
        self.manifest.claims()
    }

    /// Those whose signatures it rests on.
    pub(crate) fn signers(&self) -> impl Iterator<Item = &Keyed> {
        std::iter::once(&self.sender).chain(self.amendments.iter().map(|amended| &amended.by))
    }
}

/// A refusal, and which envelope it is about, if that is known.
pub(crate) struct Refused(pub(crate) Option<EnvelopeId>, pub(crate) Refusal);

impl<R: Into<Refusal>> From<R> for Refused {
    fn from(refusal: R) -> Self {
        Self(None, refusal.into())
    }
}

#[derive(Clone)]
pub struct Verify {
    pub directory: Directory,
    pub custody: Arc<Custody>,
    pub refuse: Refuse,
}

impl Verify {
    /// Checks a manifest, and its content if there is one. Also for envelopes
    /// that have expired: they were valid once.
    pub async fn verify(&self, cx: &Cx, manifest: &str, content: String) -> Result<Verified> {
        match self.with_content(cx, manifest, content).await {
            Ok(verified) => Ok(verified),
            Err(Refused(id, refusal)) => Err(self.refuse.answer(cx, id, refusal).await),
        }
    }

    async fn with_content(
        &self,
        cx: &Cx,
        manifest: &str,
        content: String,
    ) -> Result<Verified, Refused> {
        // Nothing is recorded that could confirm what is known.
        let verified = self.manifest(cx, manifest, Reading::Source).await?;
        if content.is_empty() {
            return Ok(verified);
        }
        let id = verified.claims().id;
        let (verified, outcome) = blocking(move || {
            let outcome = Content::parse(&content, &Limits::default())
                .and_then(|content| verified.manifest.check_content(&content));
            Ok((verified, outcome))
        })
        .await?;
        outcome.map_err(|error| Refused(Some(id), error.into()))?;
        Ok(verified)
    }

    /// Signatures, sender, amenders, tenant and length of life; neither times nor purpose.
    pub(crate) async fn manifest(
        &self,
        cx: &Cx,
        token: &str,
        reading: Reading,
    ) -> Result<Verified, Refused> {
        let manifest = Manifest::parse(token, &Limits::default())?;
        let claimed: Vec<_> = manifest.claimed_signers().map(str::to_owned).collect();
        let mut signers = self.directory.by_kids(cx, &claimed, reading).await?.into_iter();
        // Another tenant's sender is as unknown as one that nobody has.
        let sender = signers.next().flatten().ok_or(Cause::SenderUnknown)?;
        let amenders: Option<Vec<Keyed>> = signers.collect();
        let amenders = amenders.ok_or(Cause::AmenderUnknown)?;
        let keys = std::iter::once(&sender).chain(&amenders);
        let keys: Vec<_> =
            keys.map(|keyed| self.custody.public(cx.tenant(), keyed)).collect::<Result<_>>()?;
        let manifest =
            manifest.verify_by(|kid| keys.iter().find(|key| key.kid() == kid).cloned())?;
        let id = Some(manifest.claims().id);
        let refused = |cause: Cause| Refused(id, cause.into());
        if !sender.may_process() {
            return Err(refused(Cause::SenderDisabled));
        }
        if !amenders.iter().all(Keyed::may_process) {
            return Err(refused(Cause::AmenderDisabled));
        }
        if manifest.claims().tenant != cx.tenant() {
            return Err(refused(Cause::Tenant));
        }
        if lives_too_long(manifest.claims()) {
            return Err(refused(Cause::Lifetime));
        }
        let recipients = self.directory.by_kids(cx, &manifest.claims().recipients, reading).await?;
        if reading == Reading::Again {
            let disabled = recipients.iter().flatten().filter(|keyed| !keyed.may_process());
            disabled.for_each(|keyed| self.custody.forget(cx.tenant(), &keyed.version.kid));
        }
        let suits = |keyed: &Keyed| manifest.claims().suits(keyed.head.algorithm);
        if !recipients.iter().flatten().all(suits) {
            return Err(refused(Cause::Suite));
        }
        let amendments = self.amendments(cx, &manifest, amenders, reading).await?;
        if !amendments.iter().all(Amended::is_by_a_recipient) {
            return Err(refused(Cause::Amender));
        }
        Ok(Verified { manifest, sender, recipients, amendments, reading })
    }

    /// Each amendment with the keys that it is about.
    async fn amendments(
        &self,
        cx: &Cx,
        manifest: &VerifiedManifest,
        amenders: Vec<Keyed>,
        reading: Reading,
    ) -> Result<Vec<Amended>> {
        let known = |keys: Vec<Option<Keyed>>| keys.into_iter().flatten().collect();
        let mut before = manifest.sealed_for();
        let mut amended = Vec::with_capacity(amenders.len());
        for (by, amendment) in amenders.into_iter().zip(manifest.amendments()) {
            let after = amendment.recipients.as_slice();
            amended.push(Amended {
                by,
                at: amendment.amended_at,
                before: known(self.directory.by_kids(cx, before, reading).await?),
                after: known(self.directory.by_kids(cx, after, reading).await?),
            });
            before = after;
        }
        Ok(amended)
    }
}
