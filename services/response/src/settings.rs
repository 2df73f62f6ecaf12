//! The `[service]` section.

use std::path::PathBuf;

use config::{Duration, Problems, Validate};
use kernel::Secret;
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseSettings {
    /// The model for requests that name none (a plain text in an envelope).
    pub default_model: String,
    /// Where models are. A model goes to the first provider that has it.
    pub providers: Vec<ProviderSettings>,
    /// How long a sealed answer may be opened.
    #[serde(default = "defaults::answer_ttl")]
    pub answer_ttl: Duration,
}

/// A model provider.
#[derive(Deserialize, Clone)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum ProviderSettings {
    /// Built in: answers with what it received, as the model `echo`.
    Echo,
    /// Anything that speaks OpenAI's chat completions.
    Openai(OpenAiSettings),
}

#[derive(Deserialize, Clone)]
#[serde(deny_unknown_fields)]
pub struct OpenAiSettings {
    /// Shown in receipts and metrics: `a-z0-9-`.
    pub name: String,
    /// Such as `https://api.openai.com/v1`.
    pub base_url: String,
    /// A file that holds the API key; read anew when it changes.
    #[serde(default)]
    pub api_key_file: Option<PathBuf>,
    /// The API key itself, where a file is not possible.
    #[serde(default)]
    pub api_key: Option<Secret<String>>,
    /// The models it has; empty: every model that no provider before it has.
    #[serde(default)]
    pub models: Vec<String>,
    /// How long it may take to accept a connection.
    #[serde(default = "defaults::connect_timeout")]
    pub connect_timeout: Duration,
    /// How long it may be silent.
    #[serde(default = "defaults::idle_timeout")]
    pub idle_timeout: Duration,
}

/// The longest that the envelope service lets an envelope live.
const LONGEST_LIFE: Duration = Duration::from_secs(30 * 86_400);
const NO_TIME: Duration = Duration::from_secs(0);

impl Validate for ResponseSettings {
    fn validate(&self, problems: &mut Problems) {
        if self.default_model.is_empty() {
            problems.add("default_model", "must name a model");
        }
        if self.answer_ttl < Duration::from_secs(1) || self.answer_ttl > LONGEST_LIFE {
            problems.add("answer_ttl", "must be 1s to 30 days");
        }
        if self.providers.is_empty() {
            problems.add("providers", "must have at least one; { kind = \"echo\" } is built in");
        }
        let mut names = vec!["echo"];
        for provider in &self.providers {
            let ProviderSettings::Openai(settings) = provider else { continue };
            settings.check(problems);
            if names.contains(&settings.name.as_str()) {
                problems.add("providers", "must have different names, none of them echo");
            }
            names.push(&settings.name);
        }
    }
}

impl OpenAiSettings {
    fn check(&self, problems: &mut Problems) {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=32).contains(&self.name.len()) || !self.name.bytes().all(legal) {
            problems.add("providers", "name must be 1 to 32 characters of a-z0-9-");
        }
        // Where it may not hold a credential, it may be logged.
        let plain = |url: &url::Url| {
            matches!(url.scheme(), "http" | "https")
                && url.username().is_empty()
                && url.password().is_none()
                && url.query().is_none()
        };
        if !self.base_url.parse::<url::Url>().is_ok_and(|url| plain(&url)) {
            problems.add(
                "providers",
                "base_url must be an http or https URL without credentials and query",
            );
        }
        if self.api_key.is_some() && self.api_key_file.is_some() {
            problems.add("providers", "give api_key or api_key_file, not both");
        }
        if self.connect_timeout == NO_TIME || self.idle_timeout == NO_TIME {
            problems.add("providers", "connect_timeout and idle_timeout must be longer than 0s");
        }
    }
}

mod defaults {
    use config::Duration;

    pub(super) const fn answer_ttl() -> Duration {
        Duration::from_secs(3_600)
    }
    pub(super) const fn connect_timeout() -> Duration {
        Duration::from_secs(5)
    }
    pub(super) const fn idle_timeout() -> Duration {
        Duration::from_secs(120)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn openai(name: &str, base_url: &str) -> ProviderSettings {
        ProviderSettings::Openai(OpenAiSettings {
            name: name.to_owned(),
            base_url: base_url.to_owned(),
            api_key_file: None,
            api_key: None,
            models: Vec::new(),
            connect_timeout: defaults::connect_timeout(),
            idle_timeout: defaults::idle_timeout(),
        })
    }

    fn problems(providers: Vec<ProviderSettings>, answer_ttl: u64) -> usize {
        let settings = ResponseSettings {
            default_model: "echo".to_owned(),
            providers,
            answer_ttl: Duration::from_secs(answer_ttl),
        };
        let mut problems = Problems::default();
        settings.validate(&mut problems);
        problems.iter().count()
    }

    #[test]
    fn what_would_fail_later_is_refused_at_the_start() {
        let sound = || openai("local", "http://127.0.0.1:8000/v1");
        assert_eq!(problems(vec![ProviderSettings::Echo, sound()], 60), 0);
        assert_eq!(problems(vec![], 60), 1);
        assert_eq!(problems(vec![sound()], 0), 1);
        assert_eq!(problems(vec![sound()], 31 * 86_400), 1);
        assert_eq!(problems(vec![sound(), sound()], 60), 1);
        assert_eq!(problems(vec![openai("echo", "http://127.0.0.1")], 60), 1);
        for (name, url) in [
            ("", "https://models.example/v1"),
            ("Open AI", "https://models.example/v1"),
            ("x", "models.example/v1"),
            ("x", "ftp://models.example/v1"),
            ("x", "https://user:password@models.example/v1"),
            ("x", "https://models.example/v1?key=1"),
        ] {
            assert_eq!(problems(vec![openai(name, url)], 60), 1, "{name} {url}");
        }
    }
}
