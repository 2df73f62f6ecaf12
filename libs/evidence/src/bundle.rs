//! The file: JSON, strict, with each value in one spelling.

use crypto::encoding;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::verify::EvidenceError;

/// The one version there is.
const VERSION: u8 = 1;
/// Bytes of a bundle.
pub const MAX_BUNDLE: usize = 4 * 1024 * 1024;
/// Events of a bundle.
pub const MAX_EVENTS: usize = 64;
/// A sender, and as many amenders as a manifest can have, with room to spare.
const MAX_KEYS: usize = 16;
/// Bytes of an event, as audit takes them.
const MAX_EVENT: usize = 16 * 1024;
pub(crate) const SALT: usize = 32;

/// A bundle as it was read; means nothing until [`Bundle::verify`] has passed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Says what the file is, and the version of its form.
    #[serde(rename = "evidence")]
    version: u8,
    /// The manifest, amended or not: a compact JWS.
    pub manifest: String,
    /// The public JWKs of sender and amenders, each once, in the order in which they signed.
    pub keys: Vec<Value>,
    /// The log's verifier key, `name+id+key`.
    pub log_key: String,
    /// What is in the log about the envelope.
    pub events: Vec<LoggedEvent>,
}

/// An event, opened from the commitment that the log has.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LoggedEvent {
    /// The protobuf encoding of `signet.audit.v1.Event`, base64url.
    pub encoded: String,
    /// What hides it in the log, base64url.
    pub salt: String,
    /// Index, inclusion proof and checkpoint: a C2SP tlog-proof.
    pub proof: String,
}

impl LoggedEvent {
    #[must_use]
    pub fn new(encoded: &[u8], salt: &[u8], proof: String) -> Self {
        Self { encoded: encoding::encode(encoded), salt: encoding::encode(salt), proof }
    }

    pub(crate) fn encoded(&self) -> Result<Vec<u8>, EvidenceError> {
        if self.encoded.len() > MAX_EVENT * 2 {
            return Err(EvidenceError::Malformed("events.encoded"));
        }
        encoding::decode(&self.encoded).map_err(|_| EvidenceError::Malformed("events.encoded"))
    }

    pub(crate) fn salt(&self) -> Result<Vec<u8>, EvidenceError> {
        let salt = encoding::decode(&self.salt).ok().filter(|salt| salt.len() == SALT);
        salt.ok_or(EvidenceError::Malformed("events.salt"))
    }
}

impl Bundle {
    #[must_use]
    pub fn new(
        manifest: String,
        keys: Vec<Value>,
        log_key: String,
        events: Vec<LoggedEvent>,
    ) -> Self {
        Self { version: VERSION, manifest, keys, log_key, events }
    }

    /// Whether a file looks like a bundle, so that a person is told what is wrong with it.
    #[must_use]
    pub fn is_meant(json: &[u8]) -> bool {
        /// Other members are skipped here.
        #[derive(Deserialize)]
        struct Named {
            #[serde(rename = "evidence")]
            _version: Value,
        }
        // A list would do for serde, too.
        json.len() <= MAX_BUNDLE
            && json.trim_ascii_start().starts_with(b"{")
            && serde_json::from_slice::<Named>(json).is_ok()
    }

    /// # Errors
    /// When it is too large, has unknown, missing or repeated members, or is of another version.
    pub fn parse(json: &[u8]) -> Result<Self, EvidenceError> {
        if json.len() > MAX_BUNDLE {
            return Err(EvidenceError::TooLarge(MAX_BUNDLE));
        }
        let bundle: Self =
            serde_json::from_slice(json).map_err(|error| EvidenceError::Json(error.to_string()))?;
        if bundle.version != VERSION {
            return Err(EvidenceError::Malformed("evidence"));
        }
        if bundle.keys.is_empty() || bundle.keys.len() > MAX_KEYS {
            return Err(EvidenceError::Malformed("keys"));
        }
        if bundle.events.is_empty() || bundle.events.len() > MAX_EVENTS {
            return Err(EvidenceError::Malformed("events"));
        }
        Ok(bundle)
    }

    /// The file.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        // Strings, and values that were JSON before: cannot fail.
        let mut json = serde_json::to_vec_pretty(self).unwrap_or_default();
        json.push(b'\n');
        json
    }
}
