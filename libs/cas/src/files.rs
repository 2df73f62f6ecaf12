//! Writing to a directory of this machine.
//!
//! `object_store` reads, lists and deletes; writing is done here because its
//! files get the process's umask, and ours must be 0600 from their first byte.
//! A blob is written to `staging/`, synced, and hard-linked to its name, which
//! fails if the name exists: create-only, and never half visible.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use kernel::{Fault, Result};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use crate::blobs::Put;
use crate::reasons;

#[derive(Clone)]
pub(crate) struct Files {
    root: PathBuf,
}

impl Files {
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let misconfigured = |note: String| {
            Fault::new(&reasons::BLOB_STORE_MISCONFIGURED)
                .with_note(format!("{}: {note}", root.display()))
        };
        let at = |error: io::Error| misconfigured(error.to_string());
        let builder = || {
            let mut builder = DirBuilder::new();
            builder.recursive(true).mode(0o700);
            builder
        };
        builder().create(root).map_err(at)?;
        let mode = fs::metadata(root).map_err(at)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            let fix = format!("chmod 700 {}", root.display());
            return Err(misconfigured(format!("open to others (mode {mode:04o}): run `{fix}`")));
        }
        let files = Self { root: root.to_owned() };
        builder().create(files.blobs()).map_err(at)?;
        builder().create(files.staging()).map_err(at)?;
        files.clear_staging().map_err(at)?;
        Ok(files)
    }

    pub(crate) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    fn staging(&self) -> PathBuf {
        self.root.join("staging")
    }

    /// Removes what writers that died left behind. A living writer, of this or
    /// another process, holds a lock on its file.
    fn clear_staging(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.staging())? {
            let path = entry?.path();
            let abandoned = File::open(&path).is_ok_and(|file| file.try_lock().is_ok());
            if abandoned {
                fs::remove_file(&path).or_else(absent_is_fine)?;
            }
        }
        Ok(())
    }

    pub(crate) async fn stage(&self) -> Result<Staged> {
        let path = self.staging().join(Uuid::now_v7().to_string());
        blocking(move || {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
            let guard = Unlink(path);
            file.lock()?;
            Ok(Staged { file: file.into(), guard })
        })
        .await
    }

    /// Gives the staged file its name, durably.
    pub(crate) async fn publish(&self, mut staged: Staged, path: &str) -> Result<Put> {
        staged.file.flush().await.map_err(Fault::unavailable)?;
        let file = staged.file.into_std().await;
        let (blobs, target) = (self.blobs(), self.blobs().join(path));
        let guard = staged.guard;
        blocking(move || {
            file.sync_all()?;
            let linked = match fs::hard_link(&guard.0, &target) {
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    make_parents(&blobs, &target)?;
                    fs::hard_link(&guard.0, &target)
                }
                done => done,
            };
            let put = match linked {
                Ok(()) => Put::Created,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Put::Existed,
                Err(error) => return Err(error),
            };
            // For the loser of a race too: it may answer before the winner has synced.
            sync_parent(&target)?;
            Ok(put)
        })
        .await
    }

    /// Whether a file can be made and removed here.
    pub(crate) async fn probe(&self) -> Result<()> {
        self.stage().await.map(drop)
    }
}

/// A file under way; removed when dropped, whether or not it got a name.
pub(crate) struct Staged {
    file: tokio::fs::File,
    guard: Unlink,
}

impl Staged {
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).await.map_err(Fault::unavailable)
    }
}

struct Unlink(PathBuf);

impl Drop for Unlink {
    fn drop(&mut self) {
        // What stays is removed at the next start.
        let _ = fs::remove_file(&self.0);
    }
}

fn make_parents(blobs: &Path, target: &Path) -> io::Result<()> {
    let Some(parent) = target.parent().filter(|parent| *parent != blobs) else { return Ok(()) };
    match DirBuilder::new().mode(0o700).create(parent) {
        Ok(()) => sync_parent(parent),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => sync_parent(parent),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make_parents(blobs, parent)?;
            make_parents(blobs, target)
        }
        Err(error) => Err(error),
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

fn absent_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Fault::internal)?.map_err(Fault::unavailable)
}
