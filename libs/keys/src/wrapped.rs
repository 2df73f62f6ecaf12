//! The stored form of a wrapped data key.
//!
//! ```text
//! format (1) = 1 ‖ provider (1) ‖ KEK version (4, big-endian) ‖ nonce (12) ‖ ciphertext (32) ‖ tag (16)
//! ```
//!
//! Both providers wrap with AES-256-GCM under a 96-bit nonce, so both bodies
//! have the same shape; how the context is bound differs and is the provider's.

use std::fmt;

use kernel::Fault;

use crate::key::KEY_LENGTH;
use crate::primitives::{NONCE, TAG};
use crate::reasons;

const FORMAT: u8 = 1;
const HEADER: usize = 1 + 1 + 4;
pub(crate) const BODY: usize = NONCE + KEY_LENGTH + TAG;

/// Which kind of provider holds the KEK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Provider {
    Local,
    Vault,
}

impl Provider {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Local => "local",
            Self::Vault => "vault",
        }
    }

    const fn code(self) -> u8 {
        match self {
            Self::Local => 1,
            Self::Vault => 2,
        }
    }
}

/// A data key under a tenant's KEK. Safe to store and to send.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WrappedKey {
    provider: Provider,
    version: u32,
    body: [u8; BODY],
}

impl WrappedKey {
    pub const LENGTH: usize = HEADER + BODY;

    pub(crate) const fn new(provider: Provider, version: u32, body: [u8; BODY]) -> Self {
        Self { provider, version, body }
    }

    /// Reads the stored form; strict, so every key has one spelling.
    pub fn parse(bytes: &[u8]) -> Result<Self, WrappedKeyError> {
        let bytes: &[u8; Self::LENGTH] = bytes.try_into().map_err(|_| WrappedKeyError::Length)?;
        let [format, provider, v0, v1, v2, v3, body @ ..] = bytes;
        if *format != FORMAT {
            return Err(WrappedKeyError::Format);
        }
        let provider = match provider {
            1 => Provider::Local,
            2 => Provider::Vault,
            _ => return Err(WrappedKeyError::Provider),
        };
        match u32::from_be_bytes([*v0, *v1, *v2, *v3]) {
            0 => Err(WrappedKeyError::Version),
            version => Ok(Self { provider, version, body: *body }),
        }
    }

    pub fn to_bytes(&self) -> [u8; Self::LENGTH] {
        let mut bytes = [0; Self::LENGTH];
        bytes[0] = FORMAT;
        bytes[1] = self.provider.code();
        bytes[2..HEADER].copy_from_slice(&self.version.to_be_bytes());
        bytes[HEADER..].copy_from_slice(&self.body);
        bytes
    }

    pub const fn provider(&self) -> Provider {
        self.provider
    }

    /// The version of the tenant's KEK, from 1.
    pub const fn version(&self) -> u32 {
        self.version
    }

    pub(crate) const fn body(&self) -> &[u8; BODY] {
        &self.body
    }
}

/// Bytes that are not a wrapped key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WrappedKeyError {
    #[error("a wrapped key has {} bytes", WrappedKey::LENGTH)]
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
        let good = WrappedKey::new(Provider::Vault, 3, [9; BODY]).to_bytes();
        let with = |at: usize, byte: u8| {
            let mut bytes = good;
            bytes[at] = byte;
            WrappedKey::parse(&bytes)
        };
        assert_eq!(WrappedKey::parse(&good).map(|key| key.version()), Ok(3));
        assert_eq!(with(0, 2), Err(WrappedKeyError::Format));
        assert_eq!(with(1, 3), Err(WrappedKeyError::Provider));
        assert_eq!(with(5, 0), Err(WrappedKeyError::Version));
        assert_eq!(WrappedKey::parse(&good[1..]), Err(WrappedKeyError::Length));
    }

    proptest! {
        #[test]
        fn bytes_either_fail_or_come_back_the_same(
            mut bytes in prop::collection::vec(any::<u8>(), WrappedKey::LENGTH - 1..=WrappedKey::LENGTH + 1),
            format in 0..3_u8, provider in 0..4_u8,
        ) {
            bytes[0] = format;
            bytes[1] = provider;
            if let Ok(key) = WrappedKey::parse(&bytes) {
                prop_assert_eq!(key.to_bytes().to_vec(), bytes);
            }
        }
    }
}
