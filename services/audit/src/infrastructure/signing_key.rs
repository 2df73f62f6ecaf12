//! The log's signing key: a file with 32 bytes, because audit calls nobody and
//! so cannot ask the envelope service for it.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use kernel::{Fault, Result, Secret};

/// Reads the key, or makes it on the first start.
pub fn load_or_create(path: &Path) -> Result<Secret<[u8; 32]>> {
    if !path.exists() {
        create(path)?;
    }
    let shown = path.display();
    let about =
        |error: String| Fault::internal(format!("service.signing_key_file: {shown}: {error}"));
    let mode = fs::metadata(path).map_err(|error| about(error.to_string()))?.mode();
    if mode & 0o077 != 0 {
        return Err(about(format!("others can read it; run: chmod 600 {shown}")));
    }
    let bytes = fs::read(path).map_err(|error| about(error.to_string()))?;
    let seed =
        <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| about("must hold 32 bytes".into()))?;
    Ok(Secret::new(seed))
}

/// Writes beside and renames: a crash leaves no half of a key.
fn create(path: &Path) -> Result<()> {
    let mut seed = [0; 32];
    SystemRandom::new().fill(&mut seed).map_err(|_| Fault::internal("no randomness"))?;
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(Fault::internal)?;
    }
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .map_err(Fault::internal)?;
    file.write_all(Secret::new(seed).expose())
        .and_then(|()| file.sync_all())
        .map_err(Fault::internal)?;
    fs::rename(&beside, path).map_err(Fault::internal)?;
    let parent =
        path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(Fault::internal)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_key_is_made_once_and_guarded() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/log.key");
        let first = load_or_create(&path).unwrap();
        assert_eq!(load_or_create(&path).unwrap().expose(), first.expose());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(format!("{:?}", load_or_create(&path).unwrap_err()).contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, [0; 31]).unwrap();
        assert!(load_or_create(&path).is_err());
    }
}
