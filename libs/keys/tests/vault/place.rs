//! A Vault set up as its documentation says, and ways to use it.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernel::{Fault, SharedClock, SystemClock, TenantId};
use keys::vault::{VaultAuth, VaultKms, VaultSettings};
use keys::{BreakerSettings, Kms};
use tempfile::TempDir;
use testkit::StoredVault;
use testkit::vault::Vault;

use crate::conformance::context;

/// As in the module's documentation.
const POLICY: &str = r#"
path "transit/keys/signet-*"        { capabilities = ["create", "read", "update"] }
path "transit/keys/signet-*/rotate" { capabilities = ["update"] }
path "transit/keys/signet-*/config" { capabilities = ["create", "update"] }
path "transit/keys/signet-*/trim"   { capabilities = ["create", "update"] }
path "transit/encrypt/signet-*"     { capabilities = ["update"] }
path "transit/decrypt/signet-*"     { capabilities = ["update"] }
path "transit/rewrap/signet-*"      { capabilities = ["update"] }
"#;

/// A Vault with a transit engine and our policy, and files to log in with.
pub(crate) struct Place<V> {
    pub(crate) vault: V,
    pub(crate) files: TempDir,
}

/// Either Vault of the kit.
pub(crate) trait Server {
    fn run(&self, arguments: &[&str]) -> String;
    fn policy(&self, name: &str, rules: &str);
    fn address(&self) -> String;
}

macro_rules! server {
    ($type:ty) => {
        impl Server for $type {
            fn run(&self, arguments: &[&str]) -> String {
                Self::run(self, arguments).unwrap()
            }

            fn policy(&self, name: &str, rules: &str) {
                Self::policy(self, name, rules).unwrap();
            }

            fn address(&self) -> String {
                Self::address(self)
            }
        }
    };
}
server!(Vault);
server!(StoredVault);

impl<V: Server> Place<V> {
    pub(crate) fn new(vault: V) -> Self {
        vault.run(&["secrets", "enable", "transit"]);
        vault.policy("signet", POLICY);
        Self { vault, files: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn token(&self) -> String {
        self.vault.run(&["token", "create", "-policy=signet", "-orphan", "-field=token"])
    }

    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.files.path().join(name);
        private(&path, content);
        path
    }

    pub(crate) fn with_token(&self, token: &str) -> VaultSettings {
        let path = self.file("token", &format!("{token}\n"));
        settings(&self.vault.address(), VaultAuth::TokenFile { path })
    }

    pub(crate) fn with_app_role(&self, policy: &str, options: &[&str]) -> VaultSettings {
        self.vault.run(&["auth", "enable", "approle"]);
        let policy = format!("token_policies={policy}");
        let role = ["write", "auth/approle/role/signet", &policy];
        self.vault.run(&[&role[..], options].concat());
        let role_id =
            self.vault.run(&["read", "-field=role_id", "auth/approle/role/signet/role-id"]);
        let secret_id = ["write", "-f", "-field=secret_id", "auth/approle/role/signet/secret-id"];
        let secret_id = self.vault.run(&secret_id);
        let auth = VaultAuth::AppRole {
            role_id,
            secret_id_file: self.file("secret-id", &secret_id),
            mount: "approle".into(),
        };
        settings(&self.vault.address(), auth)
    }

    /// How many tokens there are besides root's own.
    pub(crate) fn tokens(&self) -> usize {
        let list = self.vault.run(&["list", "-format=json", "auth/token/accessors"]);
        list.matches('"').count() / 2 - 1
    }
}

pub(crate) fn private(path: &Path, content: &str) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::write(path, content).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
}

pub(crate) fn settings(address: &str, auth: VaultAuth) -> VaultSettings {
    VaultSettings {
        address: address.into(),
        auth,
        mount: "transit".into(),
        key_prefix: "signet-".into(),
        namespace: None,
        ca_file: None,
        timeout_ms: 5_000,
        breaker: BreakerSettings::default(),
        allow_http: false,
    }
}

pub(crate) fn open(settings: &VaultSettings) -> Arc<dyn Kms> {
    open_at(settings, SystemClock::shared())
}

pub(crate) fn open_at(settings: &VaultSettings, clock: SharedClock) -> Arc<dyn Kms> {
    Arc::new(VaultKms::new(settings, clock).unwrap())
}

pub(crate) async fn works(kms: &dyn Kms) -> kernel::Result<()> {
    kms.generate(TenantId::new(), &[context(1)]).await.map(drop)
}

pub(crate) fn cause(fault: &Fault) -> String {
    fault.source().map(ToString::to_string).unwrap_or_default()
}
