//! The manifest, from untrusted text to something that can be relied on.

use std::borrow::Cow;

use kernel::Timestamp;
use subtle::ConstantTimeEq;

use super::amendment::{Amendment, Payload};
use super::{AMENDMENT_TYPE, ContentKey, MANIFEST_TYPE, ManifestClaims, WrappedKeys, commitment};
use crate::encoding;
use crate::error::{Detail, OpenError};
use crate::jose::jws::Compact;
use crate::key::{PrivateKey, PublicKey};
use crate::limits::{Limits, MAX_AMENDMENTS};
use crate::provider;

/// A manifest that nobody has vouched for yet, amended or not.
pub struct Manifest<'a> {
    token: &'a str,
    /// What the sender has signed.
    original: Cow<'a, str>,
    claims: ManifestClaims,
    /// The amendments and their tokens, oldest first.
    amended: Vec<(Cow<'a, str>, Amendment)>,
}

impl<'a> Manifest<'a> {
    /// # Errors
    /// When it is too large, or not a manifest by its form, or amended too often.
    pub fn parse(token: &'a str, limits: &Limits) -> Result<Self, OpenError> {
        limits.check_amended(token)?;
        let mut amended = Vec::new();
        let mut inner = Cow::Borrowed(token);
        loop {
            let (payload, is_original) = taken_apart(&inner, limits)?;
            if is_original {
                let claims = ManifestClaims::parse(&payload, limits)?;
                amended.reverse();
                check_order(&claims, &amended)?;
                return Ok(Self { token, original: inner, claims, amended });
            }
            if amended.len() == MAX_AMENDMENTS {
                return Err(OpenError::TooLarge { part: "manifest.prior", limit: MAX_AMENDMENTS });
            }
            let payload = Payload::parse(&payload, limits)?;
            let amendment = payload.amendment()?;
            amended.push((inner, amendment));
            inner = Cow::Owned(payload.prior);
        }
    }

    /// Whose key to fetch. Nothing but a claim until [`Self::verify`] has succeeded.
    #[must_use]
    pub fn claimed_sender(&self) -> &str {
        &self.claims.sender
    }

    /// All whose keys to fetch: the sender, then those who have amended, oldest first. Nothing
    /// but claims until [`Self::verify_by`] has succeeded.
    pub fn claimed_signers(&self) -> impl Iterator<Item = &str> {
        let amenders = self.amended.iter().map(|(_, amendment)| amendment.amender.as_str());
        std::iter::once(self.claimed_sender()).chain(amenders)
    }

    /// Checks the signature and that the signer is the sender named. The caller chooses the
    /// key, by tenant and `claimed_sender`, among those that it trusts. What was amended by
    /// others is refused: see [`Self::verify_by`].
    ///
    /// # Errors
    /// `Rejected`, whatever the reason.
    pub fn verify(self, sender: &PublicKey) -> Result<VerifiedManifest, OpenError> {
        self.verify_by(|_| Some(sender.clone()))
    }

    /// Checks all signatures, with the keys that `key_of` gives for the thumbprints of the
    /// sender and of those who have amended. Whether these may amend is the caller's to check.
    ///
    /// # Errors
    /// `Rejected`, whatever the reason.
    pub fn verify_by(
        self,
        key_of: impl Fn(&str) -> Option<PublicKey>,
    ) -> Result<VerifiedManifest, OpenError> {
        let original = (&*self.original, self.claims.sender.as_str());
        let amended = self.amended.iter().map(|(token, by)| (&**token, by.amender.as_str()));
        for (token, signer) in std::iter::once(original).chain(amended) {
            let key = key_of(signer).ok_or(OpenError::rejected(Detail::Signature))?;
            let token = Compact::parse(token).map_err(|_| OpenError::Malformed("manifest"))?;
            token.verify(&key).map_err(|_| OpenError::rejected(Detail::Signature))?;
            if signer != key.kid() {
                return Err(OpenError::rejected(Detail::Sender));
            }
            // Of the amenders too: the weakest signature would decide.
            if !self.claims.suits(key.algorithm()) {
                return Err(OpenError::rejected(Detail::Suite));
            }
        }
        Ok(self.verified_by_peer())
    }

