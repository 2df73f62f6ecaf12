//! HashiCorp Vault as a development server: unsealed, in memory, with a root token.

use std::env;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Error, Launch, Result, Server, cached_tool, free_port};

const TRIES: u32 = 5;
const PORT_TAKEN: &str = "address already in use";

/// Names the program where it is neither on `PATH` nor in the tools' cache.
pub const VAULT_VARIABLE: &str = "SIGNET_VAULT_BIN";

pub const KUBERNETES_PLUGIN: &str = "vault-plugin-auth-kubernetes";

/// A Vault of one's own. What it holds goes with it.
pub struct Vault {
    cli: Cli,
    server: Server,
}

/// How a development server is to start.
#[derive(Clone, Copy, Default)]
struct Form {
    tls: bool,
    plugins: &'static [&'static str],
}

/// Over plain HTTP.
pub fn vault() -> Result<Vault> {
    start(Form::default())
}

/// Over HTTPS, with an authority made for it ([`Vault::ca_file`]).
pub fn vault_with_tls() -> Result<Vault> {
    start(Form { tls: true, ..Form::default() })
}

/// Over plain HTTP, with the log-in for Kubernetes, which the binary of the
/// tests leaves out, as the plugin [`KUBERNETES_PLUGIN`].
pub fn vault_with_kubernetes() -> Result<Vault> {
    start(Form { plugins: &[KUBERNETES_PLUGIN], ..Form::default() })
}

/// A port that was free a moment ago may be taken when Vault opens it (any
/// client's outgoing connection can get it), so a start is tried again.
fn start(form: Form) -> Result<Vault> {
    let mut tries = TRIES;
    loop {
        tries -= 1;
        match start_once(form) {
            Err(error) if tries == 0 || !error.to_string().contains(PORT_TAKEN) => {
                return Err(error);
            }
            Err(_) => {}
            started => return started,
        }
    }
}

fn start_once(form: Form) -> Result<Vault> {
    let Form { tls, plugins } = form;
    let program = program()?;
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?));
    let launch = Launch::new("vault", &program)?;
    let home = launch.directory().to_owned();
    let scheme = if tls { "https" } else { "http" };
    let cli = Cli {
        program,
        address: format!("{scheme}://{listen}"),
        // Of its own: with it nothing but this very server answers.
        root_token: format!("root-{}", home.file_name().unwrap_or_default().display()),
        ca_file: tls.then(|| home.join("vault-ca.pem")),
        home,
    };
    let mut arguments = vec![
        "server".to_owned(),
        "-dev".to_owned(),
        "-dev-no-store-token".to_owned(),
        format!("-dev-root-token-id={}", cli.root_token),
        format!("-dev-listen-address={listen}"),
    ];
    if tls {
        arguments
            .extend(["-dev-tls".to_owned(), format!("-dev-tls-cert-dir={}", cli.home.display())]);
    }
    if !plugins.is_empty() {
        let directory = cli.home.join("plugins");
        let io = |cause| Error::io(directory.display(), &cause);
        std::fs::create_dir(&directory).map_err(io)?;
        for plugin in plugins {
            // A copy: Vault takes every file in the directory for a plugin, and no links.
            std::fs::copy(cached_tool(plugin)?, directory.join(plugin)).map_err(io)?;
        }
        arguments.push(format!("-dev-plugin-dir={}", directory.display()));
    }
    let server = launch.env("HOME", &cli.home).args(arguments).start(|| {
        TcpStream::connect(listen).is_ok() && cli.run(&cli.root_token, &["token", "lookup"]).is_ok()
    })?;
    Ok(Vault { cli, server })
}

pub(crate) fn program() -> Result<PathBuf> {
    match env::var_os(VAULT_VARIABLE) {
        Some(given) => Ok(PathBuf::from(given)),
        None => cached_tool("vault"),
    }
}

/// Vault's own command line.
#[derive(Clone)]
pub(crate) struct Cli {
    pub(crate) program: PathBuf,
    pub(crate) address: String,
    pub(crate) root_token: String,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) home: PathBuf,
}

impl Cli {
    /// The same, asking another node.
    pub(crate) fn at(&self, address: &str) -> Self {
        Self { address: address.to_owned(), ..self.clone() }
    }

    pub(crate) fn policy(&self, name: &str, rules: &str) -> Result<()> {
        let file = self.home.join(format!("{name}.hcl"));
        std::fs::write(&file, rules).map_err(|cause| Error::io(file.display(), &cause))?;
        self.run(&self.root_token, &["policy", "write", name, path(&file)?]).map(drop)
    }

    pub(crate) fn run(&self, token: &str, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env("HOME", &self.home)
            .env("VAULT_ADDR", &self.address)
            .env("VAULT_TOKEN", token)
            .env_remove("VAULT_NAMESPACE");
        if let Some(ca_file) = &self.ca_file {
            command.env("VAULT_CACERT", ca_file);
        }
        let output = command.output().map_err(|cause| Error::io(self.program.display(), &cause))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Error::new(format!("vault {}: {}", arguments.join(" "), said.trim())))
    }
}

impl Vault {
    /// `http(s)://host:port`.
    pub fn address(&self) -> String {
        self.cli.address.clone()
    }

    pub fn root_token(&self) -> &str {
        &self.cli.root_token
    }

    /// The authority of [`vault_with_tls`], in PEM.
    pub fn ca_file(&self) -> PathBuf {
        self.cli.home.join("vault-ca.pem")
    }

    /// Runs Vault's own command line as root and returns what it prints:
    /// `vault.run(&["secrets", "enable", "transit"])`.
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        self.run_with(self.root_token(), arguments)
    }

    /// The same with another token.
    pub fn run_with(&self, token: &str, arguments: &[&str]) -> Result<String> {
        self.cli.run(token, arguments)
    }

    /// Writes a policy from HCL.
    pub fn policy(&self, name: &str, rules: &str) -> Result<()> {
        self.cli.policy(name, rules)
    }

    /// Ends it, as a crash would.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    pub fn log(&self) -> String {
        self.server.log()
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
