//! Why an envelope was refused: for the log and the audit trail, never for the
//! answer, which is the same for all of them.

use crypto::{Detail, OpenError};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    Malformed,
    SenderUnknown,
    SenderDisabled,
    AmenderUnknown,
    AmenderDisabled,
    /// Not a recipient's.
    Amender,
    Signature,
    Suite,
    Tenant,
    Lifetime,
    NotYetValid,
    Expired,
    RecipientUnknown,
    RecipientDisabled,
    NotARecipient,
    Purpose,
    ContentKey,
    Content,
    Replay,
}

impl Cause {
    /// A fixed word: an attribute of the event and a label of the metric.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::SenderUnknown => "sender_unknown",
            Self::SenderDisabled => "sender_disabled",
            Self::AmenderUnknown => "amender_unknown",
            Self::AmenderDisabled => "amender_disabled",
            Self::Amender => "amender",
            Self::Signature => "signature",
            Self::Suite => "suite",
            Self::Tenant => "tenant",
            Self::Lifetime => "lifetime",
            Self::NotYetValid => "not_yet_valid",
            Self::Expired => "expired",
            Self::RecipientUnknown => "recipient_unknown",
            Self::RecipientDisabled => "recipient_disabled",
            Self::NotARecipient => "not_a_recipient",
            Self::Purpose => "purpose",
            Self::ContentKey => "content_key",
            Self::Content => "content",
            Self::Replay => "replay",
        }
    }
}

impl From<OpenError> for Cause {
    fn from(error: OpenError) -> Self {
        match (error, error.detail()) {
            (OpenError::Expired, _) => Self::Expired,
            (OpenError::NotYetValid, _) => Self::NotYetValid,
            (OpenError::NotARecipient, _) => Self::NotARecipient,
            (_, Some(Detail::Signature | Detail::Sender)) => Self::Signature,
            (_, Some(Detail::Suite)) => Self::Suite,
            (_, Some(Detail::ContentKey)) => Self::ContentKey,
            (_, Some(_)) => Self::Content,
            (_, None) => Self::Malformed,
        }
    }
}
