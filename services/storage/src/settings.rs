use config::{Problems, Validate};
use serde::Deserialize;

/// The `[service]` section.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageSettings {
    /// Where the encrypted texts are kept.
    pub blobs: cas::Settings,
    /// How long unwrapped data keys stay in memory.
    #[serde(default)]
    pub data_keys: datakeys::CacheSettings,
}

impl Validate for StorageSettings {
    fn validate(&self, problems: &mut Problems) {
        if let cas::Settings::File { path } = &self.blobs
            && !path.is_absolute()
        {
            problems.add("blobs.path", "must be an absolute path");
        }
    }
}
