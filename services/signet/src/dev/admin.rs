//! The first tenant's administrator: made up on the first start, kept where only
//! the owner of the data can read it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use auth::BootstrapSettings;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use kernel::{Fault, Result};

use super::place::Place;

const TENANT: &str = "demo";
const EMAIL: &str = "admin@demo.test";

/// The settings for auth. `admin.json` has the same for the client, and
/// `auth/admin-password` the password alone.
pub fn bootstrap(place: &Place) -> Result<BootstrapSettings> {
    let password_file = place.folder("auth")?.join("admin-password");
    if !password_file.exists() {
        let password = password()?;
        let admin = serde_json::json!({ "tenant": TENANT, "email": EMAIL, "password": password });
        write(&place.path("admin.json"), &format!("{admin}\n"))?;
        // Last: while it is missing the next start begins anew.
        write(&password_file, &format!("{password}\n"))?;
    }
    Ok(BootstrapSettings { tenant: TENANT.to_owned(), email: EMAIL.to_owned(), password_file })
}

/// 160 bits in letters and digits that are not mistaken for one another.
fn password() -> Result<String> {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut random = [0; 32];
    SystemRandom::new().fill(&mut random).map_err(|_| Fault::internal("no randomness"))?;
    Ok(random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
}

fn write(path: &Path, text: &str) -> Result<()> {
    let about = |error: std::io::Error| Fault::internal(format!("{}: {error}", path.display()));
    let beside = path.with_extension("new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .map_err(about)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(about)?;
    fs::rename(&beside, path).map_err(about)
}
