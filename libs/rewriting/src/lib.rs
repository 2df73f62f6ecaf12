//! Documents through a policy, and back byte for byte.
//!
//! The values of a document are transformed as one text, so that one subject is one in all of
//! them, and each is written where it stood by the rules of its container. Placeholders and
//! tokens are found again in the values of any document. What they alone would not give back to
//! the byte (`\u00eb` for `ë`, a number that had to become a string, what kept its format) is
//! found by trying the way back at once, and kept as patches.

mod anonymize;
mod error;
mod form;
pub mod kept;
mod restore;

pub use anonymize::{Done, Made, Repeated, Work, make};
pub use error::{RestoreError, RewriteError};
pub use restore::{Patch, restore};
