//! Who sealed what, for whom and when: everything about an envelope that can be
//! said without opening it.

use std::sync::Arc;

use crypto::Limits;
use crypto::envelope::{Content, Manifest, ManifestClaims, VerifiedManifest};
use kernel::{EnvelopeId, Result};
use rpc::Cx;

use super::custody::{Custody, blocking};
use super::directory::Directory;
use super::known_keys::Reading;
use super::refusal::{Refusal, Refuse};
use crate::domain::{Cause, Keyed, lives_too_long};

/// A manifest that one of the tenant's senders has signed.
pub struct Verified {
    pub manifest: VerifiedManifest,
    pub sender: Keyed,
    /// As the manifest names them; None for keys that are not the tenant's.
    pub recipients: Vec<Option<Keyed>>,
}

impl Verified {
    pub fn claims(&self) -> &ManifestClaims {
        self.manifest.claims()
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

    /// Signature, sender, tenant and length of life; neither times nor purpose.
    pub(crate) async fn manifest(
        &self,
        cx: &Cx,
        token: &str,
        reading: Reading,
    ) -> Result<Verified, Refused> {
        let manifest = Manifest::parse(token, &Limits::default())?;
        let claimed = [manifest.claimed_sender().to_owned()];
        let sender = self.directory.by_kids(cx, &claimed, reading).await?.pop().flatten();
        // Another tenant's sender is as unknown as one that nobody has.
        let sender = sender.ok_or(Cause::SenderUnknown)?;
        let manifest = manifest.verify(&self.custody.public(cx.tenant(), &sender)?)?;
        let id = Some(manifest.claims().id);
        let refused = |cause: Cause| Refused(id, cause.into());
        if !sender.may_process() {
            return Err(refused(Cause::SenderDisabled));
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
        Ok(Verified { manifest, sender, recipients })
    }
}
