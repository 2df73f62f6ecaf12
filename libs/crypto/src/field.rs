//! Columns at rest.
//!
//! Format: key version (4 bytes, big-endian) ‖ nonce (12) ‖ ciphertext ‖ tag. The additional
//! data names version, table, column and row, so that a value is of no use anywhere else: not
//! in another row, not in another column.
//!
//! Nonces are random. NIST SP 800-38D, section 8.3, allows 2^32 of them for one key: rotate
//! before a version has encrypted four thousand million values.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::error::{Detail, OpenError, SealError};
use crate::provider::{self, AesKey, Failed, NONCE_LEN, TAG_LEN};

const VERSION_LEN: usize = 4;
const HEADER_LEN: usize = VERSION_LEN + NONCE_LEN;
const LABEL: &[u8] = b"signet.dev/v1/field";

/// Where a value lives.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub table: &'a str,
    pub column: &'a str,
    pub row: &'a [u8],
}

impl Place<'_> {
    /// Each part with its length before it: no two places share an encoding.
    fn encode(&self, version: u32) -> Vec<u8> {
        let mut aad = LABEL.to_vec();
        aad.extend_from_slice(&version.to_be_bytes());
        for part in [self.table.as_bytes(), self.column.as_bytes(), self.row] {
            aad.extend_from_slice(&(part.len() as u64).to_be_bytes());
            aad.extend_from_slice(part);
        }
        aad
    }
}

/// Encrypts with the current key, decrypts with any that is still readable.
pub struct FieldCipher {
    current: u32,
    keys: BTreeMap<u32, AesKey>,
}

impl FieldCipher {
    #[must_use]
    pub fn new(version: u32, key: AesKey) -> Self {
        Self { current: version, keys: BTreeMap::from([(version, key)]) }
    }

    /// Adds a key that is read but not written with.
    #[must_use]
    pub fn readable(mut self, version: u32, key: AesKey) -> Self {
        self.keys.entry(version).or_insert(key);
        self
    }

    #[must_use]
    pub fn current(&self) -> u32 {
        self.current
    }

    /// # Errors
    /// When the system has no randomness to give.
    pub fn seal(&self, place: Place<'_>, plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let key = self.keys.get(&self.current).ok_or(Failed)?;
        let nonce: [u8; NONCE_LEN] = provider::random_array()?;
        let mut sealed = Vec::with_capacity(HEADER_LEN + plaintext.len() + TAG_LEN);
        sealed.extend_from_slice(&self.current.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(plaintext);
        let aad = place.encode(self.current);
        let tag = provider::default().aead_seal(key, nonce, &aad, &mut sealed[HEADER_LEN..])?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// # Errors
    /// `Rejected` when it was altered, moved, or its key version is not readable.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let malformed = OpenError::Malformed("field");
        let version = key_version(sealed).ok_or(malformed)?;
        let (nonce, body) =
            sealed[VERSION_LEN..].split_first_chunk::<NONCE_LEN>().ok_or(malformed)?;
        let key = self.keys.get(&version).ok_or(OpenError::rejected(Detail::KeyVersion))?;
        let mut plaintext = Zeroizing::new(body.to_vec());
        let length = provider::default()
            .aead_open(key, *nonce, &place.encode(version), &mut plaintext)
            .map_err(|Failed| OpenError::rejected(Detail::Ciphertext))?;
        plaintext.truncate(length);
        Ok(plaintext)
    }
}

/// The version that a value was sealed with: to find what has to be sealed anew.
#[must_use]
pub fn key_version(sealed: &[u8]) -> Option<u32> {
    sealed.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}
