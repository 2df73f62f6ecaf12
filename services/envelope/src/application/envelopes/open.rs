//! Opening an envelope for a client whose key the service keeps.

use std::sync::Arc;

use crypto::Limits;
use crypto::envelope::{Content, ContentKey};
use kernel::{EnvelopeId, Result};
use rpc::Cx;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::refusal::Refusal;
use super::release::{Asked, ReleaseKey};
use super::verify::{Refused, Verified};
use crate::application::keys::custody::blocking;
use crate::application::keys::known_keys::{ATTEMPTS, Reading, decide_again, never_settled};
use crate::application::record::{Decision, Withheld};
use crate::domain::{Cause, Keyed};

pub struct Request {
    pub manifest: String,
    /// Shared, because deciding may take more than one attempt.
    pub content: Arc<str>,
    pub request_id: Option<Uuid>,
}

pub struct Opened {
    pub plaintext: Zeroizing<Vec<u8>>,
    pub media_type: String,
    pub verified: Verified,
}

#[derive(Clone)]
pub struct OpenEnvelope {
    pub release: ReleaseKey,
}

impl OpenEnvelope {
    pub async fn open(&self, cx: &Cx, request: &Request) -> Result<Opened> {
        self.open_with(cx, request, whole).await
    }

    /// Opens what `with` makes of a content and its key.
    pub(crate) async fn open_with<T: Send + 'static>(
        &self,
        cx: &Cx,
        request: &Request,
        with: With<T>,
    ) -> Result<T> {
        for reading in ATTEMPTS {
            match self.try_open(cx, request, reading, with).await {
                Ok(opened) => return Ok(opened),
                Err(Refused(_, refusal)) if decide_again(reading, &refusal) => {}
                Err(Refused(id, refusal)) => {
                    return Err(self.release.refuse.answer(cx, id, refusal).await);
                }
            }
        }
        Err(never_settled())
    }

    async fn try_open<T: Send + 'static>(
        &self,
        cx: &Cx,
        request: &Request,
        reading: Reading,
        with: With<T>,
    ) -> Result<T, Refused> {
        let (id, opened, decision) = self.withheld(cx, request, reading, with).await?;
        self.release.record(opened, decision).await.map_err(|refusal| Refused(Some(id), refusal))
    }

    /// Decrypts first: what does not open has not been released. Nothing leaves
    /// before the decision is recorded.
    pub(crate) async fn withheld<T: Send + 'static>(
        &self,
        cx: &Cx,
        request: &Request,
        reading: Reading,
        with: With<T>,
    ) -> Result<(EnvelopeId, Withheld<T>, Decision), Refused> {
        let verified = self.release.verify.manifest(cx, &request.manifest, reading).await?;
        let id = verified.claims().id;
        let opened = self.decrypted(cx, request, verified, with).await;
        let (opened, decision) = opened.map_err(|refusal| Refused(Some(id), refusal))?;
        Ok((id, opened, decision))
    }

    async fn decrypted<T: Send + 'static>(
        &self,
        cx: &Cx,
        request: &Request,
        verified: Verified,
        with: With<T>,
    ) -> Result<(Withheld<T>, Decision), Refusal> {
        let content = Arc::clone(&request.content);
        let wrapped_for = blocking(move || Ok(wrapped_for(&content))).await??;
        let kept = self.release.recipient(cx, &verified, &wrapped_for, is_kept).await?;
        let asked = Asked { manifest: &request.manifest, request_id: request.request_id };
        let decision = self.release.decision(cx, &verified, &kept.keyed, asked)?;
        let private = self.release.custody.private(cx.tenant(), &kept.keyed).await?;
        let (now, content) = (self.release.clock.now(), Arc::clone(&request.content));
        let named = kept.named;
        let opened = blocking(move || {
            Ok(Content::parse(&content, &Limits::default()).map_err(Refusal::from).and_then(
                |content| {
                    let wrapped = content.wrapped_keys();
                    let key = verified.manifest.release_renewed(&named, &private, wrapped, now)?;
                    with(verified, &content, &key)
                },
            ))
        });
        Ok((opened.await?.map(Withheld::new)?, decision))
    }
}

/// A key that the service keeps for its tenant.
pub(crate) fn is_kept(keyed: &Keyed) -> bool {
    !keyed.head.is_services() && keyed.version.private.is_some()
}

/// The thumbprints that the content key is wrapped for.
fn wrapped_for(content: &str) -> Result<Vec<String>, Refusal> {
    let parsed = Content::parse(content, &Limits::default())?;
    Ok(parsed.wrapped_keys().recipients().map(str::to_owned).collect())
}

/// What is made of a content and its key.
pub(crate) type With<T> = fn(Verified, &Content<'_>, &ContentKey) -> Result<T, Refusal>;

pub(crate) fn whole(
    verified: Verified,
    content: &Content<'_>,
    key: &ContentKey,
) -> Result<Opened, Refusal> {
    if content.is_stream() {
        // Its plaintext is a key, which only the stream's reader needs.
        return Err(Cause::Purpose.into());
    }
    let plaintext = key.open(&verified.manifest, content)?;
    let media_type = content.media_type().unwrap_or_default().to_owned();
    Ok(Opened { plaintext, media_type, verified })
}
