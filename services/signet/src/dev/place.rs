//! The one directory that holds everything.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use kernel::{Fault, Result};

/// Longest name of a socket below the folder of sockets.
const SOCKET_NAME: usize = "/anonymizer.admin.sock".len();

/// Made by the first start that succeeds.
const STARTED: &str = "started";

/// The data directory, private and locked to one process.
pub struct Place {
    root: PathBuf,
    sockets: PathBuf,
    _lock: File,
}

impl Place {
    pub fn open(root: &Path) -> Result<Self> {
        private(root)?;
        let root = root.canonicalize().map_err(Fault::internal)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(root.join("lock"))
            .map_err(Fault::internal)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => Fault::internal(format!(
                "{} is in use by another signet; choose another --data",
                root.display()
            )),
            TryLockError::Error(error) => Fault::internal(error),
        })?;
        let sockets = sockets(&root)?;
        Ok(Self { root, sockets, _lock: lock })
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// A private folder, made if need be.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.root.join(name);
        private(&path)?;
        Ok(path)
    }

    /// Whether a start in this place has ever succeeded.
    pub fn has_started(&self) -> bool {
        self.path(STARTED).exists()
    }

    pub fn set_started(&self) -> Result<()> {
        File::create(self.path(STARTED)).map(drop).map_err(Fault::internal)
    }

    /// Where the Unix sockets are.
    pub fn sockets(&self) -> &Path {
        &self.sockets
    }
}

/// Unix sockets have short paths only: below a deep directory they go elsewhere,
/// into a folder named after it.
fn sockets(root: &Path) -> Result<PathBuf> {
    let near = root.join("run");
    if near.as_os_str().len() + SOCKET_NAME <= rpc::LONGEST_SOCKET_PATH {
        private(&near)?;
        return Ok(near);
    }
    let digest =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, root.as_os_str().as_encoded_bytes());
    let name: String = digest.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let base = std::env::var_os("XDG_RUNTIME_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let far = base.join(format!("signet-{name}"));
    private(&far)?;
    Ok(far)
}

/// Makes a folder that only we can enter; one that others can enter is refused.
fn private(path: &Path) -> Result<()> {
    use std::os::unix::fs::MetadataExt as _;
    let about = |error: std::io::Error| Fault::internal(format!("{}: {error}", path.display()));
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(about)?;
    let mode = fs::metadata(path).map_err(about)?.mode();
    if mode & 0o077 != 0 {
        let shown = path.display();
        return Err(Fault::internal(format!(
            "{shown} is open to other users; run: chmod 700 {shown}"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_place_is_private_and_for_one() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("data");
        let place = Place::open(&root).unwrap();
        assert_eq!(fs::metadata(&root).unwrap().permissions().mode() & 0o777, 0o700);
        assert!(format!("{:?}", Place::open(&root).err().unwrap()).contains("in use"));
        drop(place);
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(format!("{:?}", Place::open(&root).err().unwrap()).contains("chmod 700"));
    }

    #[test]
    fn sockets_of_a_deep_place_have_short_paths() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("d".repeat(120));
        let place = Place::open(&deep).unwrap();
        assert!(
            place.sockets().join("anonymizer.admin.sock").as_os_str().len()
                <= rpc::LONGEST_SOCKET_PATH
        );
        fs::remove_dir(place.sockets()).unwrap();
    }
}
