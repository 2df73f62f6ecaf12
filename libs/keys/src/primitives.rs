//! AES-256-GCM, HKDF and randomness, from `aws-lc-rs`.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{hkdf, rand};

use crate::key::PlaintextKey;

pub(crate) const NONCE: usize = 12;
pub(crate) const TAG: usize = 16;

pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), Unspecified> {
    rand::fill(bytes)
}

/// Encrypts in place and appends the tag.
pub(crate) fn seal(
    key: &PlaintextKey,
    nonce: [u8; NONCE],
    aad: &[u8],
    in_out: &mut Vec<u8>,
) -> Result<(), Unspecified> {
    let nonce = Nonce::assume_unique_for_key(nonce);
    cipher(key)?.seal_in_place_append_tag(nonce, Aad::from(aad), in_out)
}

/// Decrypts in place; the plaintext is without the tag.
pub(crate) fn open<'in_out>(
    key: &PlaintextKey,
    nonce: [u8; NONCE],
    aad: &[u8],
    in_out: &'in_out mut [u8],
) -> Result<&'in_out [u8], Unspecified> {
    let nonce = Nonce::assume_unique_for_key(nonce);
    cipher(key)?.open_in_place(nonce, Aad::from(aad), in_out).map(|plaintext| &*plaintext)
}

fn cipher(key: &PlaintextKey) -> Result<LessSafeKey, Unspecified> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.expose())?))
}

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF-SHA256 (RFC 5869).
pub(crate) fn derive(
    secret: &PlaintextKey,
    salt: &[u8],
    info: &[u8],
    out: &mut [u8],
) -> Result<(), Unspecified> {
    let length = Length(out.len());
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(secret.expose())
        .expand(&[info], length)?
        .fill(out)
}
