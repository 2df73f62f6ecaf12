//! The last step: from the content key to the content.

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{Content, VerifiedManifest, digest};
use crate::error::{Detail, OpenError};
use crate::provider::{self, AES_KEY_LEN, AesKey, Failed};
use crate::stream::StreamOpener;

/// A released content key. Opens one envelope, in this process or, exported, in another.
pub struct ContentKey(AesKey);

impl ContentKey {
    pub(super) fn new(key: AesKey) -> Self {
        Self(key)
    }

    pub(super) fn key(&self) -> &AesKey {
        &self.0
    }

    /// To be sent to who opens the content, over an authenticated and encrypted channel.
    #[must_use]
    pub fn expose(&self) -> &[u8; AES_KEY_LEN] {
        &self.0
    }

    /// # Errors
    /// When it is not 32 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Failed> {
        let key: &[u8; AES_KEY_LEN] = bytes.try_into().map_err(|_| Failed)?;
        Ok(Self(Zeroizing::new(*key)))
    }

    /// Decrypts the content that the manifest describes.
    ///
    /// # Errors
    /// When it is another content, another key, or has been altered; also for a stream's.
    pub fn open(
        &self,
        manifest: &VerifiedManifest,
        content: &Content<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        if content.is_stream() {
            return Err(OpenError::Malformed("content.protected"));
        }
        self.decrypt(manifest, content)
    }

    /// Opens the content that holds a stream's key.
    ///
    /// # Errors
    /// As [`Self::open`]; also for content that is no stream's.
    pub fn open_stream(
        &self,
        manifest: &VerifiedManifest,
        content: &Content<'_>,
    ) -> Result<StreamOpener, OpenError> {
        if !content.is_stream() {
            return Err(OpenError::Malformed("content.protected"));
        }
        let key = self.decrypt(manifest, content)?;
        StreamOpener::new(&key, manifest.claims().id)
            .map_err(|_| OpenError::rejected(Detail::Ciphertext))
    }

    fn decrypt(
        &self,
        manifest: &VerifiedManifest,
        content: &Content<'_>,
    ) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        if !manifest.commits_to(self) {
            return Err(OpenError::rejected(Detail::ContentKey));
        }
        let mut bytes = manifest.described(content)?;
        bytes.extend_from_slice(content.tag());
        let aad = content.protected().as_bytes();
        let length = provider::default()
            .aead_open(&self.0, *content.iv(), aad, &mut bytes)
            .map_err(|_| OpenError::rejected(Detail::Ciphertext))?;
        bytes.truncate(length);
        Ok(Zeroizing::new(bytes))
    }
}

impl VerifiedManifest {
    /// Whether this is the content that the manifest describes. Needs no key, and so says
    /// nothing about whom it opens for.
    ///
    /// # Errors
    /// `Rejected` when it is another, or has been altered.
    pub fn check_content(&self, content: &Content<'_>) -> Result<(), OpenError> {
        self.described(content).map(drop)
    }

    /// The ciphertext, checked, in a buffer that has room for the tag.
    fn described(&self, content: &Content<'_>) -> Result<Vec<u8>, OpenError> {
        let claims = self.claims();
        if content.protected() != claims.protected {
            return Err(OpenError::rejected(Detail::ProtectedHeader));
        }
        let bytes = content.ciphertext()?;
        let expected = claims.digest_bytes().unwrap_or_default();
        if bool::from(digest(content.iv(), &bytes, content.tag()).ct_eq(&expected)) {
            Ok(bytes)
        } else {
            Err(OpenError::rejected(Detail::Digest))
        }
    }
}
