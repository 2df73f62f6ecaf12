//! Streams: sealed chunks, and server-sent events from a provider.

use std::sync::LazyLock;

use crypto::Limits;
use crypto::envelope::{Content, Manifest, seal_stream};

use crate::envelope::{SAMPLE, now, terms};
use crate::input::{edited, pieces};

/// The file alone: its crate brings a whole service along.
#[path = "../../../services/response/src/infrastructure/provider/sse.rs"]
mod sse;

/// A stream of our own: manifest, content with its key, two chunks.
static STREAM: LazyLock<(String, String, [Vec<u8>; 2])> = LazyLock::new(|| {
    let (sample, limits) = (&*SAMPLE, Limits::default());
    let to = [sample.recipient.public().clone()];
    let (sealed, mut sealer) = seal_stream(&terms(&sample.signer), &to, &limits).unwrap();
    let chunks = [sealer.next(b"one", false).unwrap(), sealer.next(b"two", true).unwrap()];
    (sealed.claims.sign(&sample.signer).unwrap(), sealed.content, chunks)
});

/// The first piece edits our chunks, the others are chunks of their own.
pub(crate) fn chunks(data: &[u8]) {
    let (sample, limits) = (&*SAMPLE, Limits::default());
    let (manifest, content, ours) = &*STREAM;
    let manifest = Manifest::parse(manifest, &limits).ok().unwrap();
    let manifest = manifest.verify(sample.signer.public()).ok().unwrap();
    let content = Content::parse(content, &limits).ok().unwrap();
    let key = manifest.release(&sample.recipient, content.wrapped_keys(), now()).ok().unwrap();
    let pieces = pieces(data);
    let Some((edits, foreign)) = pieces.split_first() else { return };
    let chunk = edited(&ours[0], edits);
    let mut opener = key.open_stream(&manifest, &content).ok().unwrap();
    let opened = opener.next(&chunk).is_ok();
    assert_eq!(opened, chunk == ours[0], "an altered chunk opens");
    for chunk in foreign {
        assert!(opener.next(chunk).is_err() || *chunk == &ours[1][..], "a foreign chunk opens");
    }
}

/// However it is cut, the events are the same.
pub(crate) fn server_sent_events(data: &[u8]) {
    let Some((cut, stream)) = data.split_first() else { return };
    let Ok(whole) = sse::Events::default().push(stream) else { return };
    let (first, second) = stream.split_at(usize::from(*cut).min(stream.len()));
    let mut events = sse::Events::default();
    let mut found = events.push(first).unwrap();
    found.extend(events.push(second).unwrap());
    assert_eq!(found, whole);
}
