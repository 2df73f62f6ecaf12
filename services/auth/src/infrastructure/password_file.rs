//! The first administrator's password, from a file.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use kernel::{Fault, Result, Secret};
use zeroize::Zeroizing;

/// The file's one line, without its end.
pub fn read_password(path: &Path) -> Result<Secret<String>> {
    let shown = path.display();
    let about = |error: String| {
        Fault::internal(format!("service.bootstrap.password_file: {shown}: {error}"))
    };
    let mode = fs::metadata(path).map_err(|error| about(error.to_string()))?.mode();
    if mode & 0o077 != 0 {
        return Err(about(format!("others can read it; run: chmod 600 {shown}")));
    }
    let text = fs::read_to_string(path).map_err(|error| about(error.to_string()))?;
    let text = Zeroizing::new(text);
    Ok(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn one_line_that_only_its_owner_reads() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        assert!(format!("{:?}", read_password(&path).unwrap_err()).contains("password_file"));
        fs::write(&path, "correct donkey \n").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(format!("{:?}", read_password(&path).unwrap_err()).contains("chmod 600"));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(read_password(&path).unwrap().expose(), "correct donkey ");
    }
}
