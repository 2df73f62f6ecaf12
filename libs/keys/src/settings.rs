//! Which provider, and where.

use std::sync::Arc;

use kernel::{Result, SharedClock};
use serde::Deserialize;

use crate::kms::Kms;
use crate::local::{LocalKms, LocalSettings};
use crate::vault::{VaultKms, VaultSettings};

/// `{ provider = "local", … }` or `{ provider = "vault", … }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "provider", rename_all = "snake_case")]
pub enum Settings {
    Local(LocalSettings),
    Vault(VaultSettings),
}

/// Opens the provider. The keyring is read at once, so a wrong passphrase is
/// found at the start; Vault is first asked by [`Kms::health`] or a key.
pub async fn open(settings: &Settings, clock: SharedClock) -> Result<Arc<dyn Kms>> {
    Ok(match settings {
        Settings::Local(local) => Arc::new(LocalKms::open(local, clock).await?),
        Settings::Vault(vault) => Arc::new(VaultKms::new(vault, clock)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Settings, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn both_providers_parse() {
        assert!(parse(r#"{"provider":"local","path":"k","key_file":"f"}"#).is_ok());
        let auth = r#"{"method":"token_file","path":"t"}"#;
        assert!(
            parse(&format!(r#"{{"provider":"vault","address":"https://v:8200","auth":{auth}}}"#))
                .is_ok()
        );
    }

    #[test]
    fn unknown_keys_are_refused_at_every_depth() {
        let vault = |more: &str, auth: &str| {
            format!(r#"{{"provider":"vault","address":"https://v:8200"{more},"auth":{auth}}}"#)
        };
        for bad in [
            r#"{"provider":"local","path":"k","key_file":"f","mode":1}"#.to_owned(),
            r#"{"provider":"hsm","path":"k"}"#.to_owned(),
            vault(r#","token":"hvs.x""#, r#"{"method":"token_file","path":"t"}"#),
            vault("", r#"{"method":"token_file","path":"t","token":"hvs.x"}"#),
            vault("", r#"{"method":"app_role","role_id":"r","secret_id":"s"}"#),
        ] {
            assert!(parse(&bad).is_err(), "{bad}");
        }
    }
}
