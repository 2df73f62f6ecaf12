//! Other recipients for an envelope, without touching its content.
//!
//! An amendment is a compact JWS as a manifest is, with a `typ` of its own, so that whoever does
//! not know it refuses it. Its payload carries the manifest that it amends whole (`prior`), the
//! new list of recipients, and nothing that `prior` says already: id, tenant, purpose, digest and
//! end stay those that the sender has signed, because there is no place to say otherwise.
//!
//! Two things speak for an amender: the signature, and a proof that he had the content key,
//! which nobody has who could not open the envelope.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use subtle::{Choice, ConstantTimeEq};

use super::claims::{self, VERSION};
use super::{AMENDMENT_TYPE, ContentKey, VerifiedManifest};
use crate::encoding;
use crate::error::{OpenError, SealError};
use crate::jose::jws;
use crate::key::PrivateKey;
use crate::limits::{Limits, MAX_AMENDMENTS};
use crate::provider::{self, DIGEST_LEN};

/// Separates the proof of possession from every other use of the content key.
pub const POSSESSION_LABEL: &[u8] = b"signet.dev/v1/content-key-possession\0";

/// The payload.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Payload {
    ver: u8,
    /// The thumbprint of the key that signs.
    pub(super) amender: String,
    /// All recipients from now on.
    pub(super) recipients: Vec<String>,
    /// HMAC-SHA-256 under the content key, over label, digest of `prior`, and `amender`.
    possession: String,
    pub(super) iat: i64,
    /// The manifest as it was before: of the sender, or amended already.
    pub(super) prior: String,
}

/// What one amendment has changed. Made by [`super::Manifest::parse`]; to be believed once it is
/// part of a [`VerifiedManifest`].
#[derive(Clone)]
pub struct Amendment {
    /// The thumbprint of the key that has signed it.
    pub amender: String,
    /// All recipients since then.
    pub recipients: Vec<String>,
    /// Seconds since 1970.
    pub amended_at: i64,
    prior_digest: [u8; DIGEST_LEN],
    possession: [u8; DIGEST_LEN],
}

impl Payload {
    pub(super) fn parse(json: &[u8], limits: &Limits) -> Result<Self, OpenError> {
        use OpenError::Malformed;
        let payload: Self =
            serde_json::from_slice(json).map_err(|_| Malformed("manifest.payload"))?;
        if payload.ver != VERSION {
            return Err(Malformed("manifest.ver"));
        }
        if !claims::is_kid(&payload.amender) {
            return Err(Malformed("manifest.amender"));
        }
        limits.check_recipients(payload.recipients.len())?;
        claims::check_recipients(&payload.recipients).map_err(Malformed)?;
        Ok(payload)
    }

    pub(super) fn amendment(&self) -> Result<Amendment, OpenError> {
        let possession = encoding::decode_array(&self.possession)
            .map_err(|_| OpenError::Malformed("manifest.possession"))?;
        Ok(Amendment {
            amender: self.amender.clone(),
            recipients: self.recipients.clone(),
            amended_at: self.iat,
            prior_digest: digest_of(&self.prior),
            possession,
        })
    }
}

impl Amendment {
    /// Whether who made it had this content key.
    pub(super) fn was_made_with(&self, key: &ContentKey) -> Choice {
        possession(key, &self.prior_digest, &self.amender).ct_eq(&self.possession)
    }
}

impl VerifiedManifest {
    /// The manifest for other recipients, signed by `amender`. Whether he may is for who
    /// verifies to decide; that he could open the envelope is proved by `key`.
    ///
    /// # Errors
    /// When the key is not the envelope's, a value is out of bounds, the envelope was amended too
    /// often, or `amender` is not for signing.
    pub fn amend(
        &self,
        recipients: &[String],
        key: &ContentKey,
        amender: &PrivateKey,
        at: Timestamp,
    ) -> Result<String, SealError> {
        claims::check_recipients(recipients).map_err(SealError::Invalid)?;
        let limits = Limits::default();
        if recipients.len() > limits.recipients() {
            return Err(SealError::TooManyRecipients(limits.recipients()));
        }
        if self.amendments().len() >= MAX_AMENDMENTS {
            return Err(SealError::AmendedTooOften(MAX_AMENDMENTS));
        }
        if !self.claims().suits(amender.algorithm()) {
            return Err(SealError::MixedSuites);
        }
        if !self.commits_to(key) {
            return Err(SealError::WrongKey);
        }
        let iat = at.timestamp();
        if !self.may_be_amended_at(iat) {
            return Err(SealError::Invalid("manifest.iat"));
        }
        let prior = self.token().to_owned();
        let payload = Payload {
            ver: VERSION,
            amender: amender.kid().to_owned(),
            recipients: recipients.to_vec(),
            possession: encoding::encode(&possession(key, &digest_of(&prior), amender.kid())),
            iat,
            prior,
        };
        let json = serde_json::to_vec(&payload).map_err(|_| SealError::Invalid("manifest"))?;
        let token = jws::sign(amender, Some(AMENDMENT_TYPE), None, &json)
            .map_err(|_| SealError::WrongKey)?;
        limits
            .check_amended(&token)
            .map_err(|_| SealError::AmendedTooOften(self.amendments().len()))?;
        Ok(token)
    }
}

fn digest_of(token: &str) -> [u8; DIGEST_LEN] {
    provider::default().sha256(&[token.as_bytes()])
}

fn possession(key: &ContentKey, prior: &[u8; DIGEST_LEN], amender: &str) -> [u8; DIGEST_LEN] {
    provider::default().hmac_sha256(&**key.key(), &[POSSESSION_LABEL, prior, amender.as_bytes()])
}
