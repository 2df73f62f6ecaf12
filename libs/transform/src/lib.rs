//! What becomes of personal data that was found: operators, and the policies that choose them.
//!
//! A pure library: a text, its findings, a [`Policy`] and a tenant's [`Keys`] in, a text out. No
//! I/O, no clock, no randomness: the same input has the same output. `docs/operators.md` says
//! what each operator protects against, and what not.

mod bucket;
mod dates;
mod error;
mod ff1;
mod fitting;
mod format;
mod generalize;
mod hash;
mod keys;
mod mask;
mod operator;
mod policy;
mod restore;
mod seal;
mod surrogate;
mod token_stream;
mod transform;
mod vault;

pub use bucket::Bucket;
pub use error::{CryptoFailed, RestoreError, TooLong, TransformError, Unfit, Unissued};
pub use fitting::Fitting;
pub use generalize::Generalize;
pub use hash::Hash;
pub use keys::{KEY_LEN, Keys};
pub use mask::{Mask, masked};
pub use operator::{Operator, Otherwise};
pub use policy::{Comparison, Policy, PolicyError, READY, Rule, TypeChange, compare};
pub use restore::{Restored, Restorer, holds_token};
pub use token_stream::TokenStream;
pub use transform::{Change, Context, Transformed, Transformer};
pub use vault::{Opened, Pending, TOKEN_LEN, TokenId, read_token, vault_tokens, written};
