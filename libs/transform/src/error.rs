//! What can go wrong. None of it holds a value.

use pii::EntityType;

/// The cryptographic library refused; it does not with keys and lengths of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a cryptographic operation failed")]
pub struct CryptoFailed;

/// A restored text would have more bytes than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the restored text is too long")]
pub struct TooLong;

/// The vault gave not one token for each value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is not one token for each value of the vault")]
pub struct Unissued;

/// Why an operator does not fit a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("has fewer than 1,000,000 possible values (NIST SP 800-38G rev. 1)")]
    TooSmall,
    #[error("has more letters and digits than can be encrypted in their format")]
    TooLong,
    #[error("holds letters or digits outside ASCII")]
    Alphabet,
    #[error("is not a date that can be read")]
    Date,
    #[error("is not one number")]
    Number,
    #[error("is not an address of a network")]
    Address,
    #[error("is not a pair of coordinates")]
    Coordinates,
    #[error("is no code that can be shortened")]
    Short,
    #[error("needs the subject, by which dates are shifted")]
    NoSubject,
    #[error("needs the current year, by which ages are told")]
    NoYear,
    #[error("needs the key of a conversation, by which placeholders are made")]
    NoConversation,
    #[error("is of a type that has no surrogates")]
    NoSurrogate,
}

/// Why an operator gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    Unfit(Unfit),
    Crypto,
}

impl From<Unfit> for Failure {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

impl From<CryptoFailed> for Failure {
    fn from(_: CryptoFailed) -> Self {
        Self::Crypto
    }
}

/// Why a text was not transformed. Nothing of it is given out then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransformError {
    #[error("finding {index} is out of order, overlaps another or is not a span of the text")]
    Finding { index: usize },
    #[error("finding {index} has a type that is no name")]
    TypeName { index: usize },
    #[error("finding {index} of type {entity} {why}")]
    Unfit { index: usize, entity: EntityType, why: Unfit },
    #[error("holds a placeholder that was given out before")]
    Placeholder,
    #[error(transparent)]
    Crypto(#[from] CryptoFailed),
}

/// Why a text was not restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    #[error("change {index} is out of order, overlaps another or is not a span of the text")]
    Change { index: usize },
    #[error("change {index} of type {entity} was made by {operator}, which cannot be undone")]
    Irreversible { index: usize, entity: EntityType, operator: &'static str },
    #[error("change {index} of type {entity} is in the token vault")]
    InVault { index: usize, entity: EntityType },
    #[error("change {index} of type {entity} is not what was made under these keys")]
    Rejected { index: usize, entity: EntityType },
    #[error(transparent)]
    Crypto(#[from] CryptoFailed),
}
