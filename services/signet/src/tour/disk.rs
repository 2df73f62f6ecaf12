//! A look at what is on disk, as a thief would see it.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::texts;
use console::problem::{Problem, Result};

/// Larger files are looked at up to here: a log that has grown for weeks must
/// not hold the tour up.
const LOOK: u64 = 64 * 1024 * 1024;

#[derive(Default)]
pub(super) struct Look {
    pub(super) files: usize,
    pub(super) bytes: u64,
    /// Values found, each with its file.
    pub(super) found: Vec<(PathBuf, String)>,
    /// The blob written last.
    pub(super) newest_blob: Option<PathBuf>,
    newest: Option<SystemTime>,
}

/// Searches all files below `folder` for the values.
pub(super) fn search(folder: &Path, values: &[&str]) -> Result<Look> {
    let mut look = Look::default();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).map_err(|error| Problem::file(&folder, error))? {
            let path = entry.map_err(|error| Problem::file(&folder, error))?.path();
            let Ok(metadata) = path.symlink_metadata() else { continue };
            if metadata.is_dir() {
                open.push(path);
            } else if metadata.is_file() {
                look.at(&path, &metadata, values);
            }
        }
    }
    Ok(look)
}

impl Look {
    fn at(&mut self, path: &Path, metadata: &std::fs::Metadata, values: &[&str]) {
        use std::io::Read as _;
        let mut bytes = Vec::new();
        // A file may be gone by now: databases come and go with their journals.
        let Ok(file) = std::fs::File::open(path) else { return };
        if file.take(LOOK).read_to_end(&mut bytes).is_err() {
            return;
        }
        self.files += 1;
        self.bytes += bytes.len() as u64;
        let text = String::from_utf8_lossy(&bytes);
        let found = texts::found(&text, values).into_iter();
        self.found.extend(found.map(|value| (path.to_owned(), value.to_owned())));
        let is_blob = path.components().any(|part| part.as_os_str() == "blobs");
        let modified = metadata.modified().ok();
        if is_blob && modified > self.newest {
            self.newest = modified;
            self.newest_blob = Some(path.to_owned());
        }
    }
}

/// The first bytes of a file, in hexadecimal.
pub(super) fn beginning(path: &Path, count: usize) -> Result<String> {
    let bytes = std::fs::read(path).map_err(|error| Problem::file(path, error))?;
    Ok(bytes.iter().take(count).map(|byte| format!("{byte:02x} ")).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_in_any_file_is_found() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(place.path().join("blobs/aa")).unwrap();
        std::fs::write(place.path().join("blobs/aa/x"), [0x01, 0xff]).unwrap();
        std::fs::write(place.path().join("data.db"), b"..\xff Eleanor ..").unwrap();
        let look = search(place.path(), &["Eleanor", "Thomas"]).unwrap();
        assert_eq!((look.files, look.bytes), (2, 16));
        assert_eq!(look.found, [(place.path().join("data.db"), "Eleanor".to_owned())]);
        let blob = look.newest_blob.unwrap();
        assert!(blob.ends_with("aa/x"));
        assert_eq!(beginning(&blob, 8).unwrap(), "01 ff ");
        assert!(search(&place.path().join("absent"), &[]).is_err());
    }
}
