//! Where Vault is, and who we are there.

use std::path::PathBuf;
use std::time::Duration;

use kernel::{Fault, Result};
use reqwest::redirect;
use reqwest::tls::{Certificate, Version};
use serde::Deserialize;
use url::{Host, Url};

use crate::breaker::BreakerSettings;
use crate::reasons;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VaultSettings {
    /// `https://vault.internal:8200`, without a path.
    pub address: String,
    pub auth: VaultAuth,
    /// The path of the transit engine.
    #[serde(default = "default_mount")]
    pub mount: String,
    /// Before the tenant's id in the name of its key.
    #[serde(default = "default_key_prefix")]
    pub key_prefix: String,
    pub namespace: Option<String>,
    /// PEM: trust this authority and no other. Without it, the system's.
    pub ca_file: Option<PathBuf>,
    /// For one request, connecting included. A call may take twice that, where
    /// it has to log in first.
    #[serde(default = "default_timeout")]
    pub timeout_ms: u32,
    /// When to stop asking a Vault that does not answer.
    #[serde(default)]
    pub breaker: BreakerSettings,
    /// Plain HTTP to another machine. To this one it is always allowed.
    #[serde(default)]
    pub allow_http: bool,
}

/// Secrets are named by file and read again when they change.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum VaultAuth {
    /// A file with a token that somebody else renews (Vault Agent, an operator).
    TokenFile { path: PathBuf },
    /// AppRole: logged in here, renewed, and logged in again when that ends.
    AppRole {
        role_id: String,
        secret_id_file: PathBuf,
        #[serde(default = "default_app_role_mount")]
        mount: String,
    },
    /// Kubernetes: the pod's service account stands for us; its token is read
    /// again for every log-in, since it is replaced every hour or so.
    Kubernetes {
        role: String,
        #[serde(default = "default_jwt_file")]
        jwt_file: PathBuf,
        #[serde(default = "default_kubernetes_mount")]
        mount: String,
    },
}

impl VaultAuth {
    /// Of the methods that log in, the path of theirs.
    fn mount(&self) -> Option<&str> {
        match self {
            Self::TokenFile { .. } => None,
            Self::AppRole { mount, .. } | Self::Kubernetes { mount, .. } => Some(mount),
        }
    }
}

fn default_mount() -> String {
    "transit".into()
}

fn default_key_prefix() -> String {
    "signet-".into()
}

fn default_app_role_mount() -> String {
    "approle".into()
}

fn default_kubernetes_mount() -> String {
    "kubernetes".into()
}

fn default_jwt_file() -> PathBuf {
    "/var/run/secrets/kubernetes.io/serviceaccount/token".into()
}

fn default_timeout() -> u32 {
    5_000
}

