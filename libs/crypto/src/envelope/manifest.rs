//! The manifest, from untrusted text to something that can be relied on.

use kernel::Timestamp;
use subtle::ConstantTimeEq;

use super::{ContentKey, MANIFEST_TYPE, ManifestClaims, WrappedKeys, commitment};
use crate::encoding;
use crate::error::{Detail, OpenError};
use crate::jose::jws::Compact;
use crate::key::{PrivateKey, PublicKey};
use crate::limits::Limits;
use crate::provider;

/// A manifest that nobody has vouched for yet.
pub struct Manifest<'a> {
    token: Compact<'a>,
    claims: ManifestClaims,
}

impl<'a> Manifest<'a> {
    /// # Errors
    /// When it is too large, or not a manifest by its form.
    pub fn parse(token: &'a str, limits: &Limits) -> Result<Self, OpenError> {
        limits.check_manifest(token)?;
        let token = Compact::parse(token).map_err(|_| OpenError::Malformed("manifest"))?;
        let header = &token.header;
        if header.typ.as_deref() != Some(MANIFEST_TYPE) || header.cty.is_some() {
            return Err(OpenError::Malformed("manifest.header"));
        }
        let payload = encoding::decode(token.payload)
            .map_err(|_| OpenError::Malformed("manifest.payload"))?;
        let claims = ManifestClaims::parse(&payload, limits)?;
        Ok(Self { token, claims })
    }

    /// Whose key to fetch. Nothing but a claim until [`Self::verify`] has succeeded.
    #[must_use]
    pub fn claimed_sender(&self) -> &str {
        &self.claims.sender
    }

    /// Checks the signature and that the signer is the sender named. The caller chooses the
    /// key, by tenant and `claimed_sender`, among those that it trusts.
    ///
    /// # Errors
    /// `Rejected`, whatever the reason.
    pub fn verify(self, sender: &PublicKey) -> Result<VerifiedManifest, OpenError> {
        self.token.verify(sender).map_err(|_| OpenError::rejected(Detail::Signature))?;
        if self.claims.sender != sender.kid() {
            return Err(OpenError::rejected(Detail::Sender));
        }
        if self.claims.is_hybrid() != sender.algorithm().is_hybrid() {
            return Err(OpenError::rejected(Detail::Suite));
        }
        Ok(VerifiedManifest(self.claims))
    }

    /// For who was given the content key by a peer that has verified this very manifest, over
    /// an authenticated channel. The content is still bound: [`ContentKey::open`] fails unless
    /// commitment, header and digest match.
    #[must_use]
    pub fn verified_by_peer(self) -> VerifiedManifest {
        VerifiedManifest(self.claims)
    }
}

/// A manifest whose signature holds. Policy and replay are the caller's to check, by its claims.
pub struct VerifiedManifest(ManifestClaims);

impl VerifiedManifest {
    #[must_use]
    pub fn claims(&self) -> &ManifestClaims {
        &self.0
    }

    /// Releases the content key to a recipient that the manifest names.
    ///
    /// # Errors
    /// When the time is not right, the key is no recipient's, or what it unwraps is not the
    /// key committed to.
    pub fn release(
        &self,
        recipient: &PrivateKey,
        keys: &WrappedKeys,
        now: Timestamp,
    ) -> Result<ContentKey, OpenError> {
        self.release_renewed(recipient.kid(), recipient, keys, now)
    }

    /// The same, for a key that has taken the place of `named`: the key that the manifest names.
    /// That it has is for the caller to know, who keeps the versions of a key.
    ///
    /// # Errors
    /// As [`Self::release`].
    pub fn release_renewed(
        &self,
        named: &str,
        recipient: &PrivateKey,
        keys: &WrappedKeys,
        now: Timestamp,
    ) -> Result<ContentKey, OpenError> {
        self.0.check_time(now)?;
        if !self.0.recipients.iter().any(|kid| kid == named) {
            return Err(OpenError::NotARecipient);
        }
        let hybrid = self.0.is_hybrid();
        if recipient.algorithm().is_hybrid() != hybrid || keys.is_hybrid() != hybrid {
            return Err(OpenError::rejected(Detail::Suite));
        }
        // RFC 7516, section 11.5: go on with a random key, so that a wrapped key that does not
        // unwrap and one that unwraps to something else take the same way.
        let instead =
            provider::random_key().map_err(|_| OpenError::rejected(Detail::ContentKey))?;
        let key = keys.unwrap(recipient).unwrap_or(instead);
        let key = ContentKey::new(key);
        if self.commits_to(&key) { Ok(key) } else { Err(OpenError::rejected(Detail::ContentKey)) }
    }

    pub(super) fn commits_to(&self, key: &ContentKey) -> bool {
        let expected = self.0.commitment_bytes().unwrap_or_default();
        commitment(key.key(), self.0.id).ct_eq(&expected).into()
    }
}
