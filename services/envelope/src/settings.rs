use chrono::Duration;
use config::{Problems, Validate};
use crypto::Suite;
use serde::Deserialize;

/// The `[service]` section.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvelopeSettings {
    /// Who holds the tenants' KEKs.
    pub kms: keys::Settings,
    /// Other providers, for tenants that are on them, or were and left keys
    /// behind. At most one of a kind, `kms` counted.
    #[serde(default)]
    pub further_kms: Vec<keys::Settings>,
    /// Tenants that are not on `kms`.
    #[serde(default)]
    pub kms_by_tenant: Vec<keys::Assignment>,
    /// What `keys/response-seal` and `keys/response-sign` of a tenant are made
    /// with. Default `ec`: they are made while a caller waits, and an RSA key
    /// takes a few hundred milliseconds. A change counts for tenants whose keys
    /// are not there yet; rotating keeps a key's algorithm.
    #[serde(default)]
    pub service_key_suite: ServiceKeySuite,
    /// How long keys are known without asking the database. Whether one may be
    /// used is read there whenever something is released, whatever is cached.
    #[serde(default)]
    pub cache: cache::Settings,
    /// How long a data key may be on its way into its holder's database: only
    /// what is counted after this time counts for the certificate of a KEK's
    /// rotation. Longer than any call that stores something takes. Default 300.
    #[serde(default = "settle_seconds")]
    pub kek_settle_seconds: u32,
}

const fn settle_seconds() -> u32 {
    300
}

impl EnvelopeSettings {
    pub(crate) fn kek_settle(&self) -> Duration {
        Duration::seconds(self.kek_settle_seconds.into())
    }
}

#[derive(Debug, Deserialize, Clone, Copy, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ServiceKeySuite {
    /// X25519 and Ed25519.
    #[default]
    Ec,
    /// RSA-OAEP-256 and PS256, 3072 bits.
    Rsa,
    /// X-Wing, and Ed25519 beside ML-DSA-65: then all keys of a tenant who asks
    /// have to be of the hybrid suite.
    Hybrid,
}

impl From<ServiceKeySuite> for Suite {
    fn from(setting: ServiceKeySuite) -> Self {
        match setting {
            ServiceKeySuite::Ec => Self::Ec,
            ServiceKeySuite::Rsa => Self::Rsa,
            ServiceKeySuite::Hybrid => Self::Hybrid,
        }
    }
}

impl Validate for EnvelopeSettings {
    fn validate(&self, problems: &mut Problems) {
        for (key, settings) in std::iter::once(("kms", &self.kms))
            .chain(self.further_kms.iter().map(|settings| ("further_kms", settings)))
        {
            if let keys::Settings::Local(local) = settings
                && local.passphrase_file.is_some() == local.key_file.is_some()
            {
                problems.add(key, "exactly one of passphrase_file and key_file must be set");
            }
        }
        if let Err(wrong) = keys::check(&self.kms, &self.further_kms, &self.kms_by_tenant) {
            problems.add("further_kms", wrong);
        }
        problems.section("cache", &self.cache);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn the_sample_is_valid_and_complete() {
        let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("config.sample.toml");
        if let Err(problems) = config::check_sample::<boot::Settings<EnvelopeSettings>>(&sample) {
            panic!("{:?}", problems.iter().map(ToString::to_string).collect::<Vec<_>>());
        }
    }
}
