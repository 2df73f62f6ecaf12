//! How long values are kept, how many, and where the shared level is.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration as Std;

use config::{Duration, Problems, Validate};
use kernel::Secret;
use serde::Deserialize;

/// Bytes of [`RedisSettings::secret`], at least.
const SECRET_AT_LEAST: usize = 32;
/// While invalidations cannot be heard, nothing in the process is used for longer.
const OFFLINE_TTL_AT_MOST: Duration = Duration::from_secs(1);

/// Whatever the settings say, and no library has trouble with it.
pub(crate) const LONGEST: Std = Std::from_secs(7 * 24 * 3_600);

const TTL: Duration = Duration::from_secs(300);
const SHARED_TTL: Duration = Duration::from_secs(900);

/// One cache. Every key has a default; without `redis` there is only the level
/// in the process.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How long a value is used in the process: `5m`, or less where the service
    /// bounds it.
    pub ttl: Option<Duration>,
    /// How long it is known that there is no value; `0s`: not at all.
    pub negative_ttl: Duration,
    /// How long a value is used while Redis is configured but silent, so that
    /// invalidations cannot be heard. At most `1s`; `0s`: not at all.
    pub offline_ttl: Duration,
    /// Values held in the process.
    pub max_entries: u64,
    /// The level that all instances share.
    pub redis: Option<RedisSettings>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ttl: None,
            negative_ttl: Duration::from_secs(0),
            offline_ttl: Duration::from_secs(1),
            max_entries: 10_000,
            redis: None,
        }
    }
}

/// Redis 6 or Valkey: one server, or one address that leads to the primary.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedisSettings {
    /// `redis://user:password@host:6379/0`, or `rediss://` for TLS. Holds a
    /// password, so it is never shown; `config` also accepts `url_file`.
    pub url: Secret<String>,
    /// Authenticates what is stored there: whoever can write to Redis cannot
    /// make up a value. The same for all instances, 32 bytes or more;
    /// `config` also accepts `secret_file`.
    pub secret: Secret<String>,
    /// PEM certificates of the authorities that may sign the server's; needed
    /// for `rediss://` (a distribution's own bundle will do).
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// How long a value is kept there: `15m`, or less where the service bounds it.
    #[serde(default)]
    pub ttl: Option<Duration>,
    /// How long a look-up waits for Redis before it goes on without.
    #[serde(default = "defaults::command_timeout")]
    pub command_timeout: Duration,
    /// How long a connection attempt may take.
    #[serde(default = "defaults::connect_timeout")]
    pub connect_timeout: Duration,
}

mod defaults {
    use config::Duration;

    pub(super) const fn command_timeout() -> Duration {
        Duration::from_millis(100)
    }
    pub(super) const fn connect_timeout() -> Duration {
        Duration::from_secs(1)
    }
}

impl Settings {
    /// For values that must be nowhere older than this, even if an invalidation is
    /// lost: what is not set is at most this long. What is set to more is refused by
    /// [`Self::validate_within`], which the service calls beside `validate`.
    #[must_use]
    pub fn within(mut self, most: Duration) -> Self {
        self.ttl = Some(self.ttl.unwrap_or(TTL).min(most));
        if let Some(redis) = &mut self.redis {
            redis.ttl = Some(redis.ttl.unwrap_or(SHARED_TTL).min(most));
        }
        self
    }

    pub fn validate_within(&self, most: Duration, problems: &mut Problems) {
        let longer = |ttl: Option<Duration>| ttl.is_some_and(|ttl| ttl > most);
        if longer(self.ttl) {
            problems.add("ttl", format!("must be at most {most}"));
        }
        if longer(self.redis.as_ref().and_then(|redis| redis.ttl)) {
            problems.add("redis.ttl", format!("must be at most {most}"));
        }
    }

    pub(crate) fn ttl(&self) -> Std {
        self.ttl.unwrap_or(TTL).get()
    }
}

impl RedisSettings {
    pub(crate) fn ttl(&self) -> Std {
        self.ttl.unwrap_or(SHARED_TTL).get()
    }

