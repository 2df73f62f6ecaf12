//! Envelopes in two parts.
//!
//! `content` is a JWE in JSON serialization
//! ([RFC 7516, section 7.2](https://www.rfc-editor.org/rfc/rfc7516#section-7.2)). `manifest` is a
//! compact JWS whose payload binds everything about the content without containing it. So who
//! keeps the keys can check all there is to check and release the content key, and never see
//! the content; and who has the content cannot open it without that check.
//!
//! The order of opening is fixed by the types, each made only by the step before:
//! [`Manifest`] → `verify` → [`VerifiedManifest`] → `release` → [`ContentKey`] → `open`.

mod amendment;
mod claims;
mod content;
mod manifest;
mod open;
mod rewrap;
mod seal;
mod wrapped_keys;

use kernel::EnvelopeId;

use crate::provider::{self, AES_KEY_LEN, DIGEST_LEN, NONCE_LEN, TAG_LEN};

pub use amendment::{Amendment, POSSESSION_LABEL};
pub use claims::ManifestClaims;
pub use content::Content;
pub use manifest::{Manifest, VerifiedManifest};
pub use open::ContentKey;
pub use rewrap::{Fate, Rewrap, Rewrapped, Standing};
pub use seal::{Sealed, Terms, seal, seal_stream};
pub use wrapped_keys::WrappedKeys;

/// `typ` of a manifest.
pub const MANIFEST_TYPE: &str = "signet-manifest+jws";
/// `typ` of a manifest whose recipients were changed.
pub const AMENDMENT_TYPE: &str = "signet-amendment+jws";
/// `typ` of content that is what it says.
pub const CONTENT_TYPE: &str = "signet-content+jwe";
/// `typ` of content that is the key of a sealed stream.
pub const STREAM_TYPE: &str = "signet-stream+jwe";

/// Separates the commitment from every other use of the content key.
pub const COMMITMENT_LABEL: &[u8] = b"signet.dev/v1/content-key-commitment\0";

/// HMAC-SHA-256 under the content key, over label and envelope id. GCM alone does not commit to
/// its key: one ciphertext can be made that opens differently under two keys
/// ([Invisible Salamanders](https://eprint.iacr.org/2019/016)).
fn commitment(key: &[u8; AES_KEY_LEN], id: EnvelopeId) -> [u8; DIGEST_LEN] {
    provider::default().hmac_sha256(key, &[COMMITMENT_LABEL, id.to_string().as_bytes()])
}

/// SHA-256 over IV, ciphertext and tag. IV and tag have fixed lengths, so the
/// concatenation can be taken apart in one way only.
fn digest(iv: &[u8; NONCE_LEN], ciphertext: &[u8], tag: &[u8; TAG_LEN]) -> [u8; DIGEST_LEN] {
    provider::default().sha256(&[iv, ciphertext, tag])
}
