//! What an operator does to a keyring: look, check, change its secret, back it
//! up, restore it. Everything here blocks on files and argon2id.

use std::path::{Path, PathBuf};

use kernel::{Result, SharedClock};

use super::file::KeyringFile;
use super::format::{self, Edition, Form, KeyringHeader};
use super::restore::{Current, RestorePlan};
use super::ring::Ring;
use super::unlock::{KeyringSecret, Unlocker};

/// What a keyring file says of itself without being opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub edition: Edition,
    /// "passphrase" or "key file".
    pub sealed_by: &'static str,
    /// Of argon2id: memory in KiB, passes, lanes.
    pub cost: Option<(u32, u32, u32)>,
    pub bytes: usize,
    /// A change was cut short and left a `.new`; the next change removes it.
    pub leftover: bool,
}

/// What an opened keyring or backup holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contents {
    pub edition: Edition,
    pub tenants: usize,
    pub versions: usize,
}

impl Contents {
    pub(super) fn of(ring: &Ring, edition: Edition) -> Self {
        Self { edition, tenants: ring.tenants(), versions: ring.keks().count() }
    }
}

/// A keyring file under an operator's hands. Services may be using it meanwhile.
pub struct Upkeep {
    file: KeyringFile,
    unlocker: Unlocker,
    clock: SharedClock,
}

impl Upkeep {
    pub fn new(path: &Path, secret: KeyringSecret, clock: SharedClock) -> Self {
        Self { file: KeyringFile::new(path), unlocker: Unlocker::new(secret), clock }
    }

    /// Needs no secret.
    pub fn status(path: &Path) -> Result<Status> {
        let file = KeyringFile::new(path);
        let (bytes, _) = file.read()?;
        let header = KeyringHeader::parse(&bytes)?;
        Ok(Status {
            edition: header.edition(),
            sealed_by: header.sealed_by(),
            cost: header.cost(),
            bytes: bytes.len(),
            leftover: file.has_leftover(),
        })
    }

    /// Opens the keyring and reads every key in it.
    pub fn verify(&self) -> Result<Contents> {
        self.open().map(|(ring, edition)| Contents::of(&ring, edition))
    }

    /// Opens a backup and reads every key in it.
    pub fn verify_backup(backup: &Path, passphrase_file: &Path) -> Result<Contents> {
        open_backup(backup, passphrase_file).map(|(ring, edition)| Contents::of(&ring, edition))
    }

    /// Seals the keyring by another secret: new salt, new root key, the same
    /// KEKs. Nothing that they wrapped is touched. A service that is running
    /// needs the new secret from now on.
    pub fn rekey(&self, secret: KeyringSecret) -> Result<Contents> {
        let _lock = self.file.lock()?;
        let (ring, edition) = self.open()?;
        let new = Unlocker::new(secret);
        write(&self.file, &new, &ring, edition.next(self.clock.now())?)?;
        let (ring, edition) = open(&self.file, &new, Form::Keyring)?;
        Ok(Contents::of(&ring, edition))
    }

    /// Writes a backup, sealed by a passphrase of its own, to a file that must
    /// not be there yet, and reads it back.
    pub fn backup(&self, to: &Path, passphrase_file: &Path) -> Result<Contents> {
        let (ring, edition) = self.open()?;
        let unlocker = for_backup(passphrase_file);
        let lock = unlocker.new_lock(Form::Backup)?;
        let root = unlocker.root(&lock)?;
        let bytes = format::seal(Form::Backup, &ring, &edition, (&lock, &root))?;
        let file = KeyringFile::new(to);
        file.create(&bytes)?;
        let (ring, edition) = open(&file, &unlocker, Form::Backup)?;
        Ok(Contents::of(&ring, edition))
    }

    /// What [`Self::restore`] would do, and to what.
    pub fn plan_restore(&self, backup: &Path, passphrase_file: &Path) -> Result<RestorePlan> {
        let (ring, edition) = open_backup(backup, passphrase_file)?;
        self.plan(&ring, edition)
    }

    /// Puts a backup in the keyring's place, sealed by this keyring's secret.
    /// Unless that harms nothing, or `force` is set, all is left as it is; the
    /// result says whether it was done.
    pub fn restore(
        &self,
        backup: &Path,
        passphrase_file: &Path,
        force: bool,
    ) -> Result<(RestorePlan, bool)> {
        let (ring, edition) = open_backup(backup, passphrase_file)?;
        let _lock = self.file.lock()?;
        let plan = self.plan(&ring, edition)?;
        if !plan.is_harmless() && !force {
            return Ok((plan, false));
        }
        let generation = edition.generation.max(plan.current.generation());
        let edition = Edition { generation, ..edition }.next(self.clock.now())?;
        write(&self.file, &self.unlocker, &ring, edition)?;
        self.open()?;
        Ok((plan, true))
    }

    fn plan(&self, ring: &Ring, edition: Edition) -> Result<RestorePlan> {
        self.file.check_directory()?;
        if !self.file.exists()? {
            return Ok(RestorePlan::onto_nothing(ring, edition));
        }
        Ok(match self.open() {
            Ok((current, of_current)) => {
                RestorePlan::compare((ring, edition), (&current, of_current))
            }
            Err(fault) => {
                let cause = std::error::Error::source(&fault).map(ToString::to_string);
                RestorePlan {
                    current: Current::Unreadable(cause.unwrap_or_else(|| fault.to_string())),
                    ..RestorePlan::onto_nothing(ring, edition)
                }
            }
        })
    }

    fn open(&self) -> Result<(Ring, Edition)> {
        open(&self.file, &self.unlocker, Form::Keyring)
    }
}

fn open(file: &KeyringFile, unlocker: &Unlocker, form: Form) -> Result<(Ring, Edition)> {
    let (bytes, _) = file.read()?;
    let header = KeyringHeader::parse_as(form, &bytes)?;
    Ok((unlocker.open(&header)?, header.edition()))
}

fn open_backup(backup: &Path, passphrase_file: &Path) -> Result<(Ring, Edition)> {
    open(&KeyringFile::new(backup), &for_backup(passphrase_file), Form::Backup)
}

fn for_backup(passphrase_file: &Path) -> Unlocker {
    Unlocker::new(KeyringSecret::PassphraseFile(PathBuf::from(passphrase_file)))
}

/// Under a new lock, so with a new salt and root key. Only under the file's lock.
fn write(file: &KeyringFile, unlocker: &Unlocker, ring: &Ring, edition: Edition) -> Result<()> {
    let lock = unlocker.new_lock(Form::Keyring)?;
    let root = unlocker.root(&lock)?;
    let bytes = format::seal(Form::Keyring, ring, &edition, (&lock, &root))?;
    // Tried before the old file is gone.
    KeyringHeader::parse(&bytes)?.open(&root)?;
    file.replace(&bytes)
}
