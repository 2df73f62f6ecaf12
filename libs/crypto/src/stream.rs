//! Sealed streams: an answer that is sent while it is made.
//!
//! The key travels as the content of an envelope; the chunks follow, in any framing that keeps
//! them apart. On the wire a chunk is one byte that says whether it is the last (0 or 1), the
//! ciphertext, and the tag. The byte is bound by the nonce, as is the place of the chunk, so
//! reordering, repeating, leaving out and cutting off are all noticed; the last of these only
//! by [`StreamOpener::finish`].
//!
//! For other implementations: HKDF-SHA-256 over the 32 bytes in the envelope, with the envelope's
//! `jti` as salt and [`LABEL`] as info, yields the AES-256-GCM key (32 bytes) and the nonce's prefix
//! (7). The nonce is prefix, number of the chunk (4, big-endian, from 0), last flag (1). There is
//! no additional data.
//!
//! [`file`] puts envelope and chunks of one length one after another, so that a stream of any
//! size can be kept, and read from anywhere; [`pieces`] makes and reads it as bytes come.

pub mod file;
pub mod pieces;

use kernel::EnvelopeId;
use zeroize::Zeroizing;

use crate::chunk_cipher::ChunkCipher;
use crate::error::{Detail, OpenError, SealError};
use crate::provider::{Failed, TAG_LEN};

/// The info of the key derivation.
pub const LABEL: &[u8] = b"signet.dev/v1/stream";

/// The plaintext of one chunk, at most. Keeps a receiver's buffers bounded.
pub const MAX_CHUNK: usize = 1024 * 1024;

const OVERHEAD: usize = 1 + TAG_LEN;

/// Makes the chunks of one stream.
pub struct StreamSealer {
    cipher: ChunkCipher,
    /// `None` after the last chunk, and when the counter is used up.
    next: Option<u32>,
}

impl StreamSealer {
    pub(crate) fn new(key: &[u8], id: EnvelopeId) -> Result<Self, Failed> {
        Ok(Self { cipher: derive(key, id)?, next: Some(0) })
    }

    /// Seals the next chunk; an empty one is fine, as the last one often is.
    ///
    /// # Errors
    /// When the chunk is too large, or the last has been sealed.
    pub fn next(&mut self, plaintext: &[u8], last: bool) -> Result<Vec<u8>, SealError> {
        let mut chunk = Vec::with_capacity(plaintext.len() + OVERHEAD);
        chunk.push(u8::from(last));
        chunk.extend_from_slice(plaintext);
        let tag = self.next_in_place(&mut chunk[1..], last)?;
        chunk.extend_from_slice(&tag);
        Ok(chunk)
    }

    /// The same without the byte before, in the caller's buffer. Gives the tag.
    fn next_in_place(&mut self, chunk: &mut [u8], last: bool) -> Result<[u8; TAG_LEN], SealError> {
        if chunk.len() > MAX_CHUNK {
            return Err(SealError::TooLarge(MAX_CHUNK));
        }
        let index = self.next.take().ok_or(SealError::StreamEnded)?;
        let tag = self.cipher.seal(index, last, chunk)?;
        if !last {
            self.next = index.checked_add(1);
        }
        Ok(tag)
    }
}

/// One chunk of plaintext.
pub struct Chunk {
    pub data: Zeroizing<Vec<u8>>,
    pub last: bool,
}

/// Opens the chunks of one stream, in order. After a failure it opens nothing more.
pub struct StreamOpener {
    cipher: ChunkCipher,
    state: State,
}

enum State {
    Next(u32),
    Finished,
    Broken,
}

impl StreamOpener {
    pub(crate) fn new(key: &[u8], id: EnvelopeId) -> Result<Self, Failed> {
        Ok(Self { cipher: derive(key, id)?, state: State::Next(0) })
    }

    /// # Errors
    /// When the chunk is not the next one of this stream, unaltered.
    pub fn next(&mut self, chunk: &[u8]) -> Result<Chunk, OpenError> {
        if chunk.len() > MAX_CHUNK + OVERHEAD {
            self.state = State::Broken;
            return Err(OpenError::TooLarge { part: "chunk", limit: MAX_CHUNK });
        }
        let (last, sealed) = match chunk.split_first() {
            Some((0, sealed)) => (false, sealed),
            Some((1, sealed)) => (true, sealed),
            _ => {
                self.state = State::Broken;
                return Err(OpenError::Malformed("chunk"));
            }
        };
        let mut data = Zeroizing::new(sealed.to_vec());
        let length = self.next_in_place(&mut data, last)?;
        data.truncate(length);
        Ok(Chunk { data, last })
    }

    /// The same without the byte before, in the caller's buffer. Gives the plaintext's length.
    fn next_in_place(&mut self, sealed: &mut [u8], last: bool) -> Result<usize, OpenError> {
        let State::Next(index) = std::mem::replace(&mut self.state, State::Broken) else {
            return Err(OpenError::rejected(Detail::Chunk));
        };
        let opened = self.cipher.open(index, last, sealed);
        let length = opened.map_err(|Failed| OpenError::rejected(Detail::Chunk))?;
        self.state = match (last, index.checked_add(1)) {
            (true, _) => State::Finished,
            (false, Some(next)) => State::Next(next),
            (false, None) => State::Broken,
        };
        Ok(length)
    }

    /// To be called when the transport says that the stream is over.
    ///
    /// # Errors
    /// When the last chunk has not come, or a chunk was refused.
    pub fn finish(self) -> Result<(), OpenError> {
        match self.state {
            State::Finished => Ok(()),
            State::Next(_) => Err(OpenError::rejected(Detail::Truncated)),
            State::Broken => Err(OpenError::rejected(Detail::Chunk)),
        }
    }
}

fn derive(key: &[u8], id: EnvelopeId) -> Result<ChunkCipher, Failed> {
    ChunkCipher::derive(key, id.to_string().as_bytes(), LABEL)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_does_not_wrap() {
        let id = EnvelopeId::new();
        let mut sealer = StreamSealer::new(&[7; 32], id).unwrap();
        sealer.next = Some(u32::MAX);
        let chunk = sealer.next(b"one before the end of the world", false).unwrap();
        assert_eq!(sealer.next(b"", true).unwrap_err(), SealError::StreamEnded);

        let mut opener = StreamOpener::new(&[7; 32], id).unwrap();
        opener.state = State::Next(u32::MAX);
        assert!(opener.next(&chunk).is_ok());
        assert!(opener.next(&chunk).is_err());
        assert!(opener.finish().is_err());
    }
}
