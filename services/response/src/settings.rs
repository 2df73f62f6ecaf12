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

impl Validate for ResponseSettings {
    fn validate(&self, problems: &mut Problems) {
        if self.default_model.is_empty() {
            problems.add("default_model", "must name a model");
        }
        if self.providers.is_empty() {
            problems.add("providers", "must have at least one; { kind = \"echo\" } is built in");
        }
        for provider in &self.providers {
            if let ProviderSettings::Openai(settings) = provider {
                let http = |url: &url::Url| matches!(url.scheme(), "http" | "https");
                if !settings.base_url.parse::<url::Url>().is_ok_and(|url| http(&url)) {
                    problems.add("providers", "base_url must be an http or https URL");
                }
                if settings.api_key.is_some() && settings.api_key_file.is_some() {
                    problems.add("providers", "give api_key or api_key_file, not both");
                }
            }
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
