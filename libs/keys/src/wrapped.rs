//! The stored form of a wrapped data key.
//!
//! ```text
//! format (1) = 1 ‖ provider (1) ‖ KEK version (4, big-endian) ‖ body
//! ```
//!
//! The body of `local` and `vault` is nonce (12) ‖ ciphertext (32) ‖ tag (16):
//! both wrap with AES-256-GCM under a 96-bit nonce. That of `aws` is what the
//! service gives out, of any length within the limit. How the context is bound
//! differs and is the provider's.

use std::fmt;

use kernel::Fault;
use serde::Deserialize;

use crate::key::KEY_LENGTH;
use crate::primitives::{NONCE, TAG};
use crate::reasons;

const FORMAT: u8 = 1;
/// Of the body, where the provider wraps with AES-256-GCM.
pub(crate) const BODY: usize = NONCE + KEY_LENGTH + TAG;

/// Which kind of provider holds the KEK. In settings `local`, `vault`, `aws`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    Local,
    Vault,
    /// AWS KMS. Known to every build, so that its keys are told from damaged
    /// ones; opened only by a build that has the provider.
    Aws,
}

impl Provider {
    pub const ALL: [Self; 3] = [Self::Local, Self::Vault, Self::Aws];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Vault => "vault",
            Self::Aws => "aws",
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Local => 1,
            Self::Vault => 2,
            Self::Aws => 3,
        }
    }

    const fn takes(self, body: usize) -> bool {
        match self {
            Self::Local | Self::Vault => body == BODY,
            Self::Aws => body > 0 && body <= WrappedKey::MAX_LENGTH - WrappedKey::PREFIX,
        }
    }
}

/// A data key under a tenant's KEK. Safe to store and to send.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WrappedKey {
    provider: Provider,
    version: u32,
    body: Box<[u8]>,
}

impl WrappedKey {
    /// No stored form is longer.
    pub const MAX_LENGTH: usize = 1024;
    /// What [`Self::prefix`] covers.
    pub const PREFIX: usize = 1 + 1 + 4;

    /// Refuses a body that the provider does not make, and version 0.
    pub(crate) fn new(
        provider: Provider,
        version: u32,
        body: &[u8],
    ) -> Result<Self, WrappedKeyError> {
        if version == 0 {
            return Err(WrappedKeyError::Version);
        }
        if !provider.takes(body.len()) {
            return Err(WrappedKeyError::Length);
        }
        Ok(Self { provider, version, body: body.into() })
    }

    /// How the stored form of every key begins that this version of this
    /// provider's KEK wrapped: for look-ups by `substr(wrapped, 1, 6)`.
    pub fn prefix(provider: Provider, version: u32) -> [u8; Self::PREFIX] {
        let [v0, v1, v2, v3] = version.to_be_bytes();
        [FORMAT, provider.code(), v0, v1, v2, v3]
    }

    /// Reads the stored form; strict, so every key has one spelling.
    pub fn parse(bytes: &[u8]) -> Result<Self, WrappedKeyError> {
        let Some(([format, provider, version @ ..], body)) =
            bytes.split_first_chunk::<{ Self::PREFIX }>()
        else {
            return Err(WrappedKeyError::Length);
        };
        if *format != FORMAT {
            return Err(WrappedKeyError::Format);
        }
        let provider = Provider::ALL
            .into_iter()
            .find(|known| known.code() == *provider)
            .ok_or(WrappedKeyError::Provider)?;
        Self::new(provider, u32::from_be_bytes(*version), body)
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        [&Self::prefix(self.provider, self.version), &*self.body].concat()
    }

    pub const fn provider(&self) -> Provider {
        self.provider
    }

    /// The version of the tenant's KEK, from 1.
    pub const fn version(&self) -> u32 {
        self.version
    }

    pub(crate) const fn body(&self) -> &[u8] {
        &self.body
    }
}

/// Bytes that are not a wrapped key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrappedKeyError {
    #[error("a wrapped key of this length is not one of its provider's")]
    Length,
    #[error("unknown format of wrapped key")]
    Format,
    #[error("unknown provider in wrapped key")]
    Provider,
    #[error("a wrapped key's version begins at 1")]
    Version,
}

impl From<WrappedKeyError> for Fault {
    fn from(error: WrappedKeyError) -> Self {
        Self::new(&reasons::DATA_KEY_UNREADABLE).with_source(error)
    }
}

impl fmt::Display for Provider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let good = WrappedKey::new(Provider::Vault, 3, &[9; BODY]).unwrap().to_bytes();
        let with = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            WrappedKey::parse(&bytes)
        };
        assert_eq!(WrappedKey::parse(&good).map(|key| key.version()), Ok(3));
        assert_eq!(with(0, 2), Err(WrappedKeyError::Format));
        assert_eq!(with(1, 0), Err(WrappedKeyError::Provider));
        assert_eq!(with(1, 4), Err(WrappedKeyError::Provider));
        assert_eq!(with(5, 0), Err(WrappedKeyError::Version));
        for cut in 0..good.len() {
            assert_eq!(WrappedKey::parse(&good[..cut]), Err(WrappedKeyError::Length), "{cut}");
        }
        assert_eq!(WrappedKey::parse(&[&good[..], &[0]].concat()), Err(WrappedKeyError::Length));
    }

    /// Written down, since stored keys must stay readable.
    #[test]
    fn the_stored_form_and_its_prefix() {
        let key = WrappedKey::new(Provider::Local, 0x0102_0304, &[7; BODY]).unwrap();
        let stored = [&[1, 1, 1, 2, 3, 4][..], &[7; 60]].concat();
        assert_eq!(key.to_bytes(), stored);
        assert_eq!(WrappedKey::prefix(Provider::Local, 0x0102_0304), stored[..6]);
        assert_eq!(WrappedKey::prefix(Provider::Vault, 1), [1, 2, 0, 0, 0, 1]);
        assert_eq!(WrappedKey::prefix(Provider::Aws, 1), [1, 3, 0, 0, 0, 1]);
    }

    #[test]
    fn a_body_of_aws_has_any_length_up_to_the_limit() {
        let most = WrappedKey::MAX_LENGTH - WrappedKey::PREFIX;
        for length in [1, 60, 184, most] {
            let key = WrappedKey::new(Provider::Aws, 1, &vec![5; length]).unwrap();
            assert_eq!(WrappedKey::parse(&key.to_bytes()), Ok(key));
        }
        for length in [0, most + 1] {
            let key = WrappedKey::new(Provider::Aws, 1, &vec![5; length]);
            assert_eq!(key, Err(WrappedKeyError::Length), "{length}");
        }
    }

    proptest! {
        #[test]
        fn bytes_either_fail_or_come_back_the_same(
            mut bytes in prop_oneof![
                prop::collection::vec(any::<u8>(), 65..=67),
                prop::collection::vec(any::<u8>(), 6..1100),
            ],
            format in 0..3_u8, provider in 0..5_u8,
        ) {
            bytes[0] = format;
            bytes[1] = provider;
            if let Ok(key) = WrappedKey::parse(&bytes) {
                prop_assert_eq!(key.to_bytes(), bytes);
            }
        }
    }
}
