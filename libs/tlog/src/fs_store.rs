//! A log in a directory, laid out as it is served: `checkpoint` and `tile/…`.
//!
//! A file comes into being by writing it under `.tmp`, syncing it, renaming it to
//! its place and syncing the directory. One process at a time may write, held off
//! by a lock on `.lock` that ends with the process.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::store::{StoreError, TileSource, TileStore};
use crate::tile::TileId;

const CHECKPOINT: &str = "checkpoint";
const LOCK: &str = ".lock";
const TEMPORARY: &str = ".tmp";

/// When to forget which directories are known to be durable; only saves memory.
const MAX_REMEMBERED_DIRS: usize = 4096;

fn failed(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    let path = path.display().to_string();
    move |source| StoreError::Io { action, path, source }
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed("cannot read", path)(error)),
    }
}

/// A log in a directory, to read only. Needs no lock: what is there is complete.
#[derive(Debug, Clone)]
pub struct FsReader {
    root: PathBuf,
}

impl FsReader {
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    fn path_of(&self, id: TileId) -> PathBuf {
        self.root.join(id.to_string())
    }
}

impl TileSource for FsReader {
    fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>, StoreError> {
        read_if_there(&self.path_of(id))
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, StoreError> {
        read_if_there(&self.root.join(CHECKPOINT))
    }
}

/// A log in a directory, to write.
#[derive(Debug)]
pub struct FsStore {
    reader: FsReader,
    /// Held for as long as the store lives.
    _lock: File,
    /// Directories whose own entry in their parent this process has synced.
    durable_dirs: Mutex<HashSet<PathBuf>>,
}

impl FsStore {
    /// Opens the directory, creating it if need be, and locks it.
    pub fn open(root: impl Into<PathBuf>) -> Result<Self, StoreError> {
        let root = root.into();
        fs::create_dir_all(&root).map_err(failed("cannot create", &root))?;
        let lock_path = root.join(LOCK);
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock_path)
            .map_err(failed("cannot open", &lock_path))?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => StoreError::Locked,
            TryLockError::Error(source) => failed("cannot lock", &lock_path)(source),
        })?;
        // Whatever a crash left half written.
        let temporary = root.join(TEMPORARY);
        if temporary.exists() {
            fs::remove_dir_all(&temporary).map_err(failed("cannot clear", &temporary))?;
        }
        fs::create_dir(&temporary).map_err(failed("cannot create", &temporary))?;
        Ok(Self { reader: FsReader::new(root), _lock: lock, durable_dirs: Mutex::default() })
    }

    fn write(&self, path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
        // One writer at a time, so one name is enough.
        let temporary = self.reader.root.join(TEMPORARY).join("next");
        File::create(&temporary)
            .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()))
            .map_err(failed("cannot write", &temporary))?;
        fs::rename(&temporary, path).map_err(failed("cannot rename to", path))
    }

    /// Makes a directory under the root, and its place in each parent, durable.
    fn ensure_dir(&self, dir: &Path, durable: &mut HashSet<PathBuf>) -> Result<(), StoreError> {
        if dir == self.reader.root || durable.contains(dir) {
            return Ok(());
        }
        let Some(parent) = dir.parent() else { return Ok(()) };
        self.ensure_dir(parent, durable)?;
        match fs::create_dir(dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(failed("cannot create", dir)(error));
            }
            // It may exist since before a crash without being durable.
            _ => sync_dir(parent)?,
        }
        if durable.len() >= MAX_REMEMBERED_DIRS {
            durable.clear();
        }
        durable.insert(dir.to_owned());
        Ok(())
    }
}

fn sync_dir(dir: &Path) -> Result<(), StoreError> {
    File::open(dir).and_then(|file| file.sync_all()).map_err(failed("cannot sync", dir))
}

impl TileSource for FsStore {
    fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>, StoreError> {
        self.reader.tile(id)
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.reader.checkpoint()
    }
}