    /// For who was given the content key by a peer that has verified this very manifest, over
    /// an authenticated channel. The content is still bound: [`ContentKey::open`] fails unless
    /// commitment, header and digest match.
    #[must_use]
    pub fn verified_by_peer(self) -> VerifiedManifest {
        let amendments: Vec<_> = self.amended.into_iter().map(|(_, amendment)| amendment).collect();
        let mut claims = self.claims;
        let sealed_for = claims.recipients.clone();
        if let Some(newest) = amendments.last() {
            claims.recipients.clone_from(&newest.recipients);
        }
        VerifiedManifest { token: self.token.to_owned(), claims, sealed_for, amendments }
    }
}

/// The payload of a token, and whether it is a sender's or an amendment.
fn taken_apart(token: &str, limits: &Limits) -> Result<(Vec<u8>, bool), OpenError> {
    let compact = Compact::parse(token).map_err(|_| OpenError::Malformed("manifest"))?;
    let is_original = match compact.header.typ.as_deref() {
        Some(MANIFEST_TYPE) => true,
        Some(AMENDMENT_TYPE) => false,
        _ => return Err(OpenError::Malformed("manifest.header")),
    };
    if compact.header.cty.is_some() {
        return Err(OpenError::Malformed("manifest.header"));
    }
    if is_original {
        limits.check_manifest(token)?;
    }
    let payload =
        encoding::decode(compact.payload).map_err(|_| OpenError::Malformed("manifest.payload"))?;
    Ok((payload, is_original))
}

/// Nobody amends before it was sealed, or after its end.
fn check_order(
    claims: &ManifestClaims,
    amended: &[(Cow<'_, str>, Amendment)],
) -> Result<(), OpenError> {
    let mut latest = claims.issued_at;
    for (_, amendment) in amended {
        if !(latest..claims.expires_at).contains(&amendment.amended_at) {
            return Err(OpenError::Malformed("manifest.iat"));
        }
        latest = amendment.amended_at;
    }
    Ok(())
}

/// A manifest whose signatures hold. Policy and replay are the caller's to check, by its claims.
pub struct VerifiedManifest {
    token: String,
    claims: ManifestClaims,
    sealed_for: Vec<String>,
    amendments: Vec<Amendment>,
}

impl VerifiedManifest {
    /// What the sender has signed, with the recipients as they are now.
    #[must_use]
    pub fn claims(&self) -> &ManifestClaims {
        &self.claims
    }

    /// The recipients as the sender named them.
    #[must_use]
    pub fn sealed_for(&self) -> &[String] {
        &self.sealed_for
    }

    /// Who has changed the recipients since, oldest first.
    #[must_use]
    pub fn amendments(&self) -> &[Amendment] {
        &self.amendments
    }

    /// The manifest as it travels.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    fn latest(&self) -> i64 {
        self.amendments.last().map_or(self.claims.issued_at, |newest| newest.amended_at)
    }

    pub(super) fn may_be_amended_at(&self, seconds: i64) -> bool {
        (self.latest()..self.claims.expires_at).contains(&seconds)
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
        self.claims.check_time(self.latest(), now)?;
        if !self.claims.recipients.iter().any(|kid| kid == named) {
            return Err(OpenError::NotARecipient);
        }
        let hybrid = self.claims.is_hybrid();
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

    /// Whether it is the key that the sender has committed to and all who amended have had.
    pub(super) fn commits_to(&self, key: &ContentKey) -> bool {
        let expected = self.claims.commitment_bytes().unwrap_or_default();
        let committed = commitment(key.key(), self.claims.id).ct_eq(&expected);
        let amended = self.amendments.iter().map(|amendment| amendment.was_made_with(key));
        amended.fold(committed, std::ops::BitAnd::bitand).into()
    }
}
