//! What the vault keeps.

use kernel::Timestamp;
use transform::TokenId;

/// A blind index.
pub type Lookup = [u8; datakeys::fields::INDEX];

/// A value for the vault, under a token that nobody has yet.
pub struct NewToken {
    pub token: TokenId,
    pub lookup: Lookup,
    pub subject: Lookup,
    pub entity: String,
    /// Encrypted.
    pub value: Vec<u8>,
    pub expires: Option<Timestamp>,
}

/// A value that the vault keeps.
pub struct KeptToken {
    pub token: TokenId,
    pub entity: String,
    /// Encrypted.
    pub value: Vec<u8>,
}
