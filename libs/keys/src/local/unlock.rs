//! From a passphrase or key file to the key that opens the keyring.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use kernel::{Fault, Result};

use super::error::KeyringError;
use super::format::{Form, KeyringHeader, Lock, SealedBy};
use super::ring::Ring;
use crate::key::{KEY_LENGTH, PlaintextKey};
use crate::primitives;
use crate::secret_file::{read_key, read_text};

/// Shorter ones fall to guessing, whatever the KDF.
const MIN_PASSPHRASE: usize = 12;

/// What seals a keyring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyringSecret {
    /// A passphrase of at least 12 bytes in a file.
    PassphraseFile(PathBuf),
    /// 32 random bytes in a file.
    KeyFile(PathBuf),
}

/// Knows where the secret is, and keeps the root key of the last lock, since
/// argon2id is slow on purpose. The passphrase itself is not kept.
pub(super) struct Unlocker {
    secret: KeyringSecret,
    last: Mutex<Option<(Lock, Arc<PlaintextKey>)>>,
}

impl Unlocker {
    pub(super) fn new(secret: KeyringSecret) -> Self {
        Self { secret, last: Mutex::new(None) }
    }

    /// A lock for a new keyring, or one with a new secret.
    pub(super) fn new_lock(&self, form: Form) -> Result<Lock> {
        let sealed_by = match (&self.secret, form) {
            (KeyringSecret::PassphraseFile(_), Form::Keyring) => SealedBy::PASSPHRASE,
            (KeyringSecret::PassphraseFile(_), Form::Backup) => SealedBy::BACKUP,
            (KeyringSecret::KeyFile(_), _) => SealedBy::KeyFile,
        };
        let mut salt = [0; 16];
        primitives::fill_random(&mut salt).map_err(Fault::internal)?;
        Ok(Lock { sealed_by, salt })
    }

    /// Opens what was taken apart. A root key that does not open it is not
    /// kept: the right secret may yet be put in the file's place.
    pub(super) fn open(&self, header: &KeyringHeader<'_>) -> Result<Ring> {
        let opened = header.open(&*self.root(&header.lock)?);
        if matches!(opened, Err(KeyringError::WrongSecret)) {
            *self.last.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
        Ok(opened?)
    }

    pub(super) fn root(&self, lock: &Lock) -> Result<Arc<PlaintextKey>> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, root)) = &*last
            && known == lock
        {
            return Ok(root.clone());
        }
        let root = Arc::new(self.derive(lock)?);
        *last = Some((*lock, root.clone()));
        Ok(root)
    }

    fn derive(&self, lock: &Lock) -> Result<PlaintextKey> {
        match (&self.secret, lock.sealed_by) {
            (KeyringSecret::KeyFile(path), SealedBy::KeyFile) => Ok(read_key(path)?),
            (
                KeyringSecret::PassphraseFile(path),
                SealedBy::Passphrase { memory_kib, passes, lanes },
            ) => {
                let passphrase = read_text(path, MIN_PASSPHRASE)?;
                let params = Params::new(memory_kib, passes, lanes, Some(KEY_LENGTH))
                    .map_err(|_| KeyringError::Cost)?;
                let mut root = PlaintextKey::empty();
                Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
                    .hash_password_into(passphrase.as_bytes(), &lock.salt, root.bytes_mut())
                    .map_err(|_| KeyringError::Crypto)?;
                Ok(root)
            }
            (secret, sealed_by) => {
                let given = match secret {
                    KeyringSecret::PassphraseFile(_) => "passphrase_file",
                    KeyringSecret::KeyFile(_) => "key_file",
                };
                Err(KeyringError::OtherSecret { sealed_by: sealed_by.name(), given }.into())
            }
        }
    }
}
