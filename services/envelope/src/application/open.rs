//! Opening an envelope for a client whose key the service keeps.

use std::sync::Arc;

use crypto::Limits;
use crypto::envelope::Content;
use kernel::Result;
use rpc::Cx;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::custody::blocking;
use super::known_keys::{ATTEMPTS, Reading, decide_again, never_settled};
use super::record::Withheld;
use super::refusal::Refusal;
use super::release::{Asked, ReleaseKey, recipient};
use super::verify::{Refused, Verified};
use crate::domain::Cause;

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
    pub async fn open(&self, cx: &Cx, request: Request) -> Result<Opened> {
        for reading in ATTEMPTS {
            match self.try_open(cx, &request, reading).await {
                Ok(opened) => return Ok(opened),
                Err(Refused(_, refusal)) if decide_again(reading, &refusal) => {}
                Err(Refused(id, refusal)) => {
                    return Err(self.release.refuse.answer(cx, id, refusal).await);
                }
            }
        }
        Err(never_settled())
    }

    async fn try_open(
        &self,
        cx: &Cx,
        request: &Request,
        reading: Reading,
    ) -> Result<Opened, Refused> {
        let verified = self.release.verify.manifest(cx, &request.manifest, reading).await?;
        let id = verified.claims().id;
        self.checked(cx, request, verified).await.map_err(|refusal| Refused(Some(id), refusal))
    }

    /// Decrypts first: what does not open has not been released. Nothing leaves
    /// before the record is durable.
    async fn checked(
        &self,
        cx: &Cx,
        request: &Request,
        verified: Verified,
    ) -> Result<Opened, Refusal> {
        let kept = recipient(&verified, |keyed| {
            !keyed.head.is_services() && keyed.version.private.is_some()
        })?;
        let asked = Asked { manifest: &request.manifest, request_id: request.request_id };
        let decision = self.release.decision(cx, &verified, &kept, asked)?;
        let private = self.release.custody.private(cx.tenant(), &kept).await?;
        let (now, content) = (self.release.clock.now(), Arc::clone(&request.content));
        let opened = blocking(move || {
            Ok(decrypt(verified, &content, |verified, content| {
                verified.manifest.release(&private, content.wrapped_keys(), now)
            }))
        });
        self.release.record(opened.await?.map(Withheld::new)?, decision).await
    }
}

fn decrypt(
    verified: Verified,
    content: &str,
    release: impl FnOnce(
        &Verified,
        &Content<'_>,
    ) -> Result<crypto::envelope::ContentKey, crypto::OpenError>,
) -> Result<Opened, Refusal> {
    let content = Content::parse(content, &Limits::default())?;
    if content.is_stream() {
        // Its plaintext is a key, which only the stream's reader needs.
        return Err(Cause::Purpose.into());
    }
    let plaintext = release(&verified, &content)?.open(&verified.manifest, &content)?;
    let media_type = content.media_type().unwrap_or_default().to_owned();
    Ok(Opened { plaintext, media_type, verified })
}
