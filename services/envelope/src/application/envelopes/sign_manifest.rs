//! Signing a manifest for a service that has sealed something itself, with its
//! own key. What it says is checked first: a signature vouches for it.

use std::sync::Arc;

use crypto::envelope::ManifestClaims;
use crypto::{KeyUse, Limits, OpenError};
use events::Draft;
use kernel::{Fault, Result, SharedClock};
use reasons::envelope::KEY_DISABLED;
use rpc::Cx;

use super::refusal::{digest_of, subject_of};
use crate::application::keys::custody::{Custody, blocking};
use crate::application::keys::directory::Directory;
use crate::application::keys::known_keys::Reading;
use crate::application::ports::Journal;
use crate::domain::{ANSWER, ANSWER_STREAM, KeyHolder, Keyed, SKEW, lives_too_long};

#[derive(Clone)]
pub struct SignManifest {
    pub directory: Directory,
    pub custody: Arc<Custody>,
    pub journal: Arc<dyn Journal>,
    pub clock: SharedClock,
}

impl SignManifest {
    pub async fn sign(&self, cx: &Cx, holder: KeyHolder, claims: &[u8]) -> Result<String> {
        let claims = ManifestClaims::parse(claims, &Limits::default()).map_err(malformed)?;
        self.check_terms(cx, &claims)?;
        let key = self.directory.get(cx, &holder.key(KeyUse::Sign)).await?;
        let signer =
            key.primary().filter(Keyed::may_protect).ok_or_else(|| Fault::new(&KEY_DISABLED))?;
        if claims.sender != signer.version.kid {
            return Err(invalid("sender", "must be the current version of the caller's own key"));
        }
        if signer.head.algorithm.is_hybrid() != claims.is_hybrid() {
            return Err(invalid("suite", "must be that of the caller's own key"));
        }
        self.check_recipients(cx, &claims).await?;
        let private = self.custody.private(cx.tenant(), &signer).await?;
        let event = Draft::new(cx, "dev.signet.envelope.manifest.signed", subject_of(claims.id))
            .with("sender", &claims.sender)
            .with("recipients", claims.recipients.len())
            .with("purpose", &claims.purpose)
            .with("content_digest", &claims.digest);
        let manifest = blocking(move || claims.sign(&private).map_err(Fault::internal)).await?;
        self.journal.record(event.with("manifest_digest", digest_of(&manifest))).await?;
        Ok(manifest)
    }

    fn check_terms(&self, cx: &Cx, claims: &ManifestClaims) -> Result<()> {
        let now = self.clock.now().timestamp();
        if claims.tenant != cx.tenant() {
            return Err(invalid("tenant", "must be the caller's"));
        }
        if ![ANSWER, ANSWER_STREAM].contains(&claims.purpose.as_str()) {
            return Err(invalid("purpose", "must be `answer` or `answer-stream`"));
        }
        if claims.issued_at.abs_diff(now) > SKEW.num_seconds().unsigned_abs() {
            return Err(invalid("iat", "must be now, give or take a minute"));
        }
        if claims.expires_at <= now || lives_too_long(claims) {
            return Err(invalid("exp", "must be after now, and at most 30 days after iat"));
        }
        Ok(())
    }

    async fn check_recipients(&self, cx: &Cx, claims: &ManifestClaims) -> Result<()> {
        let recipients = self.directory.by_kids(cx, &claims.recipients, Reading::Source).await?;
        for (index, recipient) in recipients.iter().enumerate() {
            let fits = |keyed: &Keyed| keyed.head.key_use() == KeyUse::Seal && keyed.may_protect();
            if !recipient.as_ref().is_some_and(fits) {
                let field = format!("recipients[{index}]");
                return Err(invalid(&field, "must be an enabled SEAL key of the tenant"));
            }
            if recipient.as_ref().is_some_and(|keyed| !claims.suits(keyed.head.algorithm)) {
                let field = format!("recipients[{index}]");
                return Err(invalid(&field, "must be of the suite that `suite` says"));
            }
        }
        Ok(())
    }
}

fn invalid(member: &str, what: &str) -> Fault {
    Fault::invalid(format!("claims.{member}"), what)
}

fn malformed(error: OpenError) -> Fault {
    match error {
        OpenError::Malformed(part) => {
            Fault::invalid(part.replacen("manifest", "claims", 1), "is not valid")
        }
        OpenError::TooLarge { limit, .. } => {
            Fault::invalid("claims", format!("must be at most {limit} bytes"))
        }
        error => Fault::internal(error),
    }
}
