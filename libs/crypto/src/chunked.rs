//! Blobs at rest, encrypted in chunks of 64 KiB with a data key and bound to an object.
//!
//! Format: version (1 byte) ‖ salt (32) ‖ for each chunk: ciphertext ‖ tag. Every chunk but the
//! last is full. The salt makes a key of its own for every writing, so a data key may be used
//! again, for the next version of the object.

use zeroize::Zeroizing;

use crate::chunk_cipher::ChunkCipher;
use crate::error::{Detail, OpenError, SealError};
use crate::provider::{self, AES_KEY_LEN, Failed, TAG_LEN};

pub const CHUNK_LEN: usize = 64 * 1024;

const VERSION: u8 = 1;
const SALT_LEN: usize = 32;
const HEADER_LEN: usize = 1 + SALT_LEN;
const SEALED_CHUNK_LEN: usize = CHUNK_LEN + TAG_LEN;
const LABEL: &[u8] = b"signet.dev/v1/blob\0";

/// The length of a blob once sealed.
#[must_use]
pub const fn sealed_len(plaintext: usize) -> usize {
    // An empty blob has one chunk, too: without it nothing would be authenticated.
    let chunks = if plaintext == 0 { 1 } else { plaintext.div_ceil(CHUNK_LEN) };
    HEADER_LEN + plaintext + chunks * TAG_LEN
}

/// Encrypts a blob. `identity` names the object; nothing else will open it.
///
/// # Errors
/// When there is no randomness, or the blob has more than 2^32 chunks.
pub fn seal(
    data_key: &[u8; AES_KEY_LEN],
    identity: &[u8],
    plaintext: &[u8],
) -> Result<Vec<u8>, SealError> {
    let salt: [u8; SALT_LEN] = provider::random_array()?;
    let cipher = derive(data_key, identity, &salt)?;
    let mut sealed = Vec::with_capacity(sealed_len(plaintext.len()));
    sealed.push(VERSION);
    sealed.extend_from_slice(&salt);
    let chunks = plaintext.len().div_ceil(CHUNK_LEN).max(1);
    for index in 0..chunks {
        let start = index * CHUNK_LEN;
        let chunk = &plaintext[start..plaintext.len().min(start + CHUNK_LEN)];
        let place = sealed.len();
        sealed.extend_from_slice(chunk);
        let counter = u32::try_from(index).map_err(|_| Failed)?;
        let tag = cipher.seal(counter, index + 1 == chunks, &mut sealed[place..])?;
        sealed.extend_from_slice(&tag);
    }
    Ok(sealed)
}

/// Decrypts a blob in its own buffer.
///
/// # Errors
/// `Rejected` when it was altered, cut, extended, or belongs to another object or key.
pub fn open(
    data_key: &[u8; AES_KEY_LEN],
    identity: &[u8],
    mut sealed: Vec<u8>,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let altered = |Failed| OpenError::rejected(Detail::Chunk);
    let header = sealed.get(..HEADER_LEN).ok_or(OpenError::Malformed("blob"))?;
    if header[0] != VERSION {
        return Err(OpenError::Malformed("blob.version"));
    }
    let cipher = derive(data_key, identity, &header[1..]).map_err(altered)?;
    let chunks = (sealed.len() - HEADER_LEN).div_ceil(SEALED_CHUNK_LEN);
    if chunks == 0 {
        return Err(OpenError::rejected(Detail::Truncated));
    }
    let mut written = 0;
    for index in 0..chunks {
        let start = HEADER_LEN + index * SEALED_CHUNK_LEN;
        let end = sealed.len().min(start + SEALED_CHUNK_LEN);
        let counter = u32::try_from(index).map_err(|_| altered(Failed))?;
        let last = index + 1 == chunks;
        let length = match cipher.open(counter, last, &mut sealed[start..end]) {
            Ok(length) => length,
            Err(failed) => {
                // What has been decrypted already must not linger.
                drop(Zeroizing::new(sealed));
                return Err(altered(failed));
            }
        };
        sealed.copy_within(start..start + length, written);
        written += length;
    }
    let mut plaintext = Zeroizing::new(sealed);
    plaintext.truncate(written);
    Ok(plaintext)
}

fn derive(
    data_key: &[u8; AES_KEY_LEN],
    identity: &[u8],
    salt: &[u8],
) -> Result<ChunkCipher, Failed> {
    ChunkCipher::derive(data_key, salt, &[LABEL, identity].concat())
}
