//! Presidio's operators, byte for byte, so that what is there to read their results still does.

use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, DecryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::digest::{SHA256, SHA512, digest};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use kernel::{Fault, Result};
use serde::Deserialize;
use zeroize::Zeroizing;

/// Bytes of a salt, at least and where none is given.
const SHORTEST_SALT: usize = 16;
const SALT: usize = 32;
/// Characters of a replacement, and bytes of a salt.
const LONGEST: usize = 1_024;

/// A key or salt, wiped when dropped.
#[derive(Deserialize)]
#[serde(from = "String")]
pub(super) struct Wiped(Zeroizing<String>);

impl From<String> for Wiped {
    fn from(secret: String) -> Self {
        Self(Zeroizing::new(secret))
    }
}

/// What becomes of a finding.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Operator {
    Replace { new_value: Option<String> },
    Redact {},
    Mask { masking_char: String, chars_to_mask: i64, from_end: bool },
    Hash { hash_type: Option<String>, salt: Option<Wiped> },
    Encrypt { key: Wiped },
    Keep {},
}

impl Operator {
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Replace { .. } => "replace",
            Self::Redact {} => "redact",
            Self::Mask { .. } => "mask",
            Self::Hash { .. } => "hash",
            Self::Encrypt { .. } => "encrypt",
            Self::Keep {} => "keep",
        }
    }

    /// `field` is where it stands in the request.
    pub(super) fn check(&self, field: &str) -> Result<()> {
        let wrong = |name: &str, why: &str| Err(Fault::invalid(format!("{field}.{name}"), why));
        match self {
            Self::Replace { new_value: Some(value) } if value.len() > LONGEST => {
                wrong("new_value", "must have at most 1024 bytes")
            }
            Self::Mask { masking_char, .. } if masking_char.chars().count() != 1 => {
                wrong("masking_char", "must be one character")
            }
            Self::Hash { hash_type: Some(kind), .. } if kind != "sha256" && kind != "sha512" => {
                wrong("hash_type", "must be sha256 or sha512")
            }
            Self::Hash { salt: Some(salt), .. }
                if !(SHORTEST_SALT..=LONGEST).contains(&salt.0.len()) =>
            {
                wrong("salt", "must have 16 to 1024 bytes")
            }
            Self::Encrypt { key } if ![16, 24, 32].contains(&key.0.len()) => {
                wrong("key", "must have 16, 24 or 32 bytes")
            }
            _ => Ok(()),
        }
    }

    pub(super) fn apply(&self, entity: &str, original: &str) -> Result<String> {
        Ok(match self {
            Self::Replace { new_value } => match new_value.as_deref() {
                None | Some("") => format!("<{entity}>"),
                Some(value) => value.to_owned(),
            },
            Self::Redact {} => String::new(),
            Self::Mask { masking_char, chars_to_mask, from_end } => {
                masked(original, masking_char, *chars_to_mask, *from_end)
            }
            Self::Hash { hash_type, salt } => {
                hashed(original, hash_type.as_deref(), salt.as_ref().map(|salt| salt.0.as_bytes()))?
            }
            Self::Encrypt { key } => encrypted(original, key.0.as_bytes())?,
            Self::Keep {} => original.to_owned(),
        })
    }
}

/// So many characters from one end, whatever they are.
fn masked(original: &str, with: &str, count: i64, from_end: bool) -> String {
    let length = original.chars().count();
    let count = usize::try_from(count).unwrap_or(0).min(length);
    let hidden = if from_end { length - count..length } else { 0..count };
    let masked = |(place, c): (usize, char)| {
        if hidden.contains(&place) { with.to_owned() } else { c.to_string() }
    };
    original.chars().enumerate().map(masked).collect()
}

/// SHA-2 over value and salt; a new salt for each value where none is given.
fn hashed(original: &str, kind: Option<&str>, salt: Option<&[u8]>) -> Result<String> {
    let mut salted = Zeroizing::new(original.as_bytes().to_vec());
    if let Some(salt) = salt {
        salted.extend_from_slice(salt);
    } else {
        let mut salt = [0; SALT];
        SystemRandom::new().fill(&mut salt).map_err(|_| Fault::internal("no randomness"))?;
        salted.extend_from_slice(&salt);
    }
    let algorithm = if kind == Some("sha512") { &SHA512 } else { &SHA256 };
    Ok(hex::encode(digest(algorithm, &salted)))
}

/// AES-CBC with PKCS #7 padding behind a random vector, in base64url, as Presidio's own
/// `decrypt` reads it. It is not authenticated; our own `OPERATOR_ENCRYPT` is.
fn encrypted(original: &str, key: &[u8]) -> Result<String> {
    let algorithm = match key.len() {
        16 => &AES_128,
        24 => &AES_192,
        _ => &AES_256,
    };
    let failed = |_| Fault::internal("encryption failed");
    let key = UnboundCipherKey::new(algorithm, key).map_err(failed)?;
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).map_err(failed)?;
    let mut sealed = original.as_bytes().to_vec();
    let DecryptionContext::Iv128(iv) = key.encrypt(&mut sealed).map_err(failed)? else {
        return Err(Fault::internal("no vector"));
    };
    Ok(URL_SAFE.encode([iv.as_ref().as_slice(), &sealed].concat()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(operator: &str, original: &str) -> String {
        let operator: Operator = serde_json::from_str(operator).unwrap();
        operator.check("x").unwrap();
        operator.apply("PERSON", original).unwrap()
    }

    #[test]
    fn operators_do_what_presidios_do() {
        for (operator, expected) in [
            (r#"{"type":"replace"}"#, "<PERSON>"),
            (r#"{"type":"replace","new_value":"X"}"#, "X"),
            (r#"{"type":"redact"}"#, ""),
            (r#"{"type":"keep"}"#, "Änna W"),
            (r#"{"type":"mask","masking_char":"*","chars_to_mask":2,"from_end":false}"#, "**na W"),
            (r#"{"type":"mask","masking_char":"*","chars_to_mask":99,"from_end":true}"#, "******"),
            (r#"{"type":"mask","masking_char":"*","chars_to_mask":-1,"from_end":true}"#, "Änna W"),
        ] {
            assert_eq!(applied(operator, "Änna W"), expected, "{operator}");
        }
        // echo -n 'Anna0123456789abcdef' | sha256sum
        let salted = r#"{"type":"hash","salt":"0123456789abcdef"}"#;
        assert_eq!(applied(salted, "Anna"), hex::encode(digest(&SHA256, b"Anna0123456789abcdef")));
        let plain = r#"{"type":"hash","hash_type":"sha512"}"#;
        assert_eq!(applied(plain, "Anna").len(), 128);
        assert_ne!(applied(plain, "Anna"), applied(plain, "Anna"), "a salt of its own");
    }
}
