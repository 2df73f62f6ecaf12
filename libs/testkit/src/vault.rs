//! HashiCorp Vault as a development server: unsealed, in memory, with a root token.

use std::env;
use std::ffi::OsStr;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Launch, Result, Server, cached_tool, free_port, http};

const ROOT_TOKEN: &str = "signet-testkit-root";

/// Names the program where it is neither on `PATH` nor in the tools' cache.
pub const VAULT_VARIABLE: &str = "SIGNET_VAULT_BIN";

/// A Vault of one's own. What it holds goes with it.
pub struct Vault {
    program: PathBuf,
    listen: SocketAddr,
    tls: bool,
    server: Server,
}

/// Over plain HTTP.
pub fn vault() -> Result<Vault> {
    start(false)
}

/// Over HTTPS, with an authority made for it ([`Vault::ca_file`]).
pub fn vault_with_tls() -> Result<Vault> {
    start(true)
}

fn start(tls: bool) -> Result<Vault> {
    let program = match env::var_os(VAULT_VARIABLE) {
        Some(given) => PathBuf::from(given),
        None => cached_tool("vault")?,
    };
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    let mut launch = Launch::new("vault", &program)?;
    let home = launch.directory().to_owned();
    launch = launch.env("HOME", &home).args([
        "server".to_owned(),
        "-dev".to_owned(),
        "-dev-no-store-token".to_owned(),
        format!("-dev-root-token-id={ROOT_TOKEN}"),
        format!("-dev-listen-address={listen}"),
    ]);
    if tls {
        let mut directory = OsStr::new("-dev-tls-cert-dir=").to_owned();
        directory.push(&home);
        launch = launch.args([OsStr::new("-dev-tls").to_owned(), directory]);
    }
    let server = launch.start(|| match tls {
        true => TcpStream::connect(listen).is_ok(),
        false => http::get(listen, "/v1/sys/health").is_ok_and(|answer| answer.status == 200),
    })?;
    let vault = Vault { program, listen, tls, server };
    if tls {
        // It listens a moment before it is unsealed.
        vault.until_unsealed()?;
    }
    Ok(vault)
}

impl Vault {
    /// `http(s)://host:port`.
    pub fn address(&self) -> String {
        let scheme = if self.tls { "https" } else { "http" };
        format!("{scheme}://{}", self.listen)
    }

    pub fn root_token(&self) -> &'static str {
        ROOT_TOKEN
    }

    /// The authority of [`vault_with_tls`], in PEM.
    pub fn ca_file(&self) -> PathBuf {
        self.server.directory().join("vault-ca.pem")
    }

    /// Runs Vault's own command line as root and returns what it prints:
    /// `vault.run(&["secrets", "enable", "transit"])`.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        self.run_with(ROOT_TOKEN, arguments)
    }

    /// The same with another token.
    pub fn run_with(&self, token: &str, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env("HOME", self.server.directory())
            .env("VAULT_ADDR", self.address())
            .env("VAULT_TOKEN", token)
            .env_remove("VAULT_NAMESPACE");
        if self.tls {
            command.env("VAULT_CACERT", self.ca_file());
        }
        let output = command.output().map_err(|cause| Error::io(self.program.display(), &cause))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Error::new(format!("vault {}: {}", arguments.join(" "), said.trim())))
    }

    /// Writes a policy from HCL.
    pub fn policy(&self, name: &str, rules: &str) -> Result<()> {
        let file = self.server.directory().join(format!("{name}.hcl"));
        std::fs::write(&file, rules).map_err(|cause| Error::io(file.display(), &cause))?;
        self.run(&["policy", "write", name, path(&file)?]).map(drop)
    }

    /// Ends it, as a crash would.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    pub fn log(&self) -> String {
        self.server.log()
    }

    fn until_unsealed(&self) -> Result<()> {
        let mut last = Error::new("");
        for _ in 0..100 {
            match self.run(&["status"]) {
                Ok(_) => return Ok(()),
                Err(error) => last = error,
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Err(last)
    }
}

fn path(file: &Path) -> Result<&str> {
    file.to_str().ok_or_else(|| Error::new("testkit: the temporary directory is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_over_http_and_https() {
        let plain = vault().unwrap();
        assert!(plain.run(&["status"]).unwrap().contains("Sealed"));
        let refused = plain.run_with("no-token", &["secrets", "list"]).unwrap_err().to_string();
        assert!(refused.contains("permission denied"), "{refused}");
        let tls = vault_with_tls().unwrap();
        assert!(tls.ca_file().is_file());
        assert!(tls.run(&["secrets", "list"]).unwrap().contains("cubbyhole"));
    }
}
