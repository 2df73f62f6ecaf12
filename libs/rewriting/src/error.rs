//! What can go wrong. Nothing is given out then, and none of it holds a value.

use documents::{Broken, Malformed};
use pii::TooMuch;
use transform::TransformError;

/// Why a document was not transformed.
#[derive(Debug, thiserror::Error)]
pub enum RewriteError {
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error(transparent)]
    TooMuch(#[from] TooMuch),
    #[error(transparent)]
    Transform(#[from] TransformError),
    #[error(transparent)]
    Broken(#[from] Broken),
}

/// Why a document was not restored.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError<E> {
    #[error(transparent)]
    Malformed(Malformed),
    /// A patch does not lie in the document.
    #[error("patch {index} is out of order, overlaps another or is not a span of the document")]
    Patch { index: usize },
    /// What opens its values has failed.
    #[error(transparent)]
    Opening(E),
}