impl TileStore for FsStore {
    fn create_tile(&self, id: TileId, bytes: &[u8]) -> Result<(), StoreError> {
        // Also keeps two threads from writing the same temporary file.
        let mut durable = self.durable_dirs.lock().unwrap_or_else(PoisonError::into_inner);
        let path = self.reader.path_of(id);
        let dir = path.parent().unwrap_or(&self.reader.root);
        self.ensure_dir(dir, &mut durable)?;
        match read_if_there(&path)? {
            Some(stored) if stored != bytes => return Err(StoreError::Conflict(id)),
            Some(_) => {}
            None => self.write(&path, bytes)?,
        }
        sync_dir(dir)
    }

    fn replace_checkpoint(&self, note: &[u8]) -> Result<(), StoreError> {
        let _one_writer = self.durable_dirs.lock().unwrap_or_else(PoisonError::into_inner);
        self.write(&self.reader.root.join(CHECKPOINT), note)?;
        sync_dir(&self.reader.root)
    }

    fn remove_partials(&self, id: TileId) -> Result<(), StoreError> {
        let mut durable = self.durable_dirs.lock().unwrap_or_else(PoisonError::into_inner);
        let mut name = self.reader.path_of(id.to_full()).into_os_string();
        name.push(".p");
        let dir = PathBuf::from(name);
        durable.remove(&dir);
        match fs::remove_dir_all(&dir) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(failed("cannot remove", &dir)(error))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tile::TileKind;

    fn bundle(width: u16) -> TileId {
        TileId::new(TileKind::Entries, 1_234_067, width).unwrap()
    }

    #[test]
    fn files_lie_where_they_are_served() {
        let dir = tempfile::tempdir().unwrap();
        let store = FsStore::open(dir.path().join("log")).unwrap();
        assert_eq!(store.tile(bundle(1)).unwrap(), None);
        assert_eq!(store.checkpoint().unwrap(), None);
        store.create_tile(bundle(1), b"\0\x01a").unwrap();
        store.create_tile(bundle(1), b"\0\x01a").unwrap();
        store.create_tile(bundle(256), b"full").unwrap();
        store.replace_checkpoint(b"one").unwrap();
        store.replace_checkpoint(b"two").unwrap();
        let tile = dir.path().join("log/tile/entries/x001/x234/067.p/1");
        assert_eq!(fs::read(&tile).unwrap(), b"\0\x01a");
        assert_eq!(fs::read(dir.path().join("log/checkpoint")).unwrap(), b"two");
        store.remove_partials(bundle(256)).unwrap();
        store.remove_partials(bundle(256)).unwrap();
        assert!(!tile.exists());
        store.create_tile(bundle(2), b"again").unwrap();
        assert_eq!(
            FsReader::new(dir.path().join("log")).tile(bundle(256)).unwrap().unwrap(),
            b"full"
        );
    }

    #[test]
    fn other_content_is_never_written_over() {
        let dir = tempfile::tempdir().unwrap();
        let store = FsStore::open(dir.path()).unwrap();
        store.create_tile(bundle(1), b"\0\x01a").unwrap();
        let again = store.create_tile(bundle(1), b"\0\x01b");
        assert!(matches!(again, Err(StoreError::Conflict(id)) if id == bundle(1)));
        assert_eq!(store.tile(bundle(1)).unwrap().unwrap(), b"\0\x01a");
    }

    #[test]
    fn one_writer_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let store = FsStore::open(dir.path()).unwrap();
        assert!(matches!(FsStore::open(dir.path()), Err(StoreError::Locked)));
        drop(store);
        fs::write(dir.path().join(".tmp/next"), b"left behind").unwrap();
        FsStore::open(dir.path()).unwrap();
        assert!(!dir.path().join(".tmp/next").exists());
    }

    #[test]
    fn errors_name_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let store = FsStore::open(dir.path()).unwrap();
        fs::write(dir.path().join("tile"), b"a file in the way").unwrap();
        let error = store.create_tile(bundle(1), b"x").unwrap_err();
        assert!(
            matches!(error, StoreError::Io { ref path, .. } if path.contains("tile")),
            "{error}"
        );
    }
}
