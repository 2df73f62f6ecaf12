//! KEKs in a keyring file: for one machine, with nothing else to run.
//!
//! The file is sealed by a passphrase (argon2id) or by a 32-byte key file.
//! Processes may share it: changes are made under a lock, on the newest content.

mod error;
mod file;
mod format;
mod provider;
mod restore;
mod ring;
mod unlock;
mod upkeep;

pub use error::KeyringError;
pub use format::{Edition, KeyringHeader};
pub use provider::{LocalKms, LocalSettings};
pub use restore::{Current, RestorePlan};
pub use ring::Kek;
pub use unlock::KeyringSecret;
pub use upkeep::{Contents, Status, Upkeep};
