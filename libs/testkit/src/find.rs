//! Where the programs are: `PATH`, the project's `.venv`, the tools' cache.

use std::env;
use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The project's Python environment: `SIGNET_VENV`, or the nearest `.venv`
/// above the package under test.
pub fn venv() -> Result<PathBuf> {
    if let Some(given) = env::var_os("SIGNET_VENV") {
        return Ok(PathBuf::from(given));
    }
    let starts = [
        env::current_dir().ok(),
        env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from),
        Some(PathBuf::from(env!("CARGO_MANIFEST_DIR"))),
    ];
    starts
        .iter()
        .flatten()
        .flat_map(|start| start.ancestors())
        .map(|directory| directory.join(".venv"))
        .find(|candidate| candidate.join("pyvenv.cfg").is_file())
        .ok_or_else(|| Error::new("There is no .venv above this package: run `make venv`."))
}

/// A program that `PATH` or a package in the `.venv` has. `inside` is its place
/// below `site-packages`.
pub(crate) fn packaged(name: &str, inside: &str) -> Result<PathBuf> {
    packaged_if(name, inside, |_| true)
}

/// The same; the one on `PATH` counts only if it is `wanted`.
pub(crate) fn packaged_if(
    name: &str,
    inside: &str,
    wanted: impl Fn(&Path) -> bool,
) -> Result<PathBuf> {
    if let Some(found) = on_path(name).filter(|found| wanted(found)) {
        return Ok(found);
    }
    site_packages()?
        .into_iter()
        .map(|packages| packages.join(inside))
        .find(|file| file.is_file())
        .ok_or_else(|| {
            Error::new(format!("`{name}` is neither on PATH nor in .venv: run `make venv`."))
        })
}

/// A script or interpreter in the `.venv`, such as `python` or `llmock`.
pub fn python_program(name: &str) -> Result<PathBuf> {
    let file = venv()?.join("bin").join(name);
    if file.is_file() {
        return Ok(file);
    }
    Err(Error::new(format!("`{name}` is not in .venv/bin: run `make venv`.")))
}

/// A server that `tests/tools/build.sh` has built, or that `PATH` has.
pub fn cached_tool(name: &str) -> Result<PathBuf> {
    if let Some(found) = on_path(name) {
        return Ok(found);
    }
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    cache.map(|cache| cache.join("signet/bin").join(name)).filter(|file| file.is_file()).ok_or_else(
        || {
            Error::new(format!(
                "`{name}` is neither on PATH nor in the tools' cache: run `make tools`."
            ))
        },
    )
}

/// Every `site-packages` of the `.venv` (there is one a Python version).
pub(crate) fn site_packages() -> Result<Vec<PathBuf>> {
    let lib = venv()?.join("lib");
    let entries =
        lib.read_dir().map_err(|cause| Error::io(format!("read {}", lib.display()), &cause))?;
    Ok(entries.flatten().map(|entry| entry.path().join("site-packages")).collect())
}

pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|directory| directory.join(name)).find(|file| file.is_file())
}
