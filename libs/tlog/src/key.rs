//! Keys that sign notes: Ed25519 with a name, after <https://c2sp.org/signed-note>.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kernel::Secret;
use thiserror::Error;

/// The signature type of plain Ed25519 notes.
const ALGORITHM_ED25519: u8 = 0x01;
const PUBLIC_KEY_LEN: usize = 32;
const MAX_NAME_LEN: usize = 255;

#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum KeyError {
    #[error("the key name must be 1 to 255 bytes without spaces, control characters and `+`")]
    Name,
    #[error("a verifier key reads `name+id+key`, with an id of 8 lowercase hexadecimal digits")]
    Form,
    #[error("the key is not an Ed25519 public key")]
    Algorithm,
    #[error("the key id does not belong to this name and key")]
    Id,
    #[error("the seed is not an Ed25519 private key")]
    Seed,
}

pub(crate) fn is_key_name(name: &str) -> bool {
    let allowed = |c: char| c != '+' && !c.is_whitespace() && !c.is_control();
    (1..=MAX_NAME_LEN).contains(&name.len()) && name.chars().all(allowed)
}

fn key_id(name: &str, public: &[u8]) -> u32 {
    let mut context = Context::new(&SHA256);
    for part in [name.as_bytes(), b"\n", &[ALGORITHM_ED25519], public] {
        context.update(part);
    }
    let digest = context.finish();
    digest.as_ref().iter().take(4).fold(0, |id, byte| id << 8 | u32::from(*byte))
}

/// A public key with its name, in text `name+id+base64` (a "vkey").
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: u32,
    public: [u8; PUBLIC_KEY_LEN],
}

impl VerifierKey {
    pub fn new(name: impl Into<String>, public: [u8; PUBLIC_KEY_LEN]) -> Result<Self, KeyError> {
        let name = name.into();
        if !is_key_name(&name) {
            return Err(KeyError::Name);
        }
        Ok(Self { id: key_id(&name, &public), name, public })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub const fn id(&self) -> u32 {
        self.id
    }

    pub const fn public_key(&self) -> &[u8; PUBLIC_KEY_LEN] {
        &self.public
    }

    pub(crate) fn verifies(&self, text: &str, signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.public).verify(text.as_bytes(), signature).is_ok()
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut key = vec![ALGORITHM_ED25519];
        key.extend_from_slice(&self.public);
        write!(f, "{}+{:08x}+{}", self.name, self.id, STANDARD.encode(key))
    }
}

impl FromStr for VerifierKey {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        // Base64 may hold a `+` too, so the cuts are made from the left.
        let (name, rest) = text.split_once('+').ok_or(KeyError::Form)?;
        let (id, key) = rest.split_once('+').ok_or(KeyError::Form)?;
        // 33 bytes take 44 characters.
        if id.len() != 8 || key.len() != 44 {
            return Err(KeyError::Form);
        }
        let key = STANDARD.decode(key).map_err(|_| KeyError::Form)?;
        let public = match key.split_first() {
            Some((&ALGORITHM_ED25519, public)) => public.try_into().ok(),
            _ => None,
        };
        let parsed = Self::new(name, public.ok_or(KeyError::Algorithm)?)?;
        if format!("{:08x}", parsed.id) == id { Ok(parsed) } else { Err(KeyError::Id) }
    }
}

/// A private key with its name. Shows nothing of the key, not even to `Debug`.
pub struct Signer {
    pair: Ed25519KeyPair,
    verifier: VerifierKey,
}

impl Signer {
    /// `seed` is the private key of RFC 8032.
    pub fn from_seed(name: impl Into<String>, seed: &Secret<[u8; 32]>) -> Result<Self, KeyError> {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed.expose()).map_err(|_| KeyError::Seed)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| KeyError::Seed)?;
        Ok(Self { pair, verifier: VerifierKey::new(name, public)? })
    }

    pub const fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    pub(crate) fn sign(&self, text: &str) -> Vec<u8> {
        self.pair.sign(text.as_bytes()).as_ref().to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the documentation of golang.org/x/mod/sumdb/note.
    const NEUMANN: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";

    #[test]
    fn published_keys_round_trip() {
        // The second is that of the Go checksum database; its base64 holds a `+`.
        for (text, name, id) in [
            (NEUMANN, "PeterNeumann", 0xc74f_20a3),
            (
                "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8",
                "sum.golang.org",
                0x033d_e0ae,
            ),
        ] {
            let key: VerifierKey = text.parse().unwrap();
            assert_eq!((key.name(), key.id()), (name, id));
            assert_eq!(key.to_string(), text);
        }
    }

    #[test]
    fn a_seed_gives_the_published_key() {
        let mut seed = [0; 32];
        // Without the algorithm byte in front.
        let secret = STANDARD.decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz").unwrap();
        seed.copy_from_slice(&secret[1..]);
        let signer = Signer::from_seed("PeterNeumann", &Secret::new(seed)).unwrap();
        assert_eq!(signer.verifier().to_string(), NEUMANN);
    }

    #[test]
    fn other_keys_are_refused() {
        for (text, error) in [
            ("", KeyError::Form),
            ("PeterNeumann", KeyError::Form),
            ("PeterNeumann+c74f20a3", KeyError::Form),
            ("PeterNeumann+c74f20a3+", KeyError::Form),
            (&NEUMANN.replace("c74f20a3", "C74F20A3"), KeyError::Id),
            (&NEUMANN.replace("c74f20a3", "c74f20a4"), KeyError::Id),
            (&NEUMANN.replace("Peter", "Petra"), KeyError::Id),
            (&NEUMANN.replace("ARpc", "ARpd"), KeyError::Id),
            (&NEUMANN.replace("ARpc", "BBpc"), KeyError::Algorithm),
            (&NEUMANN.replace("ARpc", "*Rpc"), KeyError::Form),
            (&NEUMANN.replace("PeterNeumann", ""), KeyError::Name),
            (&NEUMANN.replace("PeterNeumann", "Peter Neumann"), KeyError::Name),
            (&NEUMANN.replace("PeterNeumann", "Peter\u{a0}Neumann"), KeyError::Name),
        ] {
            assert_eq!(text.parse::<VerifierKey>(), Err(error), "{text}");
        }
        assert!(Signer::from_seed("a+b", &Secret::new([1; 32])).is_err());
    }
}
