//! Proof of possession: a compact signature
//! ([RFC 7515, section 3.1](https://www.rfc-editor.org/rfc/rfc7515#section-3.1)) over a text
//! that the other side has chosen.
//!
//! It cannot be mistaken for a manifest, whose `typ` says what it is and whose payload is JSON.

use subtle::ConstantTimeEq;

use crate::encoding;
use crate::error::{Detail, OpenError, SealError};
use crate::jose::jws::{self, Compact};
use crate::key::{PrivateKey, PublicKey};
use crate::limits::SIGNATURE;

/// The letters of the longest token taken: a short text under the longest signature.
const MAX_TOKEN: usize = 2 * 1024 + SIGNATURE;

/// # Errors
/// When the key is not for signing.
pub fn sign(key: &PrivateKey, text: &[u8]) -> Result<String, SealError> {
    jws::sign(key, None, None, text).map_err(|_| SealError::WrongKey)
}

/// # Errors
/// `Malformed` or `TooLarge` by its form, else `Rejected`: another key, another text, or `typ` says
/// that it is something else.
pub fn verify(key: &PublicKey, token: &str, text: &[u8]) -> Result<(), OpenError> {
    if token.len() > MAX_TOKEN {
        return Err(OpenError::TooLarge { part: "proof", limit: MAX_TOKEN });
    }
    let malformed = |_| OpenError::Malformed("proof");
    let token = Compact::parse(token).map_err(malformed)?;
    let payload = encoding::decode(token.payload).map_err(malformed)?;
    token.verify(key).map_err(|_| OpenError::rejected(Detail::Signature))?;
    let plain = token.header.typ.as_deref().is_none_or(|typ| typ.eq_ignore_ascii_case("JOSE"));
    if plain && token.header.cty.is_none() && bool::from(payload.ct_eq(text)) {
        Ok(())
    } else {
        Err(OpenError::rejected(Detail::Signature))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyAlgorithm;

    #[test]
    fn a_proof_is_of_one_key_over_one_text() {
        let key = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
        let other = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
        let token = sign(&key, b"text").unwrap();
        assert_eq!(verify(key.public(), &token, b"text"), Ok(()));
        assert!(verify(key.public(), &token, b"other").is_err());
        assert!(verify(other.public(), &token, b"text").is_err());
        assert!(verify(key.public(), "", b"").is_err());
        assert!(verify(key.public(), &"x".repeat(8_000), b"").is_err());
        let typed = jws::sign(&key, Some("signet-manifest+jws"), None, b"text").unwrap();
        assert!(verify(key.public(), &typed, b"text").is_err());
    }

    #[test]
    fn a_sealing_key_proves_nothing() {
        let key = PrivateKey::generate(KeyAlgorithm::X25519).unwrap();
        assert!(sign(&key, b"text").is_err());
    }
}
