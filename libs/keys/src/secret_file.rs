//! Files that hold a secret: who may read them, and how they are made.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use kernel::{Fault, Result};
use zeroize::Zeroizing;

use crate::key::{KEY_LENGTH, PlaintextKey};
use crate::{primitives, reasons};

/// No secret of ours is longer.
const MAX: u64 = 64 * 1024;

/// Why a file cannot serve as a secret. Says what to do, never what is inside.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SecretFileError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{}: open to others (mode {mode:04o}): run `chmod {remedy} {}`", path.display(), path.display())]
    Permissions { path: PathBuf, mode: u32, remedy: &'static str },
    #[error("{}: must be text of {min} to 4096 bytes", path.display())]
    Text { path: PathBuf, min: usize },
    #[error("{}: must have exactly 32 bytes; `head -c 32 /dev/urandom` makes them", path.display())]
    Key { path: PathBuf },
}

impl From<SecretFileError> for Fault {
    fn from(error: SecretFileError) -> Self {
        Self::new(&reasons::KMS_MISCONFIGURED).with_source(error)
    }
}

/// Refuses a file on which `forbidden` permission bits are set.
pub(crate) fn check_mode(
    path: &Path,
    metadata: &fs::Metadata,
    forbidden: u32,
    remedy: &'static str,
) -> Result<(), SecretFileError> {
    let mode = metadata.permissions().mode() & 0o777;
    if mode & forbidden == 0 {
        return Ok(());
    }
    Err(SecretFileError::Permissions { path: path.to_owned(), mode, remedy })
}

/// The group may read: that is how Kubernetes hands secrets to a user that is not root.
pub(crate) fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
    read_unless(path, 0o037, "640")
}

fn read_unless(
    path: &Path,
    forbidden: u32,
    remedy: &'static str,
) -> Result<Zeroizing<Vec<u8>>, SecretFileError> {
    let io = |source| SecretFileError::Io { path: path.to_owned(), source };
    let file = fs::File::open(path).map_err(io)?;
    check_mode(path, &file.metadata().map_err(io)?, forbidden, remedy)?;
    // Once at its full size: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX as usize));
    file.take(MAX).read_to_end(&mut bytes).map_err(io)?;
    Ok(bytes)
}

/// A line of text (passphrase, token): without the newline that editors add.
pub(crate) fn read_text(path: &Path, min: usize) -> Result<Zeroizing<String>, SecretFileError> {
    text(path, &read(path)?, min)
}

/// The token of a service account, as Kubernetes mounts it into a container:
/// with mode 0644 unless the pod says otherwise
/// (<https://kubernetes.io/docs/concepts/storage/projected-volumes/>).
pub(crate) fn read_mounted(path: &Path) -> Result<Zeroizing<String>, SecretFileError> {
    text(path, &read_unless(path, 0o022, "go-w")?, 1)
}

fn text(path: &Path, bytes: &[u8], min: usize) -> Result<Zeroizing<String>, SecretFileError> {
    let text = std::str::from_utf8(bytes).unwrap_or_default().trim_end_matches(['\r', '\n']);
    if text.len() < min.max(1) || text.len() > 4096 {
        return Err(SecretFileError::Text { path: path.to_owned(), min: min.max(1) });
    }
    Ok(Zeroizing::new(text.to_owned()))
}

pub(crate) fn read_key(path: &Path) -> Result<PlaintextKey, SecretFileError> {
    let bytes = read(path)?;
    PlaintextKey::from_slice(&bytes).ok_or_else(|| SecretFileError::Key { path: path.to_owned() })
}

/// Makes a key file (32 random bytes, mode 0600); fails if there is one already.
pub fn create_key_file(path: &Path) -> Result<()> {
    let mut key = Zeroizing::new([0; KEY_LENGTH]);
    primitives::fill_random(key.as_mut_slice()).map_err(Fault::internal)?;
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(key.as_slice())?;
        file.sync_all()?;
        sync_directory(path)
    };
    write().map_err(|source| SecretFileError::Io { path: path.to_owned(), source }.into())
}

/// Makes the entry of a new or renamed file durable.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    fs::File::open(directory(path))?.sync_all()
}

pub(crate) fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_files_are_private_and_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("key");
        create_key_file(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(read_key(&path).is_ok());
        assert_eq!(create_key_file(&path).unwrap_err().reason(), &reasons::KMS_MISCONFIGURED);
        fs::write(&path, [0; 31]).unwrap();
        assert!(matches!(read_key(&path), Err(SecretFileError::Key { .. })));
    }

    #[test]
    fn text_loses_its_newline_only() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("text");
        for (content, text) in [
            ("correct horse\n", Some("correct horse")),
            (" x \r\n", Some(" x ")),
            ("\n", None),
            ("", None),
        ] {
            fs::write(&path, content).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o440)).unwrap();
            assert_eq!(read_text(&path, 1).ok().as_ref().map(|text| text.as_str()), text);
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_mounted_token_may_be_read_by_all_and_written_by_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        for (mode, good) in [(0o644, true), (0o600, true), (0o664, false), (0o646, false)] {
            fs::write(&path, "jwt\n").unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(read_mounted(&path).is_ok_and(|text| *text == "jwt"), good, "{mode:o}");
        }
    }

    #[test]
    fn files_open_to_others_are_refused_with_the_remedy() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("secret");
        fs::write(&path, "secret").unwrap();
        for mode in [0o644, 0o604, 0o660] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&path).err().unwrap().to_string();
            assert!(error.contains(&format!("chmod 640 {}", path.display())), "{error}");
        }
    }
}
