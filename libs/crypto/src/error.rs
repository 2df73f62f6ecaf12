//! What may go wrong, and how much of it the other side may learn.

use crate::provider::Failed;

/// Why something foreign was not opened.
///
/// `Malformed` and `TooLarge` say only what the sender can see for itself, without any key.
/// Everything that depends on a key is `Rejected`, without a reason: a reason is an oracle
/// ([RFC 7516, section 11.5](https://www.rfc-editor.org/rfc/rfc7516#section-11.5)).
/// `Expired`, `NotYetValid` and `NotARecipient` are said only of what a verified signature covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    #[error("{0} is malformed")]
    Malformed(&'static str),
    #[error("{part} is larger than {limit}")]
    TooLarge { part: &'static str, limit: usize },
    #[error("rejected")]
    Rejected(Rejection),
    #[error("expired")]
    Expired,
    #[error("not valid yet")]
    NotYetValid,
    #[error("the key is not a recipient")]
    NotARecipient,
}

impl OpenError {
    /// For the log, never for the answer.
    #[must_use]
    pub fn detail(&self) -> Option<Detail> {
        match self {
            Self::Rejected(Rejection(detail)) => Some(*detail),
            _ => None,
        }
    }

    pub(crate) const fn rejected(detail: Detail) -> Self {
        Self::Rejected(Rejection(detail))
    }
}

/// Looks the same whatever the reason; see [`OpenError::detail`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejection(Detail);

/// The step that refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Detail {
    #[error("the signature, or the key or algorithm it claims")]
    Signature,
    #[error("the sender named in the manifest is not the signer")]
    Sender,
    #[error("no wrapped key for this recipient, or not the content key committed to")]
    ContentKey,
    #[error("the content belongs to another manifest")]
    ProtectedHeader,
    #[error("the content is not what was signed")]
    Digest,
    #[error("the content does not decrypt")]
    Ciphertext,
    #[error("a chunk was altered, moved, repeated or comes after the last")]
    Chunk,
    #[error("the stream ended before its last chunk")]
    Truncated,
    #[error("a key of another suite than the manifest's")]
    Suite,
    #[error("the key version is not readable")]
    KeyVersion,
}

/// Why something of ours was not sealed or signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("there are no recipients")]
    NoRecipients,
    #[error("there are more than {0} recipients")]
    TooManyRecipients(usize),
    #[error("a recipient is named twice")]
    DuplicateRecipient,
    #[error("the key is not for this use")]
    WrongKey,
    #[error("keys of the hybrid suite and others do not mix")]
    MixedSuites,
    #[error("`{0}` is not valid")]
    Invalid(&'static str),
    #[error("the recipients were changed {0} times, and cannot be once more")]
    AmendedTooOften(usize),
    #[error("the content is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the stream has already ended, or is too long")]
    StreamEnded,
    #[error(transparent)]
    Failed(#[from] Failed),
}
