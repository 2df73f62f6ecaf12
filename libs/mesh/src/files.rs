//! Files with the right mode, whole or not at all.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::{Error, Result};

#[derive(Clone, Copy)]
pub(crate) enum Mode {
    /// Keys: nobody else reads them.
    Private = 0o600,
    Public = 0o644,
}

pub(crate) fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(Error::file(path))
}

/// Makes the directory, open to its owner only, where it is missing.
pub(crate) fn private_directory(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(Error::file(path))
}

/// Writes beside the file and renames: a reader sees the old or the new.
pub(crate) fn write(path: &Path, content: &[u8], mode: Mode) -> Result<()> {
    let beside = path.with_extension("new");
    let _stale = fs::remove_file(&beside);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode as u32)
        .open(&beside)
        .and_then(|mut file| file.write_all(content))
        .and_then(|()| fs::rename(&beside, path))
        .map_err(Error::file(path))
}
