//! KEKs in a keyring file: for one machine, with nothing else to run.
//!
//! The file is sealed by a passphrase (argon2id) or by a 32-byte key file.
//! Processes may share it: changes are made under a lock, on the newest content.

mod error;
mod file;
mod format;
mod provider;
mod ring;
mod unlock;

pub use error::KeyringError;
pub use format::KeyringHeader;
pub use provider::{LocalKms, LocalSettings};
