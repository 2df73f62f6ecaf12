//! One text for one recipient: a compact JWE
//! ([RFC 7516, section 7.1](https://www.rfc-editor.org/rfc/rfc7516#section-7.1)) as ordinary
//! libraries write it. It says nothing about who wrote it.

use zeroize::Zeroizing;

use crate::algorithm::KeyUse;
use crate::encoding;
use crate::error::{Detail, OpenError, SealError};
use crate::jose::header::{A256GCM, CompactHeader};
use crate::jose::key_wrap;
use crate::key::{PrivateKey, PublicKey};
use crate::provider::{self, NONCE_LEN, TAG_LEN};

/// A token taken apart, not opened yet.
pub struct Jwe {
    pub(crate) header: CompactHeader,
    protected: String,
    encrypted_key: Vec<u8>,
    iv: [u8; NONCE_LEN],
    /// Ciphertext and tag.
    sealed: Vec<u8>,
}

impl Jwe {
    /// `limit` is the letters of the longest token taken.
    ///
    /// # Errors
    /// When it is too long, or no such token by its form.
    pub fn parse(token: &str, limit: usize) -> Result<Self, OpenError> {
        if token.len() > limit {
            return Err(OpenError::TooLarge { part: "token", limit });
        }
        Self::read(token).ok_or(OpenError::Malformed("token"))
    }

    pub(crate) fn read(token: &str) -> Option<Self> {
        let mut parts = token.split('.');
        let mut next = || parts.next();
        let (protected, key, iv, ciphertext, tag) = (next()?, next()?, next()?, next()?, next()?);
        if next().is_some() {
            return None;
        }
        let header: CompactHeader = encoding::decode_json(protected).ok()?;
        if header.enc != A256GCM {
            return None;
        }
        let mut sealed = encoding::decode_with_room(ciphertext, TAG_LEN).ok()?;
        sealed.extend_from_slice(&encoding::decode_array::<TAG_LEN>(tag).ok()?);
        Some(Self {
            header,
            protected: protected.to_owned(),
            encrypted_key: encoding::decode(key).ok()?,
            iv: encoding::decode_array(iv).ok()?,
            sealed,
        })
    }

    /// What the token is, as its writer says.
    #[must_use]
    pub fn typ(&self) -> Option<&str> {
        self.header.typ.as_deref()
    }

    /// What the plaintext is, as its writer says.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.header.cty.as_deref()
    }

    /// # Errors
    /// `Rejected`, whatever the reason.
    pub fn open(mut self, recipient: &PrivateKey) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        // RFC 7516, section 11.5: a wrapped key that does not unwrap shows only when decrypting.
        let instead =
            provider::random_key().map_err(|_| OpenError::rejected(Detail::ContentKey))?;
        let key = key_wrap::unwrap(&self.header.key_header(), &self.encrypted_key, recipient)
            .unwrap_or(instead);
        let aad = self.protected.as_bytes();
        let length = provider::default()
            .aead_open(&key, self.iv, aad, &mut self.sealed)
            .map_err(|_| OpenError::rejected(Detail::Ciphertext))?;
        self.sealed.truncate(length);
        Ok(Zeroizing::new(self.sealed))
    }
}

/// Encrypts for one recipient. `typ` and `media_type` are seen by everybody.
///
/// # Errors
/// When the key is not for sealing.
pub fn seal(
    recipient: &PublicKey,
    typ: Option<&str>,
    media_type: Option<&str>,
    plaintext: Vec<u8>,
) -> Result<String, SealError> {
    let mut body = Zeroizing::new(plaintext);
    if recipient.algorithm().key_use() != KeyUse::Seal {
        return Err(SealError::WrongKey);
    }
    let key = provider::random_key()?;
    let (key_header, encrypted_key) = key_wrap::wrap(&key, recipient)?;
    let mut header = CompactHeader::new(key_header, media_type.map(str::to_owned));
    header.typ = typ.map(str::to_owned);
    let json = serde_json::to_vec(&header).map_err(|_| SealError::Invalid("content_type"))?;
    let mut token = encoding::encode(&json);
    let iv = provider::random_array()?;
    let tag = provider::default().aead_seal(&key, iv, token.as_bytes(), &mut body)?;
    // Ciphertext from here on: need not be wiped.
    let ciphertext = std::mem::take(&mut *body);
    for part in [&encrypted_key[..], &iv, &ciphertext, &tag] {
        token.push('.');
        encoding::append(part, &mut token);
    }
    Ok(token)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::KeyAlgorithm;

    #[test]
    fn what_is_sealed_opens_with_the_one_key_and_unchanged() {
        for algorithm in [KeyAlgorithm::X25519, KeyAlgorithm::P256, KeyAlgorithm::RsaOaep2048] {
            let key = PrivateKey::generate(algorithm).unwrap();
            let token =
                seal(key.public(), Some("a"), Some("text/plain"), b"text".to_vec()).unwrap();
            let parsed = Jwe::parse(&token, 4_096).unwrap();
            assert_eq!((parsed.typ(), parsed.media_type()), (Some("a"), Some("text/plain")));
            assert_eq!(parsed.open(&key).unwrap().as_slice(), b"text");
            let other = PrivateKey::generate(KeyAlgorithm::X25519).unwrap();
            assert!(Jwe::parse(&token, 4_096).unwrap().open(&other).is_err());
            for at in 0..token.len() {
                let mut changed = token.clone().into_bytes();
                changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
                let changed = String::from_utf8(changed).unwrap();
                let opened = Jwe::parse(&changed, 4_096).and_then(|jwe| jwe.open(&key));
                assert!(opened.is_err(), "{at}");
            }
            assert!(Jwe::parse(&token, token.len() - 1).is_err());
        }
    }

    #[test]
    fn a_signing_key_is_no_recipient() {
        let key = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
        assert!(seal(key.public(), None, None, Vec::new()).is_err());
    }
}
