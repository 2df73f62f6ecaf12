//! Why a keyring cannot be used.

use std::io;
use std::path::PathBuf;

use kernel::Fault;

use crate::reasons;

/// Says what to do; never holds a key or passphrase.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    #[error("not a keyring file")]
    NotAKeyring,
    #[error("not a backup of a keyring")]
    NotABackup,
    #[error("the keyring was written by a newer version (format {0})")]
    Format(u8),
    #[error("the file is damaged: torn or altered; restore the keyring from a backup")]
    Damaged,
    #[error("the passphrase or key file does not open this keyring")]
    WrongSecret,
    #[error("the keyring is sealed by a {sealed_by}, but settings name a {given}")]
    OtherSecret { sealed_by: &'static str, given: &'static str },
    #[error("the keyring asks for more work to open than allowed; it is damaged or hostile")]
    Cost,
    #[error("{}: no such keyring; restore it from a backup, or set `create = true` to begin an empty one", .0.display())]
    Missing(PathBuf),
    #[error("{}: there is a file already; backups are never overwritten", .0.display())]
    Exists(PathBuf),
    #[error("{}: locked by another process for too long", .0.display())]
    Locked(PathBuf),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the cryptographic library failed")]
    Crypto,
}

impl From<aws_lc_rs::error::Unspecified> for KeyringError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::Crypto
    }
}

impl From<KeyringError> for Fault {
    fn from(error: KeyringError) -> Self {
        let reason = match error {
            KeyringError::Locked(_) | KeyringError::Io { .. } => &reasons::KMS_UNAVAILABLE,
            _ => &reasons::KMS_MISCONFIGURED,
        };
        Self::new(reason).with_source(error)
    }
}
