//! From a passphrase or key file to the key that opens the keyring.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use kernel::{Fault, Result};

use super::error::KeyringError;
use super::format::{Lock, SealedBy};
use crate::key::{KEY_LENGTH, PlaintextKey};
use crate::primitives;
use crate::secret_file::{read_key, read_text};

/// Shorter ones fall to guessing, whatever the KDF.
const MIN_PASSPHRASE: usize = 12;

pub(super) enum Secret {
    PassphraseFile(PathBuf),
    KeyFile(PathBuf),
}

/// Knows where the secret is, and keeps the root key of the last lock, since
/// argon2id is slow on purpose. The passphrase itself is not kept.
pub(super) struct Unlocker {
    secret: Secret,
    last: Mutex<Option<(Lock, Arc<PlaintextKey>)>>,
}

impl Unlocker {
    pub(super) fn new(secret: Secret) -> Self {
        Self { secret, last: Mutex::new(None) }
    }

    /// A lock for a new keyring.
    pub(super) fn new_lock(&self) -> Result<Lock> {
        let sealed_by = match self.secret {
            Secret::PassphraseFile(_) => SealedBy::PASSPHRASE,
            Secret::KeyFile(_) => SealedBy::KeyFile,
        };
        let mut salt = [0; 16];
        primitives::fill_random(&mut salt).map_err(Fault::internal)?;
        Ok(Lock { sealed_by, salt })
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
            (Secret::KeyFile(path), SealedBy::KeyFile) => Ok(read_key(path)?),
            (Secret::PassphraseFile(path), SealedBy::Passphrase { memory_kib, passes, lanes }) => {
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
                    Secret::PassphraseFile(_) => "passphrase_file",
                    Secret::KeyFile(_) => "key_file",
                };
                Err(KeyringError::OtherSecret { sealed_by: sealed_by.name(), given }.into())
            }
        }
    }
}
