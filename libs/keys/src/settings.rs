//! Which provider, and where.

use std::collections::HashSet;
use std::sync::Arc;

use kernel::{Fault, Result, SharedClock, TenantId};
use serde::Deserialize;

#[cfg(feature = "aws-kms")]
use crate::aws::{AwsKms, AwsSettings};
use crate::kms::Kms;
use crate::local::{LocalKms, LocalSettings};
use crate::reasons;
use crate::router::Router;
use crate::vault::{VaultKms, VaultSettings};
use crate::wrapped::Provider;

/// `{ provider = "local", … }` or `{ provider = "vault", … }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "provider", rename_all = "snake_case")]
pub enum Settings {
    Local(LocalSettings),
    Vault(VaultSettings),
    /// Only in builds with the feature `aws-kms`.
    #[cfg(feature = "aws-kms")]
    Aws(AwsSettings),
}

impl Settings {
    pub const fn provider(&self) -> Provider {
        match self {
            Self::Local(_) => Provider::Local,
            Self::Vault(_) => Provider::Vault,
            #[cfg(feature = "aws-kms")]
            Self::Aws(_) => Provider::Aws,
        }
    }
}

/// Tenants that are not on the default provider.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    pub provider: Provider,
    pub tenants: Vec<TenantId>,
}

/// What is wrong with several providers taken together: nothing, or a sentence.
///
/// There is at most one of a kind, since a wrapped key names the kind that
/// wrapped it and no more.
pub fn check(
    default: &Settings,
    further: &[Settings],
    assignments: &[Assignment],
) -> Result<(), String> {
    let mut known = vec![default.provider()];
    for settings in further {
        let provider = settings.provider();
        if known.contains(&provider) {
            return Err(format!("there may be one provider of a kind; {provider} is there twice"));
        }
        known.push(provider);
    }
    let mut tenants = HashSet::new();
    for Assignment { provider, tenants: assigned } in assignments {
        if !known.contains(provider) {
            return Err(format!("tenants are on {provider}, which is not configured"));
        }
        if let Some(twice) = assigned.iter().find(|tenant| !tenants.insert(**tenant)) {
            return Err(format!("tenant {twice} is assigned twice"));
        }
    }
    Ok(())
}

/// Opens several providers as one: `default` for all tenants but those that are
/// assigned to another; each wrapped key is opened by whoever wrapped it.
pub async fn open_all(
    default: &Settings,
    further: &[Settings],
    assignments: &[Assignment],
    clock: SharedClock,
) -> Result<Arc<dyn Kms>> {
    check(default, further, assignments)
        .map_err(|note| Fault::new(&reasons::KMS_MISCONFIGURED).with_note(note))?;
    let first = open(default, clock.clone()).await?;
    if further.is_empty() {
        return Ok(first);
    }
    let mut others = Vec::with_capacity(further.len());
    for settings in further {
        others.push(open(settings, clock.clone()).await?);
    }
    let tenants = assignments
        .iter()
        .flat_map(|assigned| assigned.tenants.iter().map(|tenant| (*tenant, assigned.provider)));
    Ok(Arc::new(Router::new(first, others, tenants.collect())?))
}

/// Opens the provider. The keyring is read at once, so a wrong passphrase is
/// found at the start; Vault is first asked by [`Kms::health`] or a key.
pub async fn open(settings: &Settings, clock: SharedClock) -> Result<Arc<dyn Kms>> {
    Ok(match settings {
        Settings::Local(local) => Arc::new(LocalKms::open(local, clock).await?),
        Settings::Vault(vault) => Arc::new(VaultKms::new(vault, clock)?),
        #[cfg(feature = "aws-kms")]
        Settings::Aws(aws) => Arc::new(AwsKms::new(aws, clock)?),
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

    fn local() -> Settings {
        parse(r#"{"provider":"local","path":"k","key_file":"f"}"#).unwrap()
    }

    fn vault() -> Settings {
        let auth = r#"{"method":"token_file","path":"t"}"#;
        parse(&format!(r#"{{"provider":"vault","address":"https://v:8200","auth":{auth}}}"#))
            .unwrap()
    }

    #[test]
    fn one_provider_of_a_kind_and_one_provider_a_tenant() {
        let (one, two) = (TenantId::new(), TenantId::new());
        let on = |provider, tenants: &[TenantId]| Assignment { provider, tenants: tenants.into() };
        let good = [on(Provider::Local, &[one]), on(Provider::Vault, &[two])];
        assert_eq!(check(&vault(), &[local()], &good), Ok(()));
        assert_eq!(check(&vault(), &[], &[]), Ok(()));
        for (further, assignments, because) in [
            (vec![vault()], vec![], "vault is there twice"),
            (vec![local(), local()], vec![], "local is there twice"),
            (vec![], vec![on(Provider::Local, &[one])], "local, which is not configured"),
            (vec![local()], vec![on(Provider::Local, &[one, one])], "assigned twice"),
            (
                vec![local()],
                vec![on(Provider::Local, &[one]), on(Provider::Vault, &[one])],
                "assigned twice",
            ),
        ] {
            let told = check(&vault(), &further, &assignments).unwrap_err();
            assert!(told.contains(because), "{told}");
        }
    }
}
