//! Changing who can open an envelope, without its content: for keys that the
//! service keeps. Who may open it may pass it on.

use std::collections::HashSet;

use crypto::envelope::{Fate, Rewrap, Rewrapped, Standing, WrappedKeys};
use crypto::{Limits, SealError};
use events::Draft;
use kernel::{Fault, Result, common};
use rpc::Cx;

use super::open::is_kept;
use super::refusal::{Refusal, digest_of, subject_of};
use super::release::ReleaseKey;
use super::seal::SealEnvelope;
use super::verify::{Refused, Verified};
use crate::application::keys::custody::blocking;
use crate::application::keys::known_keys::Reading;
use crate::application::ports::Basis;
use crate::application::record::{Decision, Outcome, Withheld};
use crate::domain::{KeyName, Keyed};

pub struct Request {
    pub manifest: String,
    /// The `recipients` of the content, JSON.
    pub wrapped_keys: String,
    pub add: Vec<KeyName>,
    pub remove: Vec<KeyName>,
    pub renew: bool,
    /// Needed to add or remove.
    pub signing_key: Option<KeyName>,
}

pub struct Answer {
    pub manifest: String,
    pub wrapped_keys: String,
    pub renewed: usize,
}

#[derive(Clone)]
pub struct RewrapEnvelope {
    pub release: ReleaseKey,
    /// For the rules on keys to seal for and to sign with.
    pub seal: SealEnvelope,
}

impl RewrapEnvelope {
    pub async fn rewrap(&self, cx: &Cx, request: Request) -> Result<Answer> {
        match self.try_rewrap(cx, request).await {
            Ok(answer) => Ok(answer),
            Err(Refused(id, refusal)) => Err(self.release.refuse.answer(cx, id, refusal).await),
        }
    }

    async fn try_rewrap(&self, cx: &Cx, request: Request) -> Result<Answer, Refused> {
        let reading = Reading::Source;
        let verified = self.release.verify.manifest(cx, &request.manifest, reading).await?;
        let id = verified.claims().id;
        self.checked(cx, request, verified).await.map_err(|refusal| Refused(Some(id), refusal))
    }

    async fn checked(
        &self,
        cx: &Cx,
        request: Request,
        verified: Verified,
    ) -> Result<Answer, Refusal> {
        let wrapped = WrappedKeys::from_json(&request.wrapped_keys, &Limits::default())?;
        let wrapped_for: Vec<_> = wrapped.recipients().map(str::to_owned).collect();
        let kept = self.release.recipient(cx, &verified, &wrapped_for, is_kept).await?;
        let (key, verified) = self.release.unwrap(cx, verified, &kept, wrapped.clone()).await?;
        let change = self.change(cx, &request, &verified, &wrapped_for).await?;
        let signer = match &request.signing_key {
            Some(id) if change.amends() => {
                let signer = self.seal.signer(cx, id).await?;
                if signer.head.owner != kept.keyed.head.owner {
                    let note = "the signing key belongs to no recipient";
                    return Err(Fault::new(&common::NOT_ALLOWED).with_note(note).into());
                }
                Some((self.seal.custody.private(cx.tenant(), &signer).await?, signer))
            }
            None if change.amends() => {
                let what = "is required to add or remove recipients";
                return Err(Fault::invalid("signing_key", what).into());
            }
            _ => None,
        };
        let (now, private) =
            (self.release.clock.now(), signer.as_ref().map(|(key, _)| key.clone()));
        let (verified, change, done) = blocking(move || {
            let by = private.as_ref().map(|key| (&**key, now));
            let done = change.apply(&verified.manifest, &wrapped, &key, by);
            let done = done.map_err(|error| refused(&error))?;
            Ok((verified, change, done))
        })
        .await?;
        let manifest = done.manifest.as_deref().unwrap_or(&request.manifest);
        let event = told(cx, &verified, &change, manifest);
        let event = match &signer {
            Some((_, signer)) => event.with("amender", &signer.version.kid),
            None => event,
        };
        let event = event.with("opened_by", kept.keyed.head.id.resource());
        let signer = signer.iter().map(|(_, signer)| signer);
        let basis = verified.signers().chain([&kept.keyed]).chain(signer).map(Basis::of);
        let decision = Decision::new(cx, event).resting_on(basis);
        let answer = answer(request.manifest, &change, done);
        match self.release.recorder.release(Withheld::new(answer), decision).await? {
            Outcome::Released(answer) => Ok(answer),
            Outcome::Replay | Outcome::Overtaken => Err(Refusal::Overtaken),
        }
    }

