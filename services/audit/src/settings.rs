use std::path::PathBuf;

use config::{Problems, Validate};
use serde::Deserialize;

/// The `[service]` section.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditSettings {
    /// The log's name in checkpoints: a URL without scheme that is yours.
    pub origin: String,
    /// Where the log's tiles and checkpoint are written. One process may write.
    pub log_folder: PathBuf,
    /// The Ed25519 seed that signs checkpoints, 32 bytes, mode 0600; made on the
    /// first start. Back it up: with another key the log is another log.
    pub signing_key_file: PathBuf,
}

impl Validate for AuditSettings {
    fn validate(&self, problems: &mut Problems) {
        if self.origin.is_empty()
            || self.origin.contains(char::is_whitespace)
            || self.origin.contains('+')
        {
            problems.add("origin", "must be a URL without scheme, without spaces and plus signs");
        }
    }
}
