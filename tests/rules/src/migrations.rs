//! Migrations are append-only: a database somewhere has run what has landed,
//! and sqlx refuses one whose text has changed. `migrations.lock` holds the
//! SHA-256 of each. A new migration is entered by
//!
//!     SIGNET_LOCK_MIGRATIONS=1 cargo test -p signet-rules migrations
//!
//! which never changes a line that is there.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::{hold, tree};

const HEADER: &str = "# SHA-256 of each landed migration. Append-only: to change a table, add a\n\
                      # migration. `SIGNET_LOCK_MIGRATIONS=1 cargo test -p signet-rules migrations`\n\
                      # enters new ones.\n";

fn lock() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations.lock")
}

fn locked() -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(lock()).unwrap_or_default();
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| line.split_once("  ").expect("migrations.lock: `<sha-256>  <path>`"))
        .map(|(digest, path)| (path.to_owned(), digest.to_owned()))
        .collect()
}

fn landed() -> BTreeMap<String, String> {
    let files = tree::files(&["libs", "services"], &[".sql"]);
    files
        .iter()
        .map(|file| (tree::shown(file), file))
        .filter(|(shown, _)| shown.contains("/migrations/") && !shown.contains("/tests/"))
        .map(|(shown, file)| (shown, hex::encode(Sha256::digest(tree::read(file)))))
        .collect()
}

#[test]
fn migrations_are_append_only() {
    let mut locked = locked();
    let landed = landed();
    assert!(landed.len() >= 3, "the migrations were not found");
    if std::env::var_os("SIGNET_LOCK_MIGRATIONS").is_some() {
        for (path, digest) in &landed {
            locked.entry(path.clone()).or_insert_with(|| digest.clone());
        }
        let lines: String =
            locked.iter().map(|(path, digest)| format!("{digest}  {path}\n")).collect();
        std::fs::write(lock(), format!("{HEADER}{lines}")).unwrap();
    }
    let mut broken = Vec::new();
    for (path, digest) in &landed {
        match locked.get(path) {
            Some(known) if known == digest => {}
            Some(_) => broken.push(format!("{path} has changed: restore it, add a migration")),
            None => broken.push(format!(
                "{path} is new: SIGNET_LOCK_MIGRATIONS=1 cargo test -p signet-rules migrations"
            )),
        }
    }
    for path in locked.keys().filter(|path| !landed.contains_key(*path)) {
        broken.push(format!("{path} is gone: restore it"));
    }
    hold("A landed migration never changes.", &broken);
}
