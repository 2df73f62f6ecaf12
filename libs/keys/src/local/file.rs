//! The keyring on the disk: read, replace atomically, lock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use kernel::Result;

use super::error::KeyringError;
use crate::secret_file::{check_mode, directory, sync_directory};

/// Room for about half a million key versions.
const MAX: u64 = 32 * 1024 * 1024;
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Tells whether a file was replaced: a rename brings another inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    modified: (i64, i64),
    length: u64,
}

pub(super) struct KeyringFile {
    path: PathBuf,
}

impl KeyringFile {
    pub(super) fn new(path: &Path) -> Self {
        Self { path: path.to_owned() }
    }

    pub(super) fn exists(&self) -> Result<bool> {
        Ok(self.path.try_exists().map_err(|source| self.io(source))?)
    }

    pub(super) fn stamp(&self) -> Result<Stamp> {
        let metadata = fs::metadata(&self.path).map_err(|source| self.io(source))?;
        Ok(Self::stamp_of(&metadata))
    }

    fn stamp_of(metadata: &fs::Metadata) -> Stamp {
        Stamp {
            inode: metadata.ino(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            length: metadata.len(),
        }
    }

    /// Nobody else may be able to replace the file.
    pub(super) fn check_directory(&self) -> Result<()> {
        let parent = directory(&self.path);
        let metadata = fs::metadata(parent).map_err(|source| self.io(source))?;
        Ok(check_mode(parent, &metadata, 0o022, "go-w")?)
    }

    /// The whole file, which must be private to its owner.
    pub(super) fn read(&self) -> Result<(Vec<u8>, Stamp)> {
        self.check_directory()?;
        let file = File::open(&self.path).map_err(|source| self.io(source))?;
        let metadata = file.metadata().map_err(|source| self.io(source))?;
        check_mode(&self.path, &metadata, 0o077, "600")?;
        let mut bytes = Vec::new();
        file.take(MAX + 1).read_to_end(&mut bytes).map_err(|source| self.io(source))?;
        if bytes.len() as u64 > MAX {
            return Err(KeyringError::Damaged.into());
        }
        Ok((bytes, Self::stamp_of(&metadata)))
    }

    /// Writes a file that must not be there yet: whole, or (after a crash) not
    /// at all under this name.
    pub(super) fn create(&self, bytes: &[u8]) -> Result<()> {
        let staged = self.stage(bytes)?;
        let link = || {
            // Fails for a name that is taken, unlike renaming.
            let linked = fs::hard_link(&staged, &self.path);
            fs::remove_file(&staged)?;
            linked?;
            sync_directory(&self.path)
        };
        link().map_err(|source| match source.kind() {
            ErrorKind::AlreadyExists => KeyringError::Exists(self.path.clone()).into(),
            _ => self.io(source).into(),
        })
    }

    /// Whether a change was cut short; the next one tidies up.
    pub(super) fn has_leftover(&self) -> bool {
        fs::symlink_metadata(self.beside(".new")).is_ok()
    }

    /// Replaces the file. After a crash at any point there is the old file or
    /// the new one, whole. Only under the lock.
    pub(super) fn replace(&self, bytes: &[u8]) -> Result<()> {
        let staged = self.stage(bytes)?;
        let rename = || {
            fs::rename(&staged, &self.path)?;
            sync_directory(&self.path)
        };
        Ok(rename().map_err(|source| self.io(source))?)
    }

    /// A durable file beside the one that it is to become.
    fn stage(&self, bytes: &[u8]) -> Result<PathBuf> {
        let staged = self.beside(".new");
        let write = || {
            // A staged file is left by a crash only: nobody else is in here.
            match fs::remove_file(&staged) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(&staged)?;
            file.write_all(bytes)?;
            file.sync_all()
        };
        write().map_err(|source| KeyringError::Io { path: staged.clone(), source })?;
        Ok(staged)
    }

    /// Waits for the lock (5 seconds at most); it ends when the file is dropped,
    /// or with the process. A file of its own, since the keyring is replaced.
    pub(super) fn lock(&self) -> Result<File> {
        let path = self.beside(".lock");
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(|source| KeyringError::Io { path: path.clone(), source })?;
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
                Err(TryLockError::Error(source)) => {
                    return Err(KeyringError::Io { path, source }.into());
                }
            }
        }
        Err(KeyringError::Locked(path).into())
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(suffix);
        name.into()
    }

    fn io(&self, source: io::Error) -> KeyringError {
        let path = self.path.clone();
        match source.kind() {
            ErrorKind::NotFound => KeyringError::Missing(path),
            _ => KeyringError::Io { path, source },
        }
    }
}
