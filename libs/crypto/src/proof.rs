//! Proof of possession: a compact signature
//! ([RFC 7515, section 3.1](https://www.rfc-editor.org/rfc/rfc7515#section-3.1)) over a text
//! that the other side has chosen.
//!
//! It cannot be mistaken for a manifest, whose `typ` says what it is and whose payload is JSON.

use subtle::ConstantTimeEq;

use crate::encoding;
use crate::error::{Detail, OpenError, SealError};
use crate::jose::jws::{self, Compact};
use crate::jwe::{self, Jwe};
use crate::key::{PrivateKey, PublicKey};
use crate::limits::SIGNATURE;
use crate::provider;

/// `typ` of a challenge: it cannot be mistaken for anything that is worth opening.
pub const CHALLENGE_TYPE: &str = "signet-challenge+jwe";
/// By which a challenge begins, before the user, the thumbprint and what cannot be guessed.
const CHALLENGE: &str = "signet-challenge-v1";

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

/// For a key that cannot sign: a text that only who has its private half can read. Gives the token
/// to hand out, and the text that `user` has to bring back.
///
/// # Errors
/// When the key is not for sealing.
pub fn challenge(key: &PublicKey, user: &str) -> Result<(String, String), SealError> {
    let secret = encoding::encode(&provider::random_array::<32>()?);
    let text = format!("{CHALLENGE}\n{user}\n{}\n{secret}", key.kid());
    let token = jwe::seal(key, Some(CHALLENGE_TYPE), None, text.clone().into_bytes())?;
    Ok((token, text))
}

/// The text of a challenge for this user. Any other is not opened for anybody: else whoever has the
/// key could be made to prove it for somebody else.
///
/// # Errors
/// `Malformed` or `TooLarge` by its form, else `Rejected`.
pub fn answer(key: &PrivateKey, token: &str, user: &str) -> Result<String, OpenError> {
    let token = Jwe::parse(token, MAX_TOKEN)?;
    if token.typ() != Some(CHALLENGE_TYPE) {
        return Err(OpenError::Malformed("challenge"));
    }
    let text = token.open(key)?;
    let text = std::str::from_utf8(&text).map_err(|_| OpenError::Malformed("challenge"))?;
    let begins = format!("{CHALLENGE}\n{user}\n{}\n", key.kid());
    if text.starts_with(&begins) {
        Ok(text.to_owned())
    } else {
        Err(OpenError::Malformed("challenge"))
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

    #[test]
    fn a_challenge_is_for_one_key_and_one_user() {
        let key = PrivateKey::generate(KeyAlgorithm::X25519).unwrap();
        let other = PrivateKey::generate(KeyAlgorithm::X25519).unwrap();
        let (token, text) = challenge(key.public(), "users/a").unwrap();
        assert_eq!(answer(&key, &token, "users/a"), Ok(text.clone()));
        assert!(answer(&key, &token, "users/b").is_err(), "it would prove it for somebody else");
        assert!(answer(&other, &token, "users/a").is_err());
        let untyped = jwe::seal(key.public(), None, None, text.clone().into_bytes()).unwrap();
        assert!(answer(&key, &untyped, "users/a").is_err());
        let secret =
            jwe::seal(key.public(), Some(CHALLENGE_TYPE), None, b"secret".to_vec()).unwrap();
        assert!(answer(&key, &secret, "users/a").is_err(), "nothing else is opened");
        assert_ne!(challenge(key.public(), "users/a").unwrap().1, text);
        let signing = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
        assert!(challenge(signing.public(), "users/a").is_err());
    }
}
