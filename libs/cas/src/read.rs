//! Reading with the stored digest checked.

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, Stream, StreamExt};
use kernel::{Fault, Result};

use crate::frame::{Frame, TRAILER, damaged};

/// A blob on its way out.
pub struct Content {
    /// Of the ciphertext.
    pub length: u64,
    /// Ends with a fault, and never with the last piece, if the digest differs:
    /// a stream that ended well was intact.
    pub stream: BoxStream<'static, Result<Bytes>>,
}

struct Reader<S> {
    source: S,
    frame: Frame,
    /// The last bytes seen, which may be the trailer.
    tail: BytesMut,
    /// Content held back until more follows or the digest is checked.
    held: Option<Bytes>,
    done: bool,
}

pub(crate) fn verified<S>(frame: Frame, source: S) -> impl Stream<Item = Result<Bytes>> + Send
where
    S: Stream<Item = object_store::Result<Bytes>> + Send + Unpin,
{
    let reader = Reader { source, frame, tail: BytesMut::new(), held: None, done: false };
    stream::unfold(reader, |mut reader| async move {
        if reader.done {
            return None;
        }
        let next = reader.advance().await.transpose()?;
        reader.done = next.is_err();
        Some((next, reader))
    })
}

impl<S: Stream<Item = object_store::Result<Bytes>> + Unpin> Reader<S> {
    async fn advance(&mut self) -> Result<Option<Bytes>> {
        while let Some(chunk) = self.source.next().await {
            self.tail.extend_from_slice(&chunk.map_err(Fault::unavailable)?);
            if self.tail.len() <= TRAILER {
                continue;
            }
            let content = self.tail.split_to(self.tail.len() - TRAILER).freeze();
            self.frame.push(&content)?;
            if let Some(earlier) = self.held.replace(content) {
                return Ok(Some(earlier));
            }
        }
        self.done = true;
        if self.tail.len() != TRAILER {
            return Err(damaged("shorter than its trailer"));
        }
        self.frame.verify(&self.tail)?;
        Ok(self.held.take())
    }
}
