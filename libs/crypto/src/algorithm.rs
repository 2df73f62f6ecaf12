//! The algorithms a key can have, and what follows from each.
//!
//! A key has exactly one algorithm, and the algorithm of an operation is always
//! the key's. A header only repeats it; one that disagrees is an error. That is
//! what makes algorithm confusion impossible
//! ([RFC 8725, section 3.1](https://www.rfc-editor.org/rfc/rfc8725#section-3.1)).

use std::fmt;
use std::str::FromStr;

/// What a key is for. A key is never used for both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyUse {
    Seal,
    Sign,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    RsaOaep2048,
    RsaOaep3072,
    RsaOaep4096,
    X25519,
    P256,
    RsaPss2048,
    RsaPss3072,
    RsaPss4096,
    Ed25519,
    Es256,
    /// ML-KEM-768 and X25519.
    XWing,
    Ed25519MlDsa65,
}

impl KeyAlgorithm {
    pub const ALL: [Self; 12] = [
        Self::RsaOaep2048,
        Self::RsaOaep3072,
        Self::RsaOaep4096,
        Self::X25519,
        Self::P256,
        Self::RsaPss2048,
        Self::RsaPss3072,
        Self::RsaPss4096,
        Self::Ed25519,
        Self::Es256,
        Self::XWing,
        Self::Ed25519MlDsa65,
    ];

    /// Our name for it, as stored and as configured.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RsaOaep2048 => "rsa-oaep-2048",
            Self::RsaOaep3072 => "rsa-oaep-3072",
            Self::RsaOaep4096 => "rsa-oaep-4096",
            Self::X25519 => "x25519",
            Self::P256 => "p256",
            Self::RsaPss2048 => "rsa-pss-2048",
            Self::RsaPss3072 => "rsa-pss-3072",
            Self::RsaPss4096 => "rsa-pss-4096",
            Self::Ed25519 => "ed25519",
            Self::Es256 => "es256",
            Self::XWing => "xwing",
            Self::Ed25519MlDsa65 => "ed25519-mldsa65",
        }
    }

    #[must_use]
    pub const fn key_use(self) -> KeyUse {
        match self {
            Self::RsaOaep2048
            | Self::RsaOaep3072
            | Self::RsaOaep4096
            | Self::X25519
            | Self::P256
            | Self::XWing => KeyUse::Seal,
            Self::RsaPss2048
            | Self::RsaPss3072
            | Self::RsaPss4096
            | Self::Ed25519
            | Self::Es256
            | Self::Ed25519MlDsa65 => KeyUse::Sign,
        }
    }

    /// The `alg` of [RFC 7518](https://www.rfc-editor.org/rfc/rfc7518) and
    /// [RFC 8037](https://www.rfc-editor.org/rfc/rfc8037). Those of the hybrid suite are ours, with
    /// its version in them, until there is a standard.
    #[must_use]
    pub const fn jose(self) -> &'static str {
        match self {
            Self::RsaOaep2048 | Self::RsaOaep3072 | Self::RsaOaep4096 => "RSA-OAEP-256",
            Self::X25519 | Self::P256 => "ECDH-ES+A256KW",
            Self::RsaPss2048 | Self::RsaPss3072 | Self::RsaPss4096 => "PS256",
            Self::Ed25519 => "EdDSA",
            Self::Es256 => "ES256",
            Self::XWing => "signet-hybrid-1-XWing+A256KW",
            Self::Ed25519MlDsa65 => "signet-hybrid-1-Ed25519+ML-DSA-65",
        }
    }

    /// Whether a header or a JWK means this algorithm. RFC 9864 gives EdDSA with Ed25519 a name
    /// of its own; the key leaves no doubt about which curve it is.
    #[must_use]
    pub fn is_named(self, alg: &str) -> bool {
        alg == self.jose() || (self == Self::Ed25519 && alg == "Ed25519")
    }

    /// Whether its keys are points of P-256; for which of its two uses, the point does not say.
    pub(crate) const fn is_p256(self) -> bool {
        matches!(self, Self::P256 | Self::Es256)
    }

    /// The length of the modulus, for RSA.
    #[must_use]
    pub const fn rsa_bytes(self) -> Option<usize> {
        match self {
            Self::RsaOaep2048 | Self::RsaPss2048 => Some(256),
            Self::RsaOaep3072 | Self::RsaPss3072 => Some(384),
            Self::RsaOaep4096 | Self::RsaPss4096 => Some(512),
            _ => None,
        }
    }

    /// The algorithm of an RSA key of this use with a modulus of so many bytes.
    pub(crate) fn of_rsa(key_use: KeyUse, bytes: usize) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.key_use() == key_use && one.rsa_bytes() == Some(bytes))
    }

    #[must_use]
    pub const fn suite(self) -> Suite {
        if self.is_hybrid() {
            Suite::Hybrid
        } else if self.rsa_bytes().is_some() {
            Suite::Rsa
        } else {
            Suite::Ec
        }
    }

    /// Whether it stands against quantum computers too. What is sealed with such keys is never
    /// sealed or signed with others besides: the weakest of them would decide.
    #[must_use]
    pub const fn is_hybrid(self) -> bool {
        matches!(self, Self::XWing | Self::Ed25519MlDsa65)
    }
}

impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown key algorithm")]
pub struct UnknownAlgorithm;

impl FromStr for KeyAlgorithm {
    type Err = UnknownAlgorithm;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == text).ok_or(UnknownAlgorithm)
    }
}

/// A set of algorithms that belong together. Content is A256GCM in every suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Suite {
    /// RSA-OAEP-256, A256GCM, PS256.
    Rsa,
    /// ECDH-ES+A256KW on X25519 or P-256, A256GCM, EdDSA with Ed25519 or ES256.
    Ec,
    /// X-Wing (ML-KEM-768 and X25519) with A256KW, A256GCM, Ed25519 beside ML-DSA-65.
    Hybrid,
}

/// The `suite` of a manifest of the hybrid suite; others have none.
pub const HYBRID: &str = "signet-hybrid-1";

impl Suite {
    /// What a new key of this suite is made with, when nobody says otherwise.
    #[must_use]
    pub const fn default_algorithm(self, key_use: KeyUse) -> KeyAlgorithm {
        match (self, key_use) {
            (Self::Rsa, KeyUse::Seal) => KeyAlgorithm::RsaOaep3072,
            (Self::Rsa, KeyUse::Sign) => KeyAlgorithm::RsaPss3072,
            (Self::Ec, KeyUse::Seal) => KeyAlgorithm::X25519,
            (Self::Ec, KeyUse::Sign) => KeyAlgorithm::Ed25519,
            (Self::Hybrid, KeyUse::Seal) => KeyAlgorithm::XWing,
            (Self::Hybrid, KeyUse::Sign) => KeyAlgorithm::Ed25519MlDsa65,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for algorithm in KeyAlgorithm::ALL {
            assert_eq!(algorithm.as_str().parse(), Ok(algorithm));
        }
        assert!("RSA-OAEP".parse::<KeyAlgorithm>().is_err());
    }

    #[test]
    fn a_suite_makes_keys_of_its_own() {
        for suite in [Suite::Rsa, Suite::Ec, Suite::Hybrid] {
            for key_use in [KeyUse::Seal, KeyUse::Sign] {
                let algorithm = suite.default_algorithm(key_use);
                assert_eq!((algorithm.suite(), algorithm.key_use()), (suite, key_use));
            }
        }
    }
}
