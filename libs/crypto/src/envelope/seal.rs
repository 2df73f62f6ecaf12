//! Sealing. Makes the content and what the manifest will say; signing it is a step of its own,
//! which may happen in another process: `ManifestClaims::sign`.

use kernel::{EnvelopeId, TenantId, Timestamp};
use zeroize::Zeroizing;

use super::claims::VERSION;
use super::{CONTENT_TYPE, ManifestClaims, STREAM_TYPE, WrappedKeys, commitment, content, digest};
use crate::algorithm::{HYBRID, KeyUse};
use crate::encoding;
use crate::error::SealError;
use crate::key::PublicKey;
use crate::limits::Limits;
use crate::provider;
use crate::stream::StreamSealer;

/// What the sender decides about an envelope.
pub struct Terms {
    pub tenant: TenantId,
    /// The id of the key that will sign.
    pub sender: String,
    pub purpose: String,
    /// The media type of the plaintext.
    pub content_type: String,
    pub in_reply_to: Option<EnvelopeId>,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A content and the claims of its manifest, not yet signed.
pub struct Sealed {
    pub content: String,
    pub claims: ManifestClaims,
}

/// Seals `plaintext`, in place, for all `recipients`.
///
/// # Errors
/// When there are no or too many recipients, a key is not for sealing, the content is too
/// large, or a term is out of bounds.
pub fn seal(
    terms: &Terms,
    recipients: &[PublicKey],
    plaintext: Vec<u8>,
    limits: &Limits,
) -> Result<Sealed, SealError> {
    let plaintext = Zeroizing::new(plaintext);
    if plaintext.len() > limits.content {
        return Err(SealError::TooLarge(limits.content));
    }
    seal_as(CONTENT_TYPE, EnvelopeId::new(), terms, (recipients, limits), plaintext)
}

/// Seals the key of a new stream, whose chunks the sealer returned makes.
///
/// # Errors
/// As [`seal`].
pub fn seal_stream(
    terms: &Terms,
    recipients: &[PublicKey],
    limits: &Limits,
) -> Result<(Sealed, StreamSealer), SealError> {
    let id = EnvelopeId::new();
    let key = provider::random_key()?;
    let stream = StreamSealer::new(&*key, id)?;
    let plaintext = Zeroizing::new(key.to_vec());
    let sealed = seal_as(STREAM_TYPE, id, terms, (recipients, limits), plaintext)?;
    Ok((sealed, stream))
}

fn seal_as(
    typ: &str,
    id: EnvelopeId,
    terms: &Terms,
    (recipients, limits): (&[PublicKey], &Limits),
    mut plaintext: Zeroizing<Vec<u8>>,
) -> Result<Sealed, SealError> {
    check_recipients(recipients, limits)?;
    let protected = content::protected_header(typ, &terms.content_type)?;
    let key = provider::random_key()?;
    let keys = WrappedKeys::wrap(&key, recipients)?;
    // A fresh key encrypts one message, so any nonce would do; a random one is what JOSE expects.
    let iv = provider::random_array()?;
    let tag = provider::default().aead_seal(&key, iv, protected.as_bytes(), &mut plaintext)?;
    // From here on the buffer holds ciphertext, which need not be wiped.
    let ciphertext = std::mem::take(&mut *plaintext);
    let claims = ManifestClaims {
        version: VERSION,
        suite: recipients[0].algorithm().is_hybrid().then(|| HYBRID.to_owned()),
        id,
        tenant: terms.tenant,
        sender: terms.sender.clone(),
        recipients: recipients.iter().map(|key| key.kid().to_owned()).collect(),
        commitment: encoding::encode(&commitment(&key, id)),
        digest: encoding::encode(&digest(&iv, &ciphertext, &tag)),
        purpose: terms.purpose.clone(),
        in_reply_to: terms.in_reply_to,
        issued_at: terms.issued_at.timestamp(),
        expires_at: terms.expires_at.timestamp(),
        protected,
    };
    claims.validate().map_err(SealError::Invalid)?;
    let length = encoding::encoded_len(ciphertext.len());
    let content = content::write(&claims.protected, &keys, (&iv, &tag), length, |json| {
        encoding::append(&ciphertext, json);
    });
    Ok(Sealed { content, claims })
}

fn check_recipients(recipients: &[PublicKey], limits: &Limits) -> Result<(), SealError> {
    if recipients.is_empty() {
        return Err(SealError::NoRecipients);
    }
    if recipients.len() > limits.recipients() {
        return Err(SealError::TooManyRecipients(limits.recipients()));
    }
    if recipients.iter().any(|key| key.algorithm().key_use() != KeyUse::Seal) {
        return Err(SealError::WrongKey);
    }
    let hybrid = recipients[0].algorithm().is_hybrid();
    if recipients.iter().any(|key| key.algorithm().is_hybrid() != hybrid) {
        return Err(SealError::MixedSuites);
    }
    let mut kids: Vec<&str> = recipients.iter().map(PublicKey::kid).collect();
    kids.sort_unstable();
    if kids.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(SealError::DuplicateRecipient);
    }
    Ok(())
}
