//! The content key, wrapped once for each recipient.
//!
//! `alg`, `kid` and `epk` stand in the recipient's own, unprotected header, even if there is
//! one recipient only. In the protected header they would be part of what the manifest
//! signs, and a key could not be wrapped anew for a new version without asking the sender to
//! sign again. They need no protection: the algorithm is the key's, whatever a header says,
//! and a wrapped key that yields another content key fails the commitment.

use std::fmt;

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::open::ContentKey;
use crate::algorithm::KeyAlgorithm;
use crate::encoding;
use crate::error::{OpenError, SealError};
use crate::jose::header::KeyHeader;
use crate::jose::key_wrap;
use crate::key::{PrivateKey, PublicKey};
use crate::limits::{Limits, MAX_RECIPIENTS};
use crate::provider::{AesKey, Failed};

/// The largest wrapped key is an RSA-4096 block. What the hybrid suite encapsulates stands in the
/// header and has one length.
const MAX_WRAPPED_KEY: usize = 512;

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrappedKey {
    header: KeyHeader,
    encrypted_key: String,
}

#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct WrappedKeys(Vec<WrappedKey>);

/// Whose wrapped key comes next.
pub(super) enum Place<'a> {
    /// The one that is there, by its `kid`.
    Kept(&'a str),
    New(&'a PublicKey),
}

impl WrappedKeys {
    pub(super) fn wrap(key: &AesKey, recipients: &[PublicKey]) -> Result<Self, Failed> {
        recipients
            .iter()
            .map(|recipient| WrappedKey::new(key, recipient))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    pub(super) fn one(header: KeyHeader, encrypted_key: String) -> Self {
        Self(vec![WrappedKey { header, encrypted_key }])
    }

    /// Reads the `recipients` of a content.
    ///
    /// # Errors
    /// When there are none, too many, two for one key, or a member is unknown or missing.
    pub fn from_json(json: &str, limits: &Limits) -> Result<Self, OpenError> {
        limits.check_wrapped_keys_json(json)?;
        let keys: Self =
            serde_json::from_str(json).map_err(|_| OpenError::Malformed("recipients"))?;
        keys.check(limits)?;
        Ok(keys)
    }

    #[must_use]
    pub fn to_json(&self) -> String {
        // Strings only: cannot fail, and an empty text would not parse back.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The keys that it is wrapped for.
    pub fn recipients(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(WrappedKey::kid)
    }

    /// Whether they are of the hybrid suite: all of them, or none.
    pub(super) fn is_hybrid(&self) -> bool {
        self.0.first().is_some_and(WrappedKey::is_hybrid)
    }

    pub(super) fn check(&self, limits: &Limits) -> Result<(), OpenError> {
        limits.check_recipients(self.0.len())?;
        let mut kids: Vec<&str> = self.recipients().collect();
        kids.sort_unstable();
        let repeated = kids.windows(2).any(|pair| pair[0] == pair[1]);
        if kids.is_empty() || repeated || kids.contains(&"") {
            return Err(OpenError::Malformed("recipients"));
        }
        // Hybrid recipients never stand beside others: the weakest would decide.
        if self.0.iter().any(|key| key.is_hybrid() != self.is_hybrid()) {
            return Err(OpenError::Malformed("recipients.header"));
        }
        if self.0.iter().any(|key| key.encrypted_key.len() > MAX_WRAPPED_KEY * 4 / 3 + 4) {
            return Err(OpenError::Malformed("recipients.encrypted_key"));
        }
        Ok(())
    }

    pub(super) fn unwrap(&self, recipient: &PrivateKey) -> Result<AesKey, Failed> {
        let key = self.0.iter().find(|key| key.kid() == recipient.kid()).ok_or(Failed)?;
        let wrapped = encoding::decode(&key.encrypted_key).map_err(|_| Failed)?;
        key_wrap::unwrap(&key.header, &wrapped, recipient)
    }

    /// The entries for these, in this order; for a key that comes along, a new one is made.
    pub(super) fn arranged(
        &self,
        places: &[Place<'_>],
        content_key: &ContentKey,
    ) -> Result<Self, SealError> {
        let mut keys = Vec::with_capacity(places.len());
        for place in places {
            match place {
                Place::Kept(kid) => {
                    keys.extend(self.0.iter().find(|key| key.kid() == *kid).cloned())
                }
                Place::New(recipient) => keys.push(
                    WrappedKey::new(content_key.key(), recipient)
                        .map_err(|_| SealError::WrongKey)?,
                ),
            }
        }
        Ok(Self(keys))
    }

    /// Puts a key wrapped for `new` in the place of the one for `old`. The manifest stays.
    ///
    /// # Errors
    /// When there is none for `old`, already one for `new`, or `new` is not for sealing.
    pub fn renew(
        &mut self,
        old: &str,
        new: &PublicKey,
        content_key: &ContentKey,
    ) -> Result<(), SealError> {
        if self.recipients().any(|kid| kid == new.kid()) {
            return Err(SealError::DuplicateRecipient);
        }
        if new.algorithm().is_hybrid() != self.is_hybrid() {
            return Err(SealError::MixedSuites);
        }
        let place = self
            .0
            .iter_mut()
            .find(|key| key.kid() == old)
            .ok_or(SealError::Invalid("recipients"))?;
        *place = WrappedKey::new(content_key.key(), new).map_err(|_| SealError::WrongKey)?;
        Ok(())
    }
}

impl WrappedKey {
    fn new(key: &AesKey, recipient: &PublicKey) -> Result<Self, Failed> {
        let (header, wrapped) = key_wrap::wrap(key, recipient)?;
        Ok(Self { header, encrypted_key: encoding::encode(&wrapped) })
    }

    fn is_hybrid(&self) -> bool {
        self.header.alg == KeyAlgorithm::XWing.jose()
    }

    fn kid(&self) -> &str {
        self.header.kid.as_deref().unwrap_or_default()
    }
}

/// Stops reading at the bound, instead of counting afterwards what has been allocated.
impl<'de> Deserialize<'de> for WrappedKeys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bounded;

        impl<'de> Visitor<'de> for Bounded {
            type Value = WrappedKeys;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "at most {MAX_RECIPIENTS} recipients")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut keys = Vec::new();
                while let Some(key) = list.next_element()? {
                    if keys.len() == MAX_RECIPIENTS {
                        return Err(serde::de::Error::invalid_length(keys.len() + 1, &self));
                    }
                    keys.push(key);
                }
                Ok(WrappedKeys(keys))
            }
        }

        deserializer.deserialize_seq(Bounded)
    }
}
