//! Envoy with a given bootstrap file.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Launch, Result, Server, find, http};

pub struct Envoy {
    server: Server,
}

/// Starts it and waits until the admin listener at `admin` says that it is
/// ready.
pub fn envoy(bootstrap: &Path, admin: SocketAddr) -> Result<Envoy> {
    let server = Launch::new("envoy", Envoy::program()?)?
        .args(["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning", "-c"])
        .args([bootstrap])
        .start(|| http::get(admin, "/ready").is_ok_and(|answer| answer.status == 200))?;
    Ok(Envoy { server })
}

impl Envoy {
    /// The pinned one in the `.venv` goes before `PATH`: the configuration is
    /// written for one version.
    pub fn program() -> Result<PathBuf> {
        let pinned = find::site_packages()?
            .into_iter()
            .map(|packages| packages.join("envoy/_bin/envoy"))
            .find(|file| file.is_file());
        pinned
            .or_else(|| find::on_path("envoy"))
            .ok_or_else(|| Error::new("Envoy is neither in .venv nor on PATH: run `make venv`."))
    }

    /// `envoy --mode validate`: what it says about a file that it refuses.
    pub fn validate(bootstrap: &Path) -> Result<()> {
        let output = Command::new(Self::program()?)
            .args(["--mode", "validate", "--disable-hot-restart", "-c"])
            .arg(bootstrap)
            .output()
            .map_err(|cause| Error::io("run envoy --mode validate", &cause))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Error::new(format!("Envoy refuses {}: {said}", bootstrap.display())))
    }

    pub fn log(&self) -> String {
        self.server.log()
    }
}
