//! Keys as they were a moment ago, and how to go on when that was too long.

use kernel::Fault;

use crate::application::envelopes::refusal::Refusal;
use crate::domain::Cause;

/// Where keys are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// In the caches first. Good enough to begin with: what is decided by it is
    /// confirmed in the transaction of its record.
    Known,
    /// At the source; and what is known of them is forgotten, having misled.
    Again,
    /// At the source.
    Source,
}

/// What is known may be behind once; what is fresh only loses races.
pub(crate) const ATTEMPTS: [Reading; 4] =
    [Reading::Known, Reading::Again, Reading::Again, Reading::Again];

/// Whether to decide anew: the record found the keys changed, or a newer state of
/// one might lift the refusal.
pub(crate) fn decide_again(reading: Reading, refusal: &Refusal) -> bool {
    match refusal {
        Refusal::Overtaken => true,
        Refusal::Rejected(cause) => reading == Reading::Known && of_keys(*cause),
        Refusal::Fault(_) => false,
    }
}

/// After the last attempt.
pub(crate) fn never_settled() -> Fault {
    Fault::unavailable("the keys of an envelope change all the time")
}

/// Causes that lie in what is known of keys.
const fn of_keys(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::SenderUnknown
            | Cause::SenderDisabled
            | Cause::AmenderUnknown
            | Cause::AmenderDisabled
            | Cause::Amender
            | Cause::RecipientUnknown
            | Cause::RecipientDisabled
            | Cause::NotARecipient
    )
}