    /// What becomes of every recipient.
    async fn change(
        &self,
        cx: &Cx,
        request: &Request,
        verified: &Verified,
        wrapped_for: &[String],
    ) -> Result<Rewrap> {
        if request.add.is_empty() && request.remove.is_empty() && !request.renew {
            return Err(Fault::invalid("renew", "there is nothing to do"));
        }
        let mut recipients = Vec::with_capacity(verified.recipients.len());
        let directory = &self.seal.directory;
        let versions = directory.by_kids(cx, wrapped_for, Reading::Source).await?;
        for named in verified.recipients.iter().flatten() {
            let id = &named.head.id;
            let of_key = |keyed: &&Keyed| keyed.head.id == *id;
            let wrapped = match wrapped_for.contains(&named.version.kid) {
                true => &named.version.kid,
                false => versions.iter().flatten().find(of_key).map_or(&named.version.kid, kid),
            };
            let fate = match request.remove.contains(id) {
                true => Fate::Removed,
                false if request.renew => self.renewed(cx, named, wrapped).await?,
                false => Fate::Stays,
            };
            let (named, wrapped) = (named.version.kid.clone(), wrapped.clone());
            recipients.push(Standing { named, wrapped, fate });
        }
        let ids: HashSet<_> =
            verified.recipients.iter().flatten().map(|one| &one.head.id).collect();
        if let Some(index) = request.remove.iter().position(|id| !ids.contains(id)) {
            return Err(Fault::invalid(format!("remove_recipients[{index}]"), "is no recipient"));
        }
        let mut add = Vec::with_capacity(request.add.len());
        for (index, id) in request.add.iter().enumerate() {
            let field = format!("add_recipients[{index}]");
            if ids.contains(id) {
                return Err(Fault::invalid(field, "is a recipient already"));
            }
            add.push(self.seal.recipient(cx, id, &field).await?);
        }
        Ok(Rewrap { recipients, add })
    }

    /// The newest version, if it is another and may be used.
    async fn renewed(&self, cx: &Cx, named: &Keyed, wrapped: &str) -> Result<Fate> {
        let key = self.seal.directory.get(cx, &named.head.id).await?;
        match key.primary().filter(Keyed::may_protect) {
            Some(newest) if newest.version.kid != wrapped => {
                Ok(Fate::Renewed(self.seal.custody.public(cx.tenant(), &newest)?))
            }
            _ => Ok(Fate::Stays),
        }
    }
}

fn kid(keyed: &Keyed) -> &String {
    &keyed.version.kid
}

fn count(change: &Rewrap, of: impl Fn(&Fate) -> bool) -> usize {
    change.recipients.iter().filter(|one| of(&one.fate)).count()
}

fn renewed(change: &Rewrap) -> usize {
    count(change, |fate| matches!(fate, Fate::Renewed(_)))
}

fn told(cx: &Cx, verified: &Verified, change: &Rewrap, manifest: &str) -> Draft {
    let claims = verified.claims();
    Draft::new(cx, "dev.signet.envelope.envelope.rewrapped", subject_of(claims.id))
        .with("sender", &claims.sender)
        .with("purpose", &claims.purpose)
        .with("content_digest", &claims.digest)
        .with("prior_digest", digest_of(verified.manifest.token()))
        .with("manifest_digest", digest_of(manifest))
        .with("added", change.add.len())
        .with("removed", count(change, |fate| matches!(fate, Fate::Removed)))
        .with("renewed", renewed(change))
}

fn answer(before: String, change: &Rewrap, done: Rewrapped) -> Answer {
    Answer {
        manifest: done.manifest.unwrap_or(before),
        wrapped_keys: done.wrapped_keys.to_json(),
        renewed: renewed(change),
    }
}

fn refused(error: &SealError) -> Fault {
    match *error {
        SealError::NoRecipients => Fault::invalid("remove_recipients", "one must remain"),
        SealError::DuplicateRecipient => Fault::invalid("add_recipients", "one is named twice"),
        SealError::TooManyRecipients(most) => {
            Fault::invalid("add_recipients", format!("there may be {most} recipients"))
        }
        SealError::MixedSuites => {
            Fault::invalid("add_recipients", "are to be of the envelope's suite")
        }
        SealError::AmendedTooOften(_) => {
            Fault::invalid("manifest", "was amended as often as it may be; seal anew")
        }
        error => Fault::internal(error),
    }
}
