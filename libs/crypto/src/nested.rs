//! One plain token: a compact JWS over a compact JWE for one recipient
//! ([RFC 7519, section 11.2](https://www.rfc-editor.org/rfc/rfc7519#section-11.2): sign last).
//!
//! For clients that know only that. It has no id and no times, so it cannot be protected
//! against replay by itself; prefer an [`crate::envelope`].

use zeroize::Zeroizing;

use crate::algorithm::KeyUse;
use crate::encoding;
use crate::error::{Detail, OpenError, SealError};
use crate::jose::jws::{self, Compact};
use crate::jwe::{self, Jwe};
use crate::key::{PrivateKey, PublicKey};
use crate::limits::Limits;

/// `cty` of the signature: what is signed is a JWE.
const CONTENT_TYPE: &str = "JWE";

/// A token that nobody has vouched for yet.
pub struct Token<'a> {
    token: Compact<'a>,
}

/// A token whose signature holds.
pub struct VerifiedToken {
    jwe: Jwe,
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
        jwe.and_then(|jwe| Jwe::read(&jwe))
            .map(|jwe| VerifiedToken { jwe, hybrid })
            .ok_or(OpenError::Malformed("token.payload"))
    }
}

impl VerifiedToken {
    /// What the plaintext is, as the sender says.
    #[must_use]
    pub fn media_type(&self) -> Option<&str> {
        self.jwe.media_type()
    }

    /// # Errors
    /// `Rejected`, whatever the reason.
    pub fn open(self, recipient: &PrivateKey) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        if self.hybrid != recipient.algorithm().is_hybrid() {
            return Err(OpenError::rejected(Detail::Suite));
        }
        self.jwe.open(recipient)
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
    if plaintext.len() > limits.content {
        return Err(SealError::TooLarge(limits.content));
    }
    if sender.algorithm().key_use() != KeyUse::Sign {
        return Err(SealError::WrongKey);
    }
    if recipient.algorithm().is_hybrid() != sender.algorithm().is_hybrid() {
        return Err(SealError::MixedSuites);
    }
    let jwe = jwe::seal(recipient, None, media_type, plaintext)?;
    Ok(jws::sign(sender, Some("JOSE"), Some(CONTENT_TYPE), jwe.as_bytes())?)
}
