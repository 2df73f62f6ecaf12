//! How much is read before it is known to be genuine.

use crate::encoding::encoded_len;
use crate::error::OpenError;

/// A hard bound under every configuration: what a list of recipients may cost to parse.
pub(crate) const MAX_RECIPIENTS: usize = 64;

/// How often the recipients of one envelope may be changed. Each time the manifest grows by a
/// third and more, since it carries the one before.
pub(crate) const MAX_AMENDMENTS: usize = 4;

/// So many times the size of a manifest an amended one may have.
const AMENDED: usize = 4;

/// What a recipient takes in JSON, with room to spare: a hybrid one has 1,500 letters in `ek` and
/// 250 around it, one of RSA-4096 has 700 and 150.
const RECIPIENT_JSON: usize = 2 * 1024;

/// The letters of the longest signature: Ed25519 beside ML-DSA-65, 3,373 bytes.
pub(crate) const SIGNATURE: usize = encoded_len(3_373);

/// The rest of the content's JSON: member names, protected header, IV, tag.
const FRAME_JSON: usize = 4 * 1024;

#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of plaintext.
    pub content: usize,
    /// Letters of a manifest as it was sealed: 64 recipients take 4,000, a hybrid signature 4,500.
    /// Amended ones may have four times as many.
    pub manifest: usize,
    /// Recipients of one envelope; more than 64 are never taken.
    pub recipients: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { content: 8 * 1024 * 1024, manifest: 16 * 1024, recipients: MAX_RECIPIENTS }
    }
}

impl Limits {
    pub(crate) fn check_manifest(&self, token: &str) -> Result<(), OpenError> {
        within("manifest", token.len(), self.manifest)
    }

    /// A manifest with all its amendments.
    pub(crate) fn check_amended(&self, token: &str) -> Result<(), OpenError> {
        within("manifest", token.len(), self.manifest.saturating_mul(AMENDED))
    }

    /// The letters of a content's JSON.
    pub(crate) fn check_content_json(&self, json: &str) -> Result<(), OpenError> {
        let limit = encoded_len(self.content) + self.recipients() * RECIPIENT_JSON + FRAME_JSON;
        within("content", json.len(), limit)
    }

    pub(crate) fn check_ciphertext(&self, base64: &str) -> Result<(), OpenError> {
        within("content.ciphertext", base64.len(), encoded_len(self.content))
    }

    pub(crate) fn check_wrapped_keys_json(&self, json: &str) -> Result<(), OpenError> {
        within("recipients", json.len(), self.recipients() * RECIPIENT_JSON)
    }

    /// A JWE within a JWS: the content twice in base64, and once more what surrounds it.
    pub(crate) fn check_nested(&self, token: &str) -> Result<(), OpenError> {
        let inner = encoded_len(self.content) + RECIPIENT_JSON + FRAME_JSON;
        within("token", token.len(), encoded_len(inner) + FRAME_JSON + SIGNATURE)
    }

    pub(crate) fn check_recipients(&self, count: usize) -> Result<(), OpenError> {
        within("recipients", count, self.recipients())
    }

    pub(crate) fn recipients(&self) -> usize {
        self.recipients.min(MAX_RECIPIENTS)
    }
}

fn within(part: &'static str, size: usize, limit: usize) -> Result<(), OpenError> {
    if size > limit { Err(OpenError::TooLarge { part, limit }) } else { Ok(()) }
}
