//! One plain token: a compact JWS over a compact JWE for one recipient
//! ([RFC 7519, section 11.2](https://www.rfc-editor.org/rfc/rfc7519#section-11.2): sign last).
//!
//! For clients that know only that. It has no id and no times, so it cannot be protected
//! against replay by itself; prefer an [`crate::envelope`].

use zeroize::Zeroizing;

use crate::algorithm::KeyUse;
use crate::encoding;
use crate::error::{Detail, OpenError, SealError};
use crate::jose::header::{A256GCM, CompactHeader};
use crate::jose::jws::{self, Compact};
use crate::jose::key_wrap;
use crate::key::{PrivateKey, PublicKey};
use crate::limits::Limits;
use crate::provider::{self, NONCE_LEN, TAG_LEN};

/// `cty` of the signature: what is signed is a JWE.
const CONTENT_TYPE: &str = "JWE";

/// A token that nobody has vouched for yet.
pub struct Token<'a> {
    token: Compact<'a>,
}

/// A token whose signature holds.
pub struct VerifiedToken {
    pub(crate) header: CompactHeader,
    protected: String,
    encrypted_key: Vec<u8>,
    iv: [u8; NONCE_LEN],
    /// Ciphertext and tag.
    sealed: Vec<u8>,
    /// Of what the signature is.
    hybrid: bool,
}

impl<'a> Token<'a> {
    /// # Errors
    /// When it is too large, or not such a token by its form.
    pub fn parse(token: &'a str, limits: &Limits) -> Result<Self, OpenError> {
        limits.check_nested(token)?;
        let token = Compact::parse(token).map_err(|_| OpenError::Malformed("token"))?;
        // RFC 7515, section 4.1.10: the value is a media type, so its case does not matter.
        if !token.header.cty.as_deref().is_some_and(|cty| cty.eq_ignore_ascii_case(CONTENT_TYPE)) {
            return Err(OpenError::Malformed("token.header"));
        }
        Ok(Self { token })
    }

    /// Whose key to fetch, if the token says. Nothing but a claim until verified.
    #[must_use]
    pub fn claimed_sender(&self) -> Option<&str> {
        self.token.header.kid.as_deref()
    }

    /// # Errors
    /// `Rejected` when the signature is not by this key; `Malformed` when it is, but not over
    /// a JWE that we read.
    pub fn verify(&self, sender: &PublicKey) -> Result<VerifiedToken, OpenError> {
        self.token.verify(sender).map_err(|_| OpenError::rejected(Detail::Signature))?;
        let jwe =
            encoding::decode(self.token.payload).ok().and_then(|raw| String::from_utf8(raw).ok());
        let hybrid = sender.algorithm().is_hybrid();
        VerifiedToken::parse(&jwe.ok_or(OpenError::Malformed("token.payload"))?, hybrid)
            .ok_or(OpenError::Malformed("token.payload"))
    }
}

impl VerifiedToken {
    pub(crate) fn parse(jwe: &str, hybrid: bool) -> Option<Self> {
        let mut parts = jwe.split('.');
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
            hybrid,
        })
    }

    /// What the plaintext is, as the sender says.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.header.cty.as_deref()
    }

    /// # Errors
    /// `Rejected`, whatever the reason.
    pub fn open(mut self, recipient: &PrivateKey) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        if self.hybrid != recipient.algorithm().is_hybrid() {
            return Err(OpenError::rejected(Detail::Suite));
        }
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

/// Seals for one recipient and signs.
///
/// # Errors
/// When a key is not for its use, or the content is too large.
pub fn seal(
    sender: &PrivateKey,
    recipient: &PublicKey,
    media_type: Option<&str>,
    plaintext: Vec<u8>,
    limits: &Limits,
) -> Result<String, SealError> {
    let mut body = Zeroizing::new(plaintext);
    if body.len() > limits.content {
        return Err(SealError::TooLarge(limits.content));
    }
    if recipient.algorithm().key_use() != KeyUse::Seal
        || sender.algorithm().key_use() != KeyUse::Sign
    {
        return Err(SealError::WrongKey);
    }
    if recipient.algorithm().is_hybrid() != sender.algorithm().is_hybrid() {
        return Err(SealError::MixedSuites);
    }
    let key = provider::random_key()?;
    let (key_header, encrypted_key) = key_wrap::wrap(&key, recipient)?;
    let header = CompactHeader::new(key_header, media_type.map(str::to_owned));
    let json = serde_json::to_vec(&header).map_err(|_| SealError::Invalid("content_type"))?;
    let mut jwe = encoding::encode(&json);
    let iv = provider::random_array()?;
    let tag = provider::default().aead_seal(&key, iv, jwe.as_bytes(), &mut body)?;
    // Ciphertext from here on: need not be wiped.
    let ciphertext = std::mem::take(&mut *body);
    for part in [&encrypted_key[..], &iv, &ciphertext, &tag] {
        jwe.push('.');
        encoding::append(part, &mut jwe);
    }
    Ok(jws::sign(sender, Some("JOSE"), Some(CONTENT_TYPE), jwe.as_bytes())?)
}