impl VaultSettings {
    /// Checks what the client library would panic on, or send to the wrong place.
    pub(super) fn check(&self) -> Result<Url> {
        let address =
            Url::parse(&self.address).map_err(|_| misconfigured("address is not a URL".into()))?;
        let clean = matches!(address.path(), "" | "/")
            && address.query().is_none()
            && address.fragment().is_none()
            && address.username().is_empty()
            && address.password().is_none();
        if !clean || !matches!(address.scheme(), "http" | "https") {
            return Err(misconfigured("address must be http(s)://host:port and no more".into()));
        }
        let here = match address.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        if address.scheme() == "http" && !here && !self.allow_http {
            return Err(misconfigured(
                "address is plain HTTP to another machine: use https, or set allow_http".into(),
            ));
        }
        let log_in = self.auth.mount().map(|mount| ("auth.mount", mount, true));
        let namespace = self.namespace.as_deref().map(|name| ("namespace", name, true));
        let fixed = [("mount", &*self.mount, true), ("key_prefix", &*self.key_prefix, false)];
        for (field, value, slashes) in fixed.into_iter().chain(log_in).chain(namespace) {
            if !is_path(value, slashes) {
                let note = format!("{field} must be letters, digits, `_`, `.` or `-`");
                return Err(misconfigured(note));
            }
        }
        Ok(address)
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms.max(1).into())
    }

    /// TLS 1.2 or later on `aws-lc-rs`. No proxy and no redirect: either would
    /// carry the token to a place that nobody configured.
    pub(super) fn http_client(&self) -> Result<reqwest::Client> {
        let timeout = self.timeout();
        let mut builder = reqwest::Client::builder()
            .tls_backend_rustls()
            .tls_version_min(Version::TLS_1_2)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .connect_timeout(timeout)
            .timeout(timeout);
        if let Some(path) = &self.ca_file {
            let at = |note: String| misconfigured(format!("{}: {note}", path.display()));
            let pem = std::fs::read(path).map_err(|error| at(error.to_string()))?;
            let certificates = Certificate::from_pem_bundle(&pem)
                .ok()
                .filter(|certificates| !certificates.is_empty())
                .ok_or_else(|| at("no PEM certificate in it".into()))?;
            builder = builder.tls_certs_only(certificates);
        } else if self.address.starts_with("http://") {
            // Spares reading the system's authorities for nothing.
            builder = builder.tls_certs_only([]);
        }
        builder.build().map_err(|error| misconfigured(error.to_string()))
    }
}

fn is_path(text: &str, slashes: bool) -> bool {
    let part = |part: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        !part.is_empty() && part != "." && part != ".." && part.chars().all(allowed)
    };
    if slashes { text.split('/').all(part) } else { part(text) }
}

pub(super) fn misconfigured(note: String) -> Fault {
    Fault::new(&reasons::KMS_MISCONFIGURED).with_note(note)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(address: &str) -> VaultSettings {
        let json = r#"{"address":"","auth":{"method":"token_file","path":"t"}}"#;
        VaultSettings { address: address.into(), ..serde_json::from_str(json).unwrap() }
    }

    #[test]
    fn addresses() {
        for good in [
            "https://vault:8200",
            "https://vault:8200/",
            "http://127.0.0.1:8200",
            "http://[::1]:8200",
            "http://localhost:1",
        ] {
            assert!(settings(good).check().is_ok(), "{good}");
        }
        for bad in [
            "vault:8200",
            "",
            "http://vault:8200",
            "https://v/path",
            "https://u:p@v",
            "https://v?x",
            "ftp://v",
            "http://localhost.evil.example",
            "unix:/v",
        ] {
            let fault = settings(bad).check().err().unwrap();
            assert!(fault.note().unwrap().starts_with("address"), "{bad}");
        }
        let allowed = VaultSettings { allow_http: true, ..settings("http://vault:8200") };
        assert!(allowed.check().is_ok());
    }

    #[test]
    fn names_that_would_change_the_path_are_refused() {
        let base = settings("https://vault:8200");
        for bad in ["", "a/../b", "/a", "a b", "a\n", "ä"] {
            let mount = VaultSettings { mount: bad.into(), ..base.clone() };
            assert!(mount.check().is_err(), "mount {bad:?}");
            let prefix = VaultSettings { key_prefix: bad.into(), ..base.clone() };
            assert!(prefix.check().is_err(), "prefix {bad:?}");
            let namespace = VaultSettings { namespace: Some(bad.into()), ..base.clone() };
            assert!(namespace.check().is_err(), "namespace {bad:?}");
        }
        assert!(VaultSettings { mount: "kms/transit".into(), ..base }.check().is_ok());
    }

    #[test]
    fn a_ca_file_must_hold_a_certificate() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ca.pem");
        let with_ca =
            VaultSettings { ca_file: Some(path.clone()), ..settings("https://vault:8200") };
        assert!(with_ca.http_client().is_err());
        std::fs::write(&path, "not a certificate").unwrap();
        let fault = with_ca.http_client().err().unwrap();
        assert!(fault.note().unwrap().contains("no PEM certificate"));
    }
}
