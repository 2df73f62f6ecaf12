//! The strict halves of the two encodings JOSE stands on.
//!
//! Strict means: one value has one spelling. A token that can be respelled
//! without its signature noticing is a token that passes a replay check twice.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use zeroize::Zeroizing;

/// Not base64url without padding and with zero trailing bits
/// ([RFC 4648, section 3.5](https://www.rfc-editor.org/rfc/rfc4648#section-3.5)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not canonical base64url")]
pub struct NotCanonical;

#[must_use]
pub fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The letters that so many bytes take.
pub(crate) const fn encoded_len(bytes: usize) -> usize {
    bytes.saturating_mul(4).div_ceil(3)
}

pub(crate) fn append(bytes: &[u8], to: &mut String) {
    URL_SAFE_NO_PAD.encode_string(bytes, to);
}

/// # Errors
/// When `text` has padding, trailing bits or letters of another alphabet.
pub fn decode(text: &str) -> Result<Vec<u8>, NotCanonical> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| NotCanonical)
}

/// Decodes and leaves room for `extra` more bytes, so that a tag can follow without a copy.
pub(crate) fn decode_with_room(text: &str, extra: usize) -> Result<Vec<u8>, NotCanonical> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3 + extra);
    URL_SAFE_NO_PAD.decode_vec(text, &mut bytes).map_err(|_| NotCanonical)?;
    Ok(bytes)
}

pub(crate) fn decode_secret(text: &str) -> Result<Zeroizing<Vec<u8>>, NotCanonical> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    URL_SAFE_NO_PAD.decode_vec(text, &mut bytes).map_err(|_| NotCanonical)?;
    Ok(bytes)
}

pub(crate) fn decode_array<const N: usize>(text: &str) -> Result<[u8; N], NotCanonical> {
    // Far too long to fit, so not worth decoding.
    if text.len() > N * 2 {
        return Err(NotCanonical);
    }
    decode(text)?.try_into().map_err(|_| NotCanonical)
}

/// Reads base64url JSON. Duplicate and unknown members are refused by the types read,
/// which all derive `deny_unknown_fields`.
pub(crate) fn decode_json<T: DeserializeOwned>(text: &str) -> Result<T, NotCanonical> {
    serde_json::from_slice(&decode(text)?).map_err(|_| NotCanonical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_one_spelling() {
        assert_eq!(decode("AQ").unwrap(), [1]);
        for other in ["AQ==", "AR", "AQ=", "AQ\n", " AQ", "A", "A+", "A/"] {
            assert_eq!(decode(other), Err(NotCanonical), "{other:?}");
        }
    }

    #[test]
    fn arrays_have_exactly_their_length() {
        assert_eq!(decode_array::<2>("AAE").unwrap(), [0, 1]);
        assert!(decode_array::<2>("AA").is_err());
        assert!(decode_array::<2>("AAEC").is_err());
        assert!(decode_array::<2>(&"A".repeat(400)).is_err());
    }
}
