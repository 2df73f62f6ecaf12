//! Signed statements: what a service vouches for, as a compact JWS
//! ([RFC 7515](https://www.rfc-editor.org/rfc/rfc7515)) over JSON that any JOSE
//! library verifies.
//!
//! `typ` tells a statement from everything else that is signed here; what kind of
//! statement it is, its JSON says.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::encoding;
use crate::error::{Detail, OpenError, SealError};
use crate::jose::jws::{self, Compact};
use crate::key::{PrivateKey, PublicKey};

/// `typ` of a statement.
pub const STATEMENT_TYPE: &str = "signet-statement+jws";
/// The letters of the longest statement taken.
const LONGEST: usize = 64 * 1024;

/// # Errors
/// When the key is not for signing.
pub fn sign(key: &PrivateKey, statement: &impl Serialize) -> Result<String, SealError> {
    let json = serde_json::to_vec(statement).map_err(|_| SealError::Invalid("statement"))?;
    jws::sign(key, Some(STATEMENT_TYPE), None, &json).map_err(|_| SealError::WrongKey)
}

/// What a statement says, once its signature holds.
///
/// # Errors
/// `TooLarge` or `Malformed` by its form, else `Rejected`: another key, an
/// altered text, or a `typ` that is not a statement's.
pub fn verify<T: DeserializeOwned>(key: &PublicKey, token: &str) -> Result<T, OpenError> {
    if token.len() > LONGEST {
        return Err(OpenError::TooLarge { part: "statement", limit: LONGEST });
    }
    let malformed = |_| OpenError::Malformed("statement");
    let token = Compact::parse(token).map_err(malformed)?;
    let typed = token.header.typ.as_deref() == Some(STATEMENT_TYPE) && token.header.cty.is_none();
    if !typed || token.verify(key).is_err() {
        return Err(OpenError::rejected(Detail::Signature));
    }
    let json = encoding::decode(token.payload).map_err(malformed)?;
    serde_json::from_slice(&json).map_err(|_| OpenError::Malformed("statement"))
}

/// The `kid` that a statement names, unverified: to find the key to verify with.
#[must_use]
pub fn named_key(token: &str) -> Option<String> {
    let fits = token.len() <= LONGEST;
    fits.then(|| Compact::parse(token).ok())??.header.kid
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyAlgorithm;

    #[test]
    fn a_statement_is_what_its_key_has_said() {
        let key = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
        let other = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
        let said = vec!["nothing is left".to_owned()];
        let token = sign(&key, &said).unwrap();
        assert_eq!(verify::<Vec<String>>(key.public(), &token).unwrap(), said);
        assert_eq!(named_key(&token).as_deref(), Some(key.kid()));
        assert!(verify::<Vec<String>>(other.public(), &token).is_err());
        assert!(verify::<u8>(key.public(), &token).is_err());
        for at in 0..token.len() {
            let mut altered = token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).unwrap();
            assert!(verify::<Vec<String>>(key.public(), &altered).is_err(), "at {at}");
        }
        let manifest = jws::sign(&key, Some("signet-manifest+jws"), None, b"[]").unwrap();
        assert!(verify::<Vec<String>>(key.public(), &manifest).is_err());
        assert!(verify::<Vec<String>>(key.public(), &"x".repeat(LONGEST + 1)).is_err());
        assert!(named_key("a.b").is_none());
    }
}
