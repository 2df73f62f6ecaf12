//! Opening a stream for a client whose key the service keeps: the key of the stream is released
//! as any content key is, before the first plaintext leaves; the chunks are opened as they come.

use crypto::OpenError;
use crypto::envelope::{Content, ContentKey};
use crypto::stream::StreamOpener;
use kernel::{EnvelopeId, Fault, Result};
use rpc::Cx;

use super::open::{OpenEnvelope, Request};
use super::refusal::Refusal;
use super::verify::Verified;
use crate::domain::Cause;

/// A stream whose key has been released.
pub struct OpenedStream {
    pub opener: StreamOpener,
    pub media_type: String,
    pub verified: Verified,
}

impl OpenEnvelope {
    pub async fn open_stream(&self, cx: &Cx, request: &Request) -> Result<OpenedStream> {
        self.open_with(cx, request, stream).await
    }

    /// The answer to a header or a chunk that is not what was sealed, after it has been recorded.
    pub async fn refuse_piece(&self, cx: &Cx, id: Option<EnvelopeId>, error: OpenError) -> Fault {
        self.release.refuse.answer(cx, id, error.into()).await
    }
}

fn stream(
    verified: Verified,
    content: &Content<'_>,
    key: &ContentKey,
) -> Result<OpenedStream, Refusal> {
    if !content.is_stream() {
        return Err(Cause::Purpose.into());
    }
    let opener = key.open_stream(&verified.manifest, content)?;
    let media_type = content.media_type().unwrap_or_default().to_owned();
    Ok(OpenedStream { opener, media_type, verified })
}
