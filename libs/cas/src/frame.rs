//! The form in which a blob is stored: `content ‖ digest (32) ‖ length (8) ‖ magic (8)`.
//!
//! The digest covers the name too, so that a file moved to another name is
//! damage. It guards against disks, not against people: those are the AEAD's part.

use bytes::Bytes;
use kernel::{Fault, Result};

use crate::address::BlobName;
use crate::reasons;

const MAGIC: &[u8; 8] = b"SGNTBLB1";
pub(crate) const TRAILER: usize = 32 + 8 + 8;

/// Hashes and counts content on its way in or out.
pub(crate) struct Frame {
    hasher: blake3::Hasher,
    length: u64,
    limit: u64,
}

impl Frame {
    pub(crate) fn new(name: &BlobName, limit: u64) -> Self {
        let mut hasher = blake3::Hasher::new_derive_key("signet.dev 2026 cas stored blob v1");
        // Of fixed length, hence no separator.
        hasher.update(name.to_string().as_bytes());
        Self { hasher, length: 0, limit }
    }

    pub(crate) fn push(&mut self, content: &[u8]) -> Result<()> {
        self.length += content.len() as u64;
        if self.length > self.limit {
            return Err(too_large(self.limit));
        }
        self.hasher.update(content);
        Ok(())
    }

    pub(crate) fn trailer(&self) -> Bytes {
        let mut trailer = Vec::with_capacity(TRAILER);
        trailer.extend_from_slice(self.hasher.finalize().as_bytes());
        trailer.extend_from_slice(&self.length.to_be_bytes());
        trailer.extend_from_slice(MAGIC);
        trailer.into()
    }

    /// Whether what was read ends as it was written.
    pub(crate) fn verify(&self, trailer: &[u8]) -> Result<()> {
        if self.trailer() == trailer { Ok(()) } else { Err(damaged("digest or length differs")) }
    }
}

pub(crate) fn too_large(limit: u64) -> Fault {
    Fault::new(&reasons::BLOB_TOO_LARGE).with_note(format!("limit {limit} bytes"))
}

pub(crate) fn damaged(note: &'static str) -> Fault {
    Fault::new(&reasons::BLOB_DAMAGED).with_note(note)
}
