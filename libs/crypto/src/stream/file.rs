//! A sealed stream as one run of bytes: what a file holds, or what two services send each other.
//!
//! Format: magic (8 bytes) ‖ version (1) ‖ length of the header (4, big-endian) ‖ header ‖ for each
//! chunk: ciphertext ‖ tag (16). The header is the envelope with the stream's key, as JSON. Every
//! chunk but the last has [`CHUNK_LEN`] bytes of plaintext; the last has at least one, unless it is
//! the only one. So the place of a chunk follows from its number, and which one is the last from
//! the length of the whole, and both are what the chunk's nonce says: any chunk can be opened
//! alone. Who opens the last one too knows that nothing is missing at the end.

mod reader;

use serde::{Deserialize, Serialize};

use super::StreamOpener;
use crate::error::{Detail, OpenError, SealError};
use crate::provider::{Failed, TAG_LEN};

pub use reader::Reader;

/// The plaintext of every chunk but the last.
pub const CHUNK_LEN: usize = 64 * 1024;
/// The same, sealed.
pub const SEALED_CHUNK_LEN: usize = CHUNK_LEN + TAG_LEN;
/// The first byte is not ASCII and the last is a line's end: a transfer that takes the file for
/// text shows in both.
pub const MAGIC: [u8; 8] = *b"\x89SIGNET\n";
/// What comes before the header.
pub const PREAMBLE_LEN: usize = MAGIC.len() + 1 + 4;
/// A manifest, and wrapped keys of 64 recipients.
pub const MAX_HEADER: usize = 256 * 1024;

const VERSION: u8 = 1;
/// What the counter of 32 bits can number: 256 TiB.
const MAX_CHUNKS: u64 = 1 << 32;

/// Whether this is how a sealed file begins. Eight bytes are enough to know.
#[must_use]
pub fn is_sealed(beginning: &[u8]) -> bool {
    beginning.starts_with(&MAGIC)
}

/// The length of the header.
///
/// # Errors
/// When this is no sealed file, of another version, or its header is too large.
pub fn header_len(preamble: &[u8; PREAMBLE_LEN]) -> Result<usize, OpenError> {
    let (magic, rest) = preamble.split_at(MAGIC.len());
    if magic != MAGIC {
        return Err(OpenError::Malformed("file.magic"));
    }
    if rest[0] != VERSION {
        return Err(OpenError::Malformed("file.version"));
    }
    let length = rest[1..].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    if length > MAX_HEADER {
        return Err(OpenError::TooLarge { part: "file.header", limit: MAX_HEADER });
    }
    Ok(length)
}

/// The envelope that holds the stream's key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub manifest: String,
    pub content: String,
}

impl Header {
    /// Reads the header: JSON, in which spaces may follow.
    ///
    /// # Errors
    /// When it is too large, or has other members than it should.
    pub fn parse(json: &[u8]) -> Result<Self, OpenError> {
        if json.len() > MAX_HEADER {
            return Err(OpenError::TooLarge { part: "file.header", limit: MAX_HEADER });
        }
        serde_json::from_slice(json).map_err(|_| OpenError::Malformed("file.header"))
    }

    /// Preamble and header: what the chunks follow.
    ///
    /// # Errors
    /// When it is too large.
    pub fn encode(&self) -> Result<Vec<u8>, SealError> {
        let json = serde_json::to_vec(self).map_err(|_| SealError::Invalid("header"))?;
        let length = u32::try_from(json.len()).ok().filter(|_| json.len() <= MAX_HEADER);
        let length = length.ok_or(SealError::TooLarge(MAX_HEADER))?;
        let mut bytes = Vec::with_capacity(PREAMBLE_LEN + json.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.push(VERSION);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&json);
        Ok(bytes)
    }
}

/// Where the chunks of a stream lie, counted from the first one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    chunks: u64,
    body: u64,
}

impl Layout {
    /// `body` is the length of all chunks together.
    ///
    /// # Errors
    /// When no stream has this length.
    pub fn of(body: u64) -> Result<Self, OpenError> {
        let chunks = body.div_ceil(SEALED_CHUNK_LEN as u64);
        let layout = Self { chunks, body };
        let last = body - start_of(chunks.saturating_sub(1));
        let too_short = last < TAG_LEN as u64 || (last == TAG_LEN as u64 && chunks > 1);
        if chunks == 0 || too_short {
            return Err(OpenError::rejected(Detail::Truncated));
        }
        if chunks > MAX_CHUNKS {
            return Err(OpenError::Malformed("file"));
        }
        Ok(layout)
    }

