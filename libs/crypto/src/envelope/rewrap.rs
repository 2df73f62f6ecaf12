//! Rewrapping: the same content key for other keys. The content is not needed.

use kernel::Timestamp;

use super::wrapped_keys::Place;
use super::{ContentKey, VerifiedManifest, WrappedKeys};
use crate::algorithm::KeyUse;
use crate::error::SealError;
use crate::key::{PrivateKey, PublicKey};

/// A recipient as it is, and what becomes of it.
pub struct Standing {
    /// The thumbprint in the manifest.
    pub named: String,
    /// The thumbprint that the content key is wrapped for: the same, or that of a key that has
    /// taken its place. Which may is known to who keeps the versions of a key.
    pub wrapped: String,
    pub fate: Fate,
}

pub enum Fate {
    Stays,
    /// A newer version of the same key takes its place.
    Renewed(PublicKey),
    Removed,
}

/// All the changes, at once.
pub struct Rewrap {
    /// What becomes of every recipient of the manifest.
    pub recipients: Vec<Standing>,
    pub add: Vec<PublicKey>,
}

/// What takes the place of manifest and wrapped keys.
pub struct Rewrapped {
    /// None when it stays: to renew keys needs no signature.
    pub manifest: Option<String>,
    pub wrapped_keys: WrappedKeys,
}

impl Rewrap {
    /// Whether the manifest changes, which then has to be signed.
    #[must_use]
    pub fn amends(&self) -> bool {
        let removed = |one: &Standing| matches!(one.fate, Fate::Removed);
        !self.add.is_empty() || self.recipients.iter().any(removed)
    }

    /// Wraps the content key as `self` says. Wrapped keys for others than `self.recipients` are
    /// left out. `amender` is needed if [`Self::amends`].
    ///
    /// # Errors
    /// When the key is not the envelope's, there are no or too many recipients, one is there
    /// twice, a key is not for its use, or the envelope was amended too often.
    pub fn apply(
        &self,
        manifest: &VerifiedManifest,
        keys: &WrappedKeys,
        content_key: &ContentKey,
        amender: Option<(&PrivateKey, Timestamp)>,
    ) -> Result<Rewrapped, SealError> {
        if !manifest.commits_to(content_key) {
            return Err(SealError::WrongKey);
        }
        let places = self.places()?;
        let suits = |place: &Place<'_>| match place {
            Place::Kept(_) => true,
            Place::New(key) => manifest.claims().suits(key.algorithm()),
        };
        if !places.iter().all(suits) {
            return Err(SealError::MixedSuites);
        }
        let wrapped_keys = keys.arranged(&places, content_key)?;
        let manifest = match amender {
            _ if !self.amends() => None,
            None => return Err(SealError::WrongKey),
            Some((amender, at)) => {
                let recipients: Vec<_> =
                    places.iter().map(|place| place.kid().to_owned()).collect();
                Some(manifest.amend(&recipients, content_key, amender, at)?)
            }
        };
        Ok(Rewrapped { manifest, wrapped_keys })
    }

    fn places(&self) -> Result<Vec<Place<'_>>, SealError> {
        let standing = self.recipients.iter().filter_map(|one| match &one.fate {
            Fate::Stays => Some(Place::Kept(&one.wrapped)),
            Fate::Renewed(key) => Some(Place::New(key)),
            Fate::Removed => None,
        });
        let places: Vec<_> = standing.chain(self.add.iter().map(Place::New)).collect();
        let for_sealing = |place: &Place<'_>| match place {
            Place::Kept(_) => true,
            Place::New(key) => key.algorithm().key_use() == KeyUse::Seal,
        };
        if places.is_empty() {
            return Err(SealError::NoRecipients);
        }
        if !places.iter().all(for_sealing) {
            return Err(SealError::WrongKey);
        }
        let mut kids: Vec<_> = places.iter().map(Place::kid).collect();
        kids.sort_unstable();
        if kids.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(SealError::DuplicateRecipient);
        }
        Ok(places)
    }
}

impl Place<'_> {
    fn kid(&self) -> &str {
        match self {
            Self::Kept(kid) => kid,
            Self::New(key) => key.kid(),
        }
    }
}
