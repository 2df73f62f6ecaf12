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

    /// The whole file, which must be private to its owner and in a directory
    /// where nobody else can replace it.
    pub(super) fn read(&self) -> Result<(Vec<u8>, Stamp)> {
        let parent = directory(&self.path);
        let metadata = fs::metadata(parent).map_err(|source| self.io(source))?;
        check_mode(parent, &metadata, 0o022, "go-w")?;
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

    /// Replaces the file. After a crash at any point there is the old file or
    /// the new one, whole. Only under the lock.
    pub(super) fn replace(&self, bytes: &[u8]) -> Result<()> {
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
            file.sync_all()?;
            fs::rename(&staged, &self.path)?;
            sync_directory(&self.path)
        };
        Ok(write().map_err(|source| self.io(source))?)
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