    /// Defaults for the server and the secret given.
    pub fn new(url: impl Into<String>, secret: impl Into<String>) -> Self {
        Self {
            url: Secret::new(url.into()),
            secret: Secret::new(secret.into()),
            ca_file: None,
            ttl: None,
            command_timeout: defaults::command_timeout(),
            connect_timeout: defaults::connect_timeout(),
        }
    }
}

impl fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSettings")
            .field("ca_file", &self.ca_file)
            .field("ttl", &self.ttl())
            .field("command_timeout", &self.command_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .finish_non_exhaustive()
    }
}

impl Validate for Settings {
    fn validate(&self, problems: &mut Problems) {
        if self.offline_ttl > OFFLINE_TTL_AT_MOST {
            problems.add("offline_ttl", "must be at most 1s");
        }
        if self.negative_ttl.get() > self.ttl() {
            problems.add("negative_ttl", "must not be longer than ttl");
        }
        if let Some(redis) = &self.redis {
            problems.section("redis", redis);
        }
    }
}

impl Validate for RedisSettings {
    fn validate(&self, problems: &mut Problems) {
        if self.secret.expose().len() < SECRET_AT_LEAST {
            problems.add("secret", "must have at least 32 bytes");
        }
        for (key, duration) in [
            ("ttl", self.ttl.unwrap_or(SHARED_TTL)),
            ("command_timeout", self.command_timeout),
            ("connect_timeout", self.connect_timeout),
        ] {
            if duration.get() == Std::ZERO {
                problems.add(key, "must not be 0");
            }
        }
        problems.check("url", crate::connect::options(self).map(drop));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(settings: &Settings) -> Vec<String> {
        let mut problems = Problems::default();
        settings.validate(&mut problems);
        problems.iter().map(ToString::to_string).collect()
    }

    fn with(redis: RedisSettings) -> Settings {
        Settings { redis: Some(redis), ..Settings::default() }
    }

    #[test]
    fn the_defaults_are_the_designs() {
        let settings: Settings = serde_json::from_str("{}").unwrap();
        assert_eq!(settings.ttl(), Std::from_secs(300));
        assert_eq!(RedisSettings::new("", "").ttl(), Std::from_secs(900));
        assert!(problems(&settings).is_empty());
    }

    #[test]
    fn a_service_can_bound_the_age_of_values() {
        let most = Duration::from_secs(15);
        let bounded = with(RedisSettings::new("redis://h", "")).within(most);
        assert_eq!(bounded.ttl(), Std::from_secs(15));
        assert_eq!(bounded.redis.as_ref().unwrap().ttl(), Std::from_secs(15));
        let mut problems = Problems::default();
        bounded.validate_within(most, &mut problems);
        assert!(problems.is_empty());
        bounded.validate_within(Duration::from_millis(14_999), &mut problems);
        let named: Vec<_> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert_eq!(named, ["ttl", "redis.ttl"]);
    }

    #[test]
    fn unknown_keys_are_refused() {
        assert!(serde_json::from_str::<Settings>(r#"{"tll":"1s"}"#).is_err());
        let redis = r#"{"redis":{"url":"redis://h","secret":"s","tls":true}}"#;
        assert!(serde_json::from_str::<Settings>(redis).is_err());
    }

    #[test]
    fn what_is_wrong_is_named_and_never_shown() {
        let secret = "s".repeat(SECRET_AT_LEAST);
        for good in ["redis://h", "redis://u:hunter2@h:6380/2", "redis://[::1]:6379"] {
            assert_eq!(problems(&with(RedisSettings::new(good, &*secret))), [""; 0], "{good}");
        }
        for bad in ["", "hunter2", "http://hunter2@h", "redis-cluster://h", "rediss://hunter2@h"] {
            let settings = with(RedisSettings::new(bad, &*secret));
            let found = problems(&settings).join("\n");
            assert!(found.starts_with("redis.url: "), "{bad}: {found}");
            assert!(!found.contains("hunter2") && !format!("{settings:?}").contains("hunter2"));
        }
        let short = with(RedisSettings::new("redis://h", "short"));
        assert_eq!(problems(&short), ["redis.secret: must have at least 32 bytes"]);
        let slow = Settings { offline_ttl: Duration::from_secs(2), ..Settings::default() };
        assert_eq!(problems(&slow), ["offline_ttl: must be at most 1s"]);
    }
}
