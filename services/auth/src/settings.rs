use std::path::PathBuf;

use config::{Problems, Validate};
use serde::Deserialize;

use crate::application::key_cache::FRESH;
use crate::domain::{Email, ShortName};

/// The `[service]` section.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthSettings {
    /// Passwords hashed at once, each with 19 MiB and a core; others wait.
    #[serde(default = "defaults::max_hashings")]
    pub max_hashings: usize,
    /// API keys looked up a moment ago. Instances that share Redis hear at once of
    /// a revocation.
    #[serde(default)]
    pub cache: cache::Settings,
    /// The first tenant and its administrator, made on a start that finds none.
    #[serde(default)]
    pub bootstrap: Option<BootstrapSettings>,
}

impl Default for AuthSettings {
    fn default() -> Self {
        Self {
            max_hashings: defaults::max_hashings(),
            cache: cache::Settings::default(),
            bootstrap: None,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BootstrapSettings {
    /// The tenant's short name, `a-z0-9-`, 3 to 40 characters.
    pub tenant: String,
    /// The administrator's e-mail address.
    pub email: String,
    /// A file with the administrator's first password, one line, readable by
    /// its owner alone. Not read again once the user exists.
    pub password_file: PathBuf,
}

impl Validate for AuthSettings {
    fn validate(&self, problems: &mut Problems) {
        if !(1..=64).contains(&self.max_hashings) {
            problems.add("max_hashings", "must be 1 to 64");
        }
        problems.section("cache", &CacheOfKeys(&self.cache));
        let Some(bootstrap) = &self.bootstrap else { return };
        if ShortName::parse("tenant", &bootstrap.tenant).is_err() {
            problems.add("bootstrap.tenant", "must be 3 to 40 characters of a-z0-9-");
        }
        if Email::parse("email", &bootstrap.email).is_err() {
            problems.add("bootstrap.email", "must be an e-mail address");
        }
    }
}

struct CacheOfKeys<'a>(&'a cache::Settings);

impl Validate for CacheOfKeys<'_> {
    fn validate(&self, problems: &mut Problems) {
        self.0.validate(problems);
        self.0.validate_within(FRESH, problems);
    }
}

mod defaults {
    pub(super) const fn max_hashings() -> usize {
        2
    }
}
