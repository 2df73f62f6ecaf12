//! Model providers, from the variables that OpenAI's own SDKs read.

use std::env;

use config::Duration;
use kernel::Secret;
use response::{OpenAiSettings, ProviderSettings, ResponseSettings};

const OPENAI: &str = "https://api.openai.com/v1";

/// `echo` is always there; `OPENAI_BASE_URL` or `OPENAI_API_KEY` add a provider
/// for every other model, and `OPENAI_MODEL` is then the default.
pub fn settings() -> ResponseSettings {
    let given = |name: &str| env::var(name).ok().filter(|value| !value.is_empty());
    let (base_url, api_key) = (given("OPENAI_BASE_URL"), given("OPENAI_API_KEY"));
    let mut providers = vec![ProviderSettings::Echo];
    let mut default_model = "echo".to_owned();
    if base_url.is_some() || api_key.is_some() {
        providers.push(ProviderSettings::Openai(OpenAiSettings {
            name: "openai".to_owned(),
            base_url: base_url.unwrap_or_else(|| OPENAI.to_owned()),
            api_key_file: None,
            api_key: api_key.map(Secret::new),
            models: Vec::new(),
            connect_timeout: Duration::from_secs(5),
            idle_timeout: Duration::from_secs(120),
        }));
        default_model = given("OPENAI_MODEL").unwrap_or(default_model);
    }
    ResponseSettings { default_model, providers, answer_ttl: Duration::from_secs(3_600) }
}
