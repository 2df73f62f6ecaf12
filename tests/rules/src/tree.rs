//! The files of the tree. What git ignores is not ours and is left out.

use std::fs;
use std::path::{Path, PathBuf};

/// Folders that hold what was built or fetched (`.gitignore`).
const NOT_OURS: &[&str] = &["target", "node_modules", "__pycache__"];

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap()
}

/// A path as a person would write it: from the root of the tree.
pub(crate) fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

pub(crate) fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", shown(path)))
}

/// What lies directly in a folder of the tree, in order.
pub(crate) fn entries(folder: &str) -> Vec<PathBuf> {
    let folder = root().join(folder);
    let mut found: Vec<_> =
        fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    found
}

pub(crate) fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

/// All files below the folders whose names end in one of `endings`.
pub(crate) fn files(folders: &[&str], endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left: Vec<_> = folders.iter().flat_map(|folder| entries(folder)).collect();
    while let Some(path) = left.pop() {
        let name = name(&path);
        if path.is_dir() {
            if !name.starts_with('.') && !NOT_OURS.contains(&name.as_str()) {
                left.extend(entries(&shown(&path)));
            }
        } else if endings.iter().any(|ending| name.ends_with(ending)) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Every Rust file of ours.
pub(crate) fn rust() -> Vec<PathBuf> {
    let files = files(&["libs", "services", "tests"], &[".rs"]);
    assert!(files.len() > 100, "found only {} Rust files", files.len());
    files
}

/// The folders of our libraries and services: (name, folder).
pub(crate) fn libs() -> Vec<(String, PathBuf)> {
    named(entries("libs"))
}

pub(crate) fn services() -> Vec<(String, PathBuf)> {
    named(entries("services"))
}

fn named(folders: Vec<PathBuf>) -> Vec<(String, PathBuf)> {
    folders
        .into_iter()
        .filter(|folder| folder.join("Cargo.toml").is_file())
        .map(|folder| (name(&folder), folder))
        .collect()
}
