//! Files that nobody else may read.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::problem::{Problem, Result};

/// Makes a folder that only we can enter.
pub fn folder(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| Problem::file(path, error))
}

/// Writes a file with mode 0600, whole or not at all.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let about = |error| Problem::file(path, error);
    let temporary = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&temporary)
        .map_err(about)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(about)?;
    fs::rename(&temporary, path).map_err(about)
}

/// Reads a file, if it is there. One that others may read is refused: what it
/// holds may be known to them.
pub fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>> {
    let mode = match fs::metadata(path) {
        Ok(metadata) => metadata.mode(),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Problem::file(path, error)),
    };
    if mode & 0o077 != 0 {
        let shown = path.display();
        return Err(Problem::new(format_args!("{shown} is open to other users"))
            .help(format!("If nobody has read it, run: chmod 600 {shown}")));
    }
    fs::read(path)
        .map(|bytes| Some(Zeroizing::new(bytes)))
        .map_err(|error| Problem::file(path, error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_written_is_private_and_what_is_not_is_refused() {
        let place = tempfile::tempdir().unwrap();
        let inner = place.path().join("a/b");
        folder(&inner).unwrap();
        assert_eq!(fs::metadata(&inner).unwrap().mode() & 0o777, 0o700);
        let path = inner.join("token");
        assert!(read(&path).unwrap().is_none());
        write(&path, b"one").unwrap();
        write(&path, b"two").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(read(&path).unwrap().unwrap().as_slice(), b"two");
        assert_eq!(fs::read_dir(&inner).unwrap().count(), 1);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let told = read(&path).err().unwrap().to_string();
        assert!(told.contains("chmod 600"), "{told}");
    }
}
