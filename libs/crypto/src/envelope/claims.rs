//! What a manifest says.

use kernel::{EnvelopeId, TenantId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{MANIFEST_TYPE, STREAM_TYPE, content};
use crate::algorithm::{HYBRID, KeyAlgorithm};
use crate::encoding;
use crate::error::{OpenError, SealError};
use crate::jose::jws;
use crate::key::PrivateKey;
use crate::limits::Limits;
use crate::provider::DIGEST_LEN;

/// The one version there is.
pub(super) const VERSION: u8 = 1;

/// SHA-256 in base64url.
const KID_LEN: usize = 43;
const MAX_PURPOSE: usize = 64;
const MAX_PROTECTED: usize = 1024;

/// The payload of a manifest. Nothing in it is secret, and nothing in it is personal.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestClaims {
    #[serde(rename = "ver")]
    pub version: u8,
    /// `signet-hybrid-1`, when sender and recipients are of that suite, all of them; else none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suite: Option<String>,
    #[serde(rename = "jti")]
    pub id: EnvelopeId,
    pub tenant: TenantId,
    /// The thumbprint of the key that signs.
    pub sender: String,
    /// The thumbprints of the keys that the content key was wrapped for when sealing.
    pub recipients: Vec<String>,
    /// The protected header of the content, as it stands there.
    pub protected: String,
    /// Binds the content key, so that a wrapped key can be renewed without a new signature
    /// and no two recipients can be made to read different things.
    pub commitment: String,
    /// SHA-256 over IV, ciphertext and tag.
    pub digest: String,
    /// What the envelope is for; an envelope for one purpose is no good for another.
    pub purpose: String,
    /// The envelope this one answers.
    #[serde(rename = "re", default, skip_serializing_if = "Option::is_none")]
    pub in_reply_to: Option<EnvelopeId>,
    #[serde(rename = "iat")]
    pub issued_at: i64,
    #[serde(rename = "exp")]
    pub expires_at: i64,
}

impl ManifestClaims {
    /// Reads a payload, for signing or after verifying.
    ///
    /// # Errors
    /// When it is too large, has unknown, missing or repeated members, or a value out of bounds.
    pub fn parse(json: &[u8], limits: &Limits) -> Result<Self, OpenError> {
        if json.len() > limits.manifest {
            return Err(OpenError::TooLarge { part: "manifest", limit: limits.manifest });
        }
        let claims: Self =
            serde_json::from_slice(json).map_err(|_| OpenError::Malformed("manifest.payload"))?;
        limits.check_recipients(claims.recipients.len())?;
        claims.validate().map_err(OpenError::Malformed)?;
        Ok(claims)
    }

    /// The payload to be signed.
    ///
    /// # Errors
    /// When a value is out of bounds.
    pub fn to_json(&self) -> Result<Vec<u8>, SealError> {
        self.validate().map_err(SealError::Invalid)?;
        serde_json::to_vec(self).map_err(|_| SealError::Invalid("manifest"))
    }

    /// Makes the manifest. The key must be the sender's.
    ///
    /// # Errors
    /// When the key is another, not for signing, or a value is out of bounds.
    pub fn sign(&self, key: &PrivateKey) -> Result<String, SealError> {
        if self.sender != key.kid() {
            return Err(SealError::WrongKey);
        }
        if self.is_hybrid() != key.algorithm().is_hybrid() {
            return Err(SealError::MixedSuites);
        }
        let payload = self.to_json()?;
        jws::sign(key, Some(MANIFEST_TYPE), None, &payload).map_err(|_| SealError::WrongKey)
    }

    /// Whether all keys have to be of the hybrid suite. It is signed, so there is no way down.
    #[must_use]
    pub fn is_hybrid(&self) -> bool {
        self.suite.is_some()
    }

    /// Whether a key of this algorithm may be named here.
    #[must_use]
    pub fn suits(&self, algorithm: KeyAlgorithm) -> bool {
        algorithm.is_hybrid() == self.is_hybrid()
    }

    /// What the plaintext is, as the sender says.
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        content::parse_header(&self.protected)?.cty
    }

    /// Whether the plaintext is the key of a sealed stream.
    #[must_use]
    pub fn is_stream(&self) -> bool {
        content::parse_header(&self.protected).is_some_and(|header| header.typ == STREAM_TYPE)
    }

    /// Names the member at fault.
    pub(super) fn validate(&self) -> Result<(), &'static str> {
        if self.version != VERSION {
            return Err("manifest.ver");
        }
        if self.suite.as_deref().is_some_and(|suite| suite != HYBRID) {
            return Err("manifest.suite");
        }
        if !is_kid(&self.sender) {
            return Err("manifest.sender");
        }
        check_recipients(&self.recipients)?;
        if self.protected.len() > MAX_PROTECTED {
            return Err("manifest.protected");
        }
        self.commitment_bytes().ok_or("manifest.commitment")?;
        self.digest_bytes().ok_or("manifest.digest")?;
        if !is_purpose(&self.purpose) {
            return Err("manifest.purpose");
        }
        // Neither before 1970 nor after 9999: what every clock and database can hold.
        if !(0..=253_402_300_799).contains(&self.issued_at) {
            return Err("manifest.iat");
        }
        if self.expires_at <= self.issued_at || self.expires_at > 253_402_300_799 {
            return Err("manifest.exp");
        }
        Ok(())
    }

    /// `begin` is when it was sealed or last amended. `CLOCK_SKEW` is granted to the beginning,
    /// nothing to the end.
    pub(super) fn check_time(&self, begin: i64, now: Timestamp) -> Result<(), OpenError> {
        /// Seconds that two well-kept clocks may differ.
        const CLOCK_SKEW: i64 = 60;
        let now = now.timestamp();
        if now >= self.expires_at {
            Err(OpenError::Expired)
        } else if begin > now + CLOCK_SKEW {
            Err(OpenError::NotYetValid)
        } else {
            Ok(())
        }
    }

    pub(super) fn commitment_bytes(&self) -> Option<[u8; DIGEST_LEN]> {
        encoding::decode_array(&self.commitment).ok()
    }

    pub(super) fn digest_bytes(&self) -> Option<[u8; DIGEST_LEN]> {
        encoding::decode_array(&self.digest).ok()
    }
}

/// At least one, each once, all of them thumbprints.
pub(super) fn check_recipients(recipients: &[String]) -> Result<(), &'static str> {
    let mut kids: Vec<&str> = recipients.iter().map(String::as_str).collect();
    kids.sort_unstable();
    kids.dedup();
    let distinct = kids.len() == recipients.len();
    if kids.is_empty() || !distinct || !kids.into_iter().all(is_kid) {
        return Err("manifest.recipients");
    }
    Ok(())
}

pub(super) fn is_kid(text: &str) -> bool {
    text.len() == KID_LEN && encoding::decode_array::<DIGEST_LEN>(text).is_ok()
}

fn is_purpose(text: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    !text.is_empty() && text.len() <= MAX_PURPOSE && text.bytes().all(allowed)
}
