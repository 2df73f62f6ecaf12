//! Which region, which keys. Credentials come from where AWS puts them.

use std::collections::BTreeMap;
use std::time::Duration;

use kernel::{Fault, Result, TenantId};
use serde::Deserialize;
use url::{Host, Url};

use crate::breaker::BreakerSettings;
use crate::reasons;

/// Stands for the tenant's id in the alias.
pub(super) const TENANT: &str = "{tenant}";
const MAX_ALIAS: usize = 200;

/// Credentials are not here. They are found as by AWS's own tools: in the
/// environment (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
/// `AWS_SESSION_TOKEN`), by a web identity token file, from the container's or
/// the instance's endpoint.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AwsSettings {
    /// `eu-central-1`.
    pub region: String,
    /// The alias of a tenant's keys, without `alias/`; `{tenant}` stands for the tenant's id.
    #[serde(default = "default_alias")]
    pub alias: String,
    /// Tenants with a key of their own making: its ARN. Not rotated and not destroyed by us.
    #[serde(default)]
    pub keys: BTreeMap<TenantId, String>,
    /// Of KMS, if it is not the region's own: an interface endpoint, a FIPS
    /// endpoint, another partition.
    pub endpoint: Option<String>,
    /// For one request, connecting included.
    #[serde(default = "default_timeout")]
    pub timeout_ms: u32,
    /// How many requests of one batch are under way at once.
    #[serde(default = "default_concurrency")]
    pub concurrency: u8,
    /// How long AWS waits before it destroys a key: 7 to 30 days.
    #[serde(default = "default_waiting_days")]
    pub deletion_waiting_days: u8,
    /// When to stop asking a KMS that does not answer.
    #[serde(default)]
    pub breaker: BreakerSettings,
}

fn default_alias() -> String {
    "signet/{tenant}".into()
}

fn default_timeout() -> u32 {
    5_000
}

fn default_concurrency() -> u8 {
    16
}

fn default_waiting_days() -> u8 {
    30
}

impl AwsSettings {
    /// Returns where KMS is.
    pub(super) fn check(&self) -> Result<Url> {
        let word = |text: &str| {
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        if !word(&self.region) {
            return Err(misconfigured("region must be letters, digits and `-`"));
        }
        let rest = self.alias.replacen(TENANT, "", 1);
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-');
        if rest.len() == self.alias.len()
            || self.alias.len() > MAX_ALIAS
            || !rest.bytes().all(allowed)
            || rest.starts_with("aws/")
        {
            return Err(misconfigured(
                "alias must hold `{tenant}` once, else letters, digits, `/`, `_` and `-`, and not begin with `aws/`",
            ));
        }
        if self.keys.values().any(|key| !key.starts_with("arn:")) {
            return Err(misconfigured("keys must be given by their ARN"));
        }
        if !(7..=30).contains(&self.deletion_waiting_days) {
            return Err(misconfigured("deletion_waiting_days must be 7 to 30"));
        }
        self.address()
    }

    fn address(&self) -> Result<Url> {
        let Some(endpoint) = &self.endpoint else {
            return Url::parse(&format!("https://kms.{}.amazonaws.com/", self.region))
                .map_err(|_| misconfigured("region is no part of a host's name"));
        };
        let url = Url::parse(endpoint).map_err(|_| misconfigured("endpoint is not a URL"))?;
        let here = match url.host() {
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => false,
        };
        let clean = url.path() == "/" && url.query().is_none() && url.username().is_empty();
        if !clean || !(url.scheme() == "https" || url.scheme() == "http" && here) {
            return Err(misconfigured("endpoint must be https://host[:port] and no more"));
        }
        Ok(url)
    }

    pub(super) fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms.max(1).into())
    }
}

pub(super) fn misconfigured(note: impl Into<String>) -> Fault {
    Fault::new(&reasons::KMS_MISCONFIGURED).with_note(note)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(json: &str) -> AwsSettings {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn the_address_follows_the_region_unless_given() {
        let url = settings(r#"{"region":"eu-central-1"}"#).check().unwrap();
        assert_eq!(url.as_str(), "https://kms.eu-central-1.amazonaws.com/");
        let given = r#"{"region":"x","endpoint":"https://kms-fips.us-east-1.amazonaws.com"}"#;
        assert!(settings(given).check().is_ok());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let tenant = TenantId::new();
        for (json, field) in [
            (r#"{"region":"a b"}"#.to_owned(), "region"),
            (r#"{"region":""}"#.to_owned(), "region"),
            (r#"{"region":"r","alias":"signet"}"#.to_owned(), "alias"),
            (r#"{"region":"r","alias":"aws/{tenant}"}"#.to_owned(), "alias"),
            (r#"{"region":"r","alias":"{tenant}{tenant}"}"#.to_owned(), "alias"),
            (r#"{"region":"r","endpoint":"http://kms.example/"}"#.to_owned(), "endpoint"),
            (r#"{"region":"r","endpoint":"https://u@kms.example/"}"#.to_owned(), "endpoint"),
            (r#"{"region":"r","endpoint":"https://kms.example/path"}"#.to_owned(), "endpoint"),
            (r#"{"region":"r","deletion_waiting_days":6}"#.to_owned(), "deletion_waiting_days"),
            (format!(r#"{{"region":"r","keys":{{"{tenant}":"alias/x"}}}}"#), "keys"),
        ] {
            let fault = settings(&json).check().err().unwrap();
            assert!(fault.note().unwrap().starts_with(field), "{json}");
        }
        let secret = r#"{"region":"r","secret_access_key":"x"}"#;
        assert!(serde_json::from_str::<AwsSettings>(secret).is_err());
    }
}
