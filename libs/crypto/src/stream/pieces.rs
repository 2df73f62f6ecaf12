//! Sealing and opening as bytes come, in whatever pieces: a chunk in memory, no more.
//!
//! Both are used alike:
//!
//! ```ignore
//! while let Some(chunk) = sealer.next(&mut piece)? { write(chunk)? }   // for each piece
//! write(sealer.finish()?)?;
//! ```
//!
//! What opens is genuine when it is given; that it is all there is, is known after `finish` only.

use zeroize::Zeroizing;

use super::file::{CHUNK_LEN, SEALED_CHUNK_LEN};
use super::{StreamOpener, StreamSealer};
use crate::error::{Detail, OpenError, SealError};
use crate::provider::TAG_LEN;

/// Plaintext in, chunks of a sealed file out.
pub struct PieceSealer {
    sealer: StreamSealer,
    buffer: Buffer,
}

impl PieceSealer {
    #[must_use]
    pub fn new(sealer: StreamSealer) -> Self {
        Self { sealer, buffer: Buffer::new() }
    }

    /// Takes from `piece`; gives the next chunk once more has come than it can hold, and `None`
    /// when the piece is used up.
    ///
    /// # Errors
    /// When the stream is longer than its counter.
    pub fn next(&mut self, piece: &mut &[u8]) -> Result<Option<&[u8]>, SealError> {
        if !self.buffer.fill(CHUNK_LEN, piece) {
            return Ok(None);
        }
        self.seal(false).map(Some)
    }

    /// The last chunk. The stream is over.
    ///
    /// # Errors
    /// When it was already.
    pub fn finish(&mut self) -> Result<&[u8], SealError> {
        self.buffer.begin();
        self.seal(true)
    }

    fn seal(&mut self, last: bool) -> Result<&[u8], SealError> {
        let buffer = &mut self.buffer;
        let tag = self.sealer.next_in_place(&mut buffer.bytes[..buffer.filled], last)?;
        buffer.bytes[buffer.filled..buffer.filled + TAG_LEN].copy_from_slice(&tag);
        buffer.given = true;
        Ok(&buffer.bytes[..buffer.filled + TAG_LEN])
    }
}

/// Chunks of a sealed file in, plaintext out.
pub struct PieceOpener {
    opener: StreamOpener,
    buffer: Buffer,
    chunks: u64,
}

impl PieceOpener {
    #[must_use]
    pub fn new(opener: StreamOpener) -> Self {
        Self { opener, buffer: Buffer::new(), chunks: 0 }
    }

    /// Takes from `piece`; gives the plaintext of the next chunk once it is known not to be the
    /// last, and `None` when the piece is used up.
    ///
    /// # Errors
    /// When the chunk is not the next of this stream, unaltered. Nothing opens after that.
    pub fn next(&mut self, piece: &mut &[u8]) -> Result<Option<&[u8]>, OpenError> {
        if !self.buffer.fill(SEALED_CHUNK_LEN, piece) {
            return Ok(None);
        }
        self.open(false).map(Some)
    }

    /// The plaintext of the last chunk. All has come, and nothing else.
    ///
    /// # Errors
    /// When the stream was cut, or a chunk was refused.
    pub fn finish(&mut self) -> Result<&[u8], OpenError> {
        self.buffer.begin();
        let filled = self.buffer.filled;
        if filled < TAG_LEN || (filled == TAG_LEN && self.chunks > 0) {
            return Err(OpenError::rejected(Detail::Truncated));
        }
        self.open(true)
    }

    fn open(&mut self, last: bool) -> Result<&[u8], OpenError> {
        let buffer = &mut self.buffer;
        let length = self.opener.next_in_place(&mut buffer.bytes[..buffer.filled], last)?;
        buffer.given = true;
        self.chunks += 1;
        Ok(&buffer.bytes[..length])
    }
}

/// One chunk. Has its full size from the start: growing would leave copies behind.
struct Buffer {
    bytes: Zeroizing<Vec<u8>>,
    filled: usize,
    /// What it holds has been handed out.
    given: bool,
}

impl Buffer {
    fn new() -> Self {
        Self { bytes: Zeroizing::new(vec![0; SEALED_CHUNK_LEN]), filled: 0, given: false }
    }

    fn begin(&mut self) {
        if self.given {
            self.filled = 0;
            self.given = false;
        }
    }

    /// Fills up to `limit`. True once it is full and there is more.
    fn fill(&mut self, limit: usize, piece: &mut &[u8]) -> bool {
        self.begin();
        let (taken, rest) = piece.split_at(piece.len().min(limit - self.filled));
        self.bytes[self.filled..self.filled + taken.len()].copy_from_slice(taken);
        self.filled += taken.len();
        *piece = rest;
        self.filled == limit && !rest.is_empty()
    }
}
