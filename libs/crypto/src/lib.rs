//! Sealing, signing and encryption at rest. Pure: no I/O, no clock of its own,
//! no knowledge of who may do what.
//!
//! * [`envelope`]: content for several recipients, and the signed manifest that
//!   lets its key be released without the content.
//! * [`nested`]: one plain token, a signature over a JWE, for clients that know only that.
//! * [`jwe`]: one text for one recipient, unsigned.
//! * [`proof`]: that somebody has a key.
//! * [`stream`]: sealed streams, whose key travels in an envelope.
//! * [`field`] and [`chunked`]: columns and blobs at rest.
//! * [`key`]: the keys for all of it; [`algorithm`]: what they are good for.
//! * [`provider`]: the primitives, behind traits.
//!
//! No type that holds a key or a plaintext can be printed.

pub mod algorithm;
pub mod chunked;
pub mod encoding;
pub mod envelope;
pub mod field;
pub mod jwe;
pub mod key;
pub mod nested;
pub mod proof;
pub mod provider;
pub mod statement;
pub mod stream;

mod chunk_cipher;
mod der;
mod error;
mod jose;
mod jwk;
mod limits;
mod pem;
mod pkcs8;

pub use algorithm::{KeyAlgorithm, KeyUse, Suite};
pub use error::{Detail, OpenError, SealError};
pub use jwk::key_set;
pub use key::{KeyError, PrivateKey, PublicKey};
pub use limits::Limits;
