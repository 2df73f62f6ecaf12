//! HashiCorp Vault with storage: it can be sealed, stopped and started again,
//! and two of them can share one storage (an active node and a standby).

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::process::private_directory;
use crate::vault::{Cli, program};
use crate::{Error, Launch, Result, Server, free_port, http};

/// What an election and the first steps of a leader may take on a busy machine.
const ACTIVE_WITHIN: Duration = Duration::from_secs(60);

/// One key share opens it, which is enough for a test.
pub struct StoredVault {
    cli: Cli,
    node: Node,
    unseal_key: String,
    /// `None` while it is stopped.
    server: Option<Server>,
}

/// Where a node listens and keeps its files.
struct Node {
    program: PathBuf,
    listen: SocketAddr,
    /// Between the nodes.
    cluster: SocketAddr,
    storage: TempDir,
}

impl Node {
    fn new() -> Result<Self> {
        let address = || Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)));
        Ok(Self {
            program: program()?,
            listen: address()?,
            cluster: address()?,
            storage: private_directory("vault-storage", &std::env::temp_dir())?,
        })
    }

    fn configuration(&self) -> String {
        let Self { listen, cluster, storage, .. } = self;
        let path = storage.path().display();
        format!(
            "disable_mlock = true\napi_addr = \"http://{listen}\"\n\
             cluster_addr = \"https://{cluster}\"\n\
             storage \"raft\" {{\n path = \"{path}\"\n node_id = \"{listen}\"\n}}\n\
             listener \"tcp\" {{\n address = \"{listen}\"\n cluster_address = \"{cluster}\"\n \
             tls_disable = true\n}}\n"
        )
    }

    /// Sealed, or not even initialized.
    fn start(&self) -> Result<Server> {
        let launch = Launch::new("vault", &self.program)?;
        let file = launch.directory().join("vault.hcl");
        fs::write(&file, self.configuration()).map_err(|e| Error::io(file.display(), &e))?;
        let home = launch.directory().to_owned();
        let config = format!("-config={}", file.display());
        launch
            .env("HOME", home)
            .args(["server".to_owned(), config])
            .start(|| http::get(self.listen, "/v1/sys/seal-status").is_ok())
    }

    fn post(&self, path: &str, json: &str) -> Result<String> {
        let answer = http::post_json(self.listen, path, json)?;
        match answer.status {
            200..=299 => Ok(answer.body),
            status => {
                Err(Error::new(format!("testkit: vault {path}: {status} {}", answer.body.trim())))
            }
        }
    }

    /// Waits until it serves: 200 as active node, 429 as standby
    /// (<https://developer.hashicorp.com/vault/api-docs/system/health>).
    fn wait(&self, standby: bool) -> Result<()> {
        let started = Instant::now();
        let status = if standby { 429 } else { 200 };
        while http::get(self.listen, "/v1/sys/health").map(|answer| answer.status).ok()
            != Some(status)
        {
            if started.elapsed() > ACTIVE_WITHIN {
                return Err(Error::new("testkit: vault did not become active within a minute"));
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

/// Unsealed, alone, over plain HTTP, on raft storage.
pub fn stored_vault() -> Result<StoredVault> {
    first(Node::new()?)
}

/// The same with a standby.
pub fn vault_pair() -> Result<(StoredVault, StoredVault)> {
    let active = first(Node::new()?)?;
    let node = Node::new()?;
    let server = node.start()?;
    let leader = format!(r#"{{"leader_api_addr":"{}"}}"#, active.address());
    node.post("/v1/sys/storage/raft/join", &leader)?;
    let standby = StoredVault {
        cli: active.cli.at(&format!("http://{}", node.listen)),
        unseal_key: active.unseal_key.clone(),
        server: Some(server),
        node,
    };
    standby.send_key()?;
    standby.node.wait(true)?;
    Ok((active, standby))
}

fn first(node: Node) -> Result<StoredVault> {
    let server = node.start()?;
    let keys = node.post("/v1/sys/init", r#"{"secret_shares":1,"secret_threshold":1}"#)?;
    let missing = || Error::new("testkit: vault's answer to init is another than expected");
    let root_token = after(&keys, "\"root_token\":\"").ok_or_else(missing)?;
    let unseal_key = after(&keys, "\"keys_base64\":[\"").ok_or_else(missing)?;
    let home = node.storage.path().to_owned();
    let address = format!("http://{}", node.listen);
    let cli = Cli { program: node.program.clone(), address, root_token, ca_file: None, home };
    let vault = StoredVault { cli, node, unseal_key, server: Some(server) };
    vault.unseal()?;
    Ok(vault)
}

fn after(json: &str, start: &str) -> Option<String> {
    Some(json.split_once(start)?.1.split_once('"')?.0.to_owned())
}

impl StoredVault {
    pub fn address(&self) -> String {
        self.cli.address.clone()
    }

    pub fn root_token(&self) -> &str {
        &self.cli.root_token
    }

    /// As [`crate::vault::Vault::run`].
    pub fn run(&self, arguments: &[&str]) -> Result<String> {
        self.cli.run(&self.cli.root_token, arguments)
    }

    /// Writes a policy from HCL.
    pub fn policy(&self, name: &str, rules: &str) -> Result<()> {
        self.cli.policy(name, rules)
    }

    pub fn seal(&self) -> Result<()> {
        self.run(&["operator", "seal"]).map(drop)
    }

    /// Opens it and waits until it serves as active node.
    pub fn unseal(&self) -> Result<()> {
        self.send_key()?;
        self.node.wait(false)
    }

    fn send_key(&self) -> Result<()> {
        let key = format!(r#"{{"key":"{}"}}"#, self.unseal_key);
        self.node.post("/v1/sys/unseal", &key).map(drop)
    }

    /// Ends it, as a crash would.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// At the same address, with what it had stored, and sealed.
    pub fn start_again(&mut self) -> Result<()> {
        self.server = None;
        self.server = Some(self.node.start()?);
        Ok(())
    }

    /// Connections stay open, and nothing is answered, until it is thawed.
    pub fn freeze(&self) -> Result<()> {
        self.signal("STOP")
    }

    pub fn thaw(&self) -> Result<()> {
        self.signal("CONT")
    }

    fn signal(&self, signal: &str) -> Result<()> {
        let server = self.server.as_ref().ok_or_else(|| Error::new("testkit: vault is stopped"))?;
        server.signal(signal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_outlives_a_restart() {
        let mut vault = stored_vault().unwrap();
        vault.policy("kept", r#"path "a" { capabilities = ["read"] }"#).unwrap();
        vault.stop();
        assert!(vault.run(&["policy", "list"]).is_err());
        vault.start_again().unwrap();
        assert!(vault.run(&["policy", "list"]).unwrap_err().to_string().contains("sealed"));
        vault.unseal().unwrap();
        assert!(vault.run(&["policy", "list"]).unwrap().contains("kept"));
        vault.seal().unwrap();
        assert!(vault.run(&["policy", "list"]).is_err());
    }

    #[test]
    fn a_standby_shares_the_storage() {
        let (active, standby) = vault_pair().unwrap();
        active.policy("shared", r#"path "a" { capabilities = ["read"] }"#).unwrap();
        assert!(standby.run(&["policy", "list"]).unwrap().contains("shared"));
    }
}
