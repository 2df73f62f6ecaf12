//! What may become of a finding.

use crate::bucket::Bucket;
use crate::generalize::Generalize;
use crate::hash::Hash;
use crate::mask::Mask;

/// What becomes of a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// It stays as it is.
    Keep,
    /// A short token that the text's own mapping turns back.
    Placeholder,
    /// Nothing is left.
    Redact,
    /// Always this text; the type in angle brackets when absent.
    Replace {
        with: Option<String>,
    },
    Mask(Mask),
    Hash(Hash),
    /// A token that only the tenant's key opens.
    Encrypt,
    /// A token that names what a vault keeps, for so many seconds.
    Tokenize {
        ttl_seconds: Option<u32>,
    },
    /// Other letters and digits in the same places, which the tenant's key turns back.
    FormatPreserving,
    /// Another day, so many days away at most; the same distance for all dates of a subject.
    DateShift {
        days: u32,
    },
    Bucket(Bucket),
    Generalize(Generalize),
    /// A made-up value of the same kind.
    Surrogate,
}

/// What becomes of a value that its operator does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// The whole text is refused.
    Refuse,
    /// Another operator, one that fits every value.
    Use(Operator),
}

impl Operator {
    /// Its name in policies.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Placeholder => "placeholder",
            Self::Redact => "redact",
            Self::Replace { .. } => "replace",
            Self::Mask(_) => "mask",
            Self::Hash(_) => "hash",
            Self::Encrypt => "encrypt",
            Self::Tokenize { .. } => "tokenize",
            Self::FormatPreserving => "format_preserving",
            Self::DateShift { .. } => "date_shift",
            Self::Bucket(_) => "bucket",
            Self::Generalize(_) => "generalize",
            Self::Surrogate => "surrogate",
        }
    }

    /// Whether the original can be had back: with the keys, with the text's mapping, or from the
    /// vault for as long as it keeps it.
    #[must_use]
    pub const fn is_reversible(&self) -> bool {
        matches!(
            self,
            Self::Keep
                | Self::Placeholder
                | Self::Encrypt
                | Self::Tokenize { .. }
                | Self::FormatPreserving
        )
    }

    /// Whether what it gives depends on the tenant's keys.
    #[must_use]
    pub const fn is_keyed(&self) -> bool {
        matches!(
            self,
            Self::Hash(_)
                | Self::Encrypt
                | Self::Tokenize { .. }
                | Self::FormatPreserving
                | Self::DateShift { .. }
                | Self::Surrogate
        )
    }

    /// Whether it gives something for every value; the others need an [`Otherwise`].
    #[must_use]
    pub const fn fits_all(&self) -> bool {
        matches!(
            self,
            Self::Keep
                | Self::Placeholder
                | Self::Redact
                | Self::Replace { .. }
                | Self::Mask(_)
                | Self::Hash(_)
                | Self::Encrypt
                | Self::Tokenize { .. }
        )
    }

    /// What becomes of a value that this operator does not fit, unless the policy says.
    ///
    /// Who asked for the original's format gets it or nothing; for the others less is better
    /// than a text that does not come.
    #[must_use]
    pub const fn otherwise(&self) -> Otherwise {
        match self {
            Self::FormatPreserving | Self::Placeholder => Otherwise::Refuse,
            _ => Otherwise::Use(Self::Replace { with: None }),
        }
    }
}
