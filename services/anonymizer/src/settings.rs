//! The `[service]` section.

use config::Validate;
use serde::Deserialize;

/// May be left out.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub struct AnonymizerSettings {
    /// How long unwrapped data keys stay in memory.
    #[serde(default)]
    pub data_keys: datakeys::CacheSettings,
}

impl Validate for AnonymizerSettings {}