    /// The layout of so much plaintext, once sealed.
    #[must_use]
    pub fn of_plaintext(length: u64) -> Self {
        let chunks = length.div_ceil(CHUNK_LEN as u64).max(1);
        Self { chunks, body: length.saturating_add(chunks * TAG_LEN as u64) }
    }

    /// The length of all chunks together.
    #[must_use]
    pub fn body(&self) -> u64 {
        self.body
    }

    /// The length of the plaintext.
    #[must_use]
    pub fn plaintext(&self) -> u64 {
        self.body - self.chunks * TAG_LEN as u64
    }

    #[must_use]
    pub fn chunks(&self) -> u64 {
        self.chunks
    }

    /// Where a chunk begins, and its length with the tag.
    #[must_use]
    pub fn chunk(&self, index: u64) -> (u64, usize) {
        let start = start_of(index);
        let length = self.body.saturating_sub(start).min(SEALED_CHUNK_LEN as u64);
        (start, usize::try_from(length).unwrap_or(SEALED_CHUNK_LEN))
    }
}

const fn start_of(index: u64) -> u64 {
    index.saturating_mul(SEALED_CHUNK_LEN as u64)
}

/// Opens any chunk of a stream, in any order. Made by who has opened the last one: the end is
/// where it should be.
pub struct RandomAccess {
    opener: StreamOpener,
    layout: Layout,
}

impl RandomAccess {
    /// `last` holds the chunk that `layout` says is the last one.
    ///
    /// # Errors
    /// When it is not, or has been altered.
    pub fn new(
        opener: StreamOpener,
        layout: Layout,
        last: &mut [u8],
    ) -> Result<(Self, usize), OpenError> {
        let access = Self { opener, layout };
        let length = access.open(layout.chunks - 1, last)?;
        Ok((access, length))
    }

    #[must_use]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Opens a chunk in its own buffer; the plaintext is the first `n` bytes, `n` returned.
    ///
    /// # Errors
    /// When it is not that chunk of this stream, unaltered.
    pub fn open(&self, index: u64, sealed: &mut [u8]) -> Result<usize, OpenError> {
        let rejected = || OpenError::rejected(Detail::Chunk);
        if sealed.len() != self.layout.chunk(index).1 || index >= self.layout.chunks {
            return Err(rejected());
        }
        let number = u32::try_from(index).map_err(|_| rejected())?;
        let last = index + 1 == self.layout.chunks;
        self.opener.cipher.open(number, last, sealed).map_err(|Failed| rejected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_has_one_layout_or_none() {
        for plaintext in [0, 1, 65_535, 65_536, 65_537, 131_072, 1 << 40, 1 << 48] {
            let layout = Layout::of_plaintext(plaintext);
            assert_eq!(Layout::of(layout.body()), Ok(layout), "{plaintext}");
            assert_eq!(layout.plaintext(), plaintext);
        }
        for body in [0, 1, 15, 65_552 + 1, 65_552 + 16, 2 * 65_552 + 15] {
            assert_eq!(Layout::of(body).unwrap_err().detail(), Some(Detail::Truncated), "{body}");
        }
        let too_long = Layout::of_plaintext((1 << 48) + 1).body();
        assert_eq!(Layout::of(too_long), Err(OpenError::Malformed("file")));
    }

    #[test]
    fn the_header_is_what_was_written_and_bounded() {
        let header = Header { manifest: "a.b.c".into(), content: "{}".into() };
        let bytes = header.encode().unwrap();
        let (preamble, json) = bytes.split_first_chunk().unwrap();
        assert_eq!(header_len(preamble), Ok(json.len()));
        assert!(Header::parse(json).is_ok_and(|read| read == header));
        assert!(Header::parse(&[json, b"   "].concat()).is_ok());
        for wrong in [&b"{}"[..], b"[]", b"", br#"{"manifest":"","content":"","x":1}"#] {
            assert!(Header::parse(wrong).is_err());
        }
        let vast = Header { content: "x".repeat(MAX_HEADER), ..header };
        assert!(vast.encode().is_err());
        for (place, error) in [
            (0, OpenError::Malformed("file.magic")),
            (7, OpenError::Malformed("file.magic")),
            (8, OpenError::Malformed("file.version")),
            (9, OpenError::TooLarge { part: "file.header", limit: MAX_HEADER }),
        ] {
            let mut changed = *preamble;
            changed[place] ^= 3;
            assert_eq!(header_len(&changed), Err(error));
        }
    }
}
