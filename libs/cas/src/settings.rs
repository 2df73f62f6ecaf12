//! Which store, and where.

use std::path::PathBuf;

use serde::Deserialize;

/// `{ kind = "file", path = "…" }`, `{ kind = "memory" }` or `{ kind = "s3", … }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Settings {
    /// A directory of this machine, created with mode 0700 if it is absent.
    File { path: PathBuf },
    /// Gone when the process ends: for tests. (Braces, because serde ignores
    /// unknown keys beside a unit variant.)
    Memory {},
    /// S3 or what speaks like it; needs a build with the feature `s3`.
    S3(S3Settings),
}

/// Without `access_key_id` the credentials come from where AWS's own tools look:
/// environment, web identity, instance role.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct S3Settings {
    pub bucket: String,
    #[serde(default = "default_region")]
    pub region: String,
    /// Another server than AWS: `https://minio.internal:9000`.
    pub endpoint: Option<String>,
    /// Several deployments can share a bucket under different prefixes.
    pub prefix: Option<String>,
    pub access_key_id: Option<String>,
    /// The file with the secret half; secrets are named by path, never written here.
    pub secret_access_key_file: Option<PathBuf>,
    /// Plain HTTP, for a test server on this machine.
    #[serde(default)]
    pub allow_http: bool,
}

fn default_region() -> String {
    "us-east-1".into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> Result<Settings, serde_json::Error> {
        serde_json::from_str(json)
    }

    #[test]
    fn every_kind_parses() {
        assert!(matches!(parse(r#"{"kind":"file","path":"/x"}"#), Ok(Settings::File { .. })));
        assert!(matches!(parse(r#"{"kind":"memory"}"#), Ok(Settings::Memory {})));
        let s3 = parse(r#"{"kind":"s3","bucket":"b"}"#).unwrap();
        assert!(matches!(s3, Settings::S3(s3) if s3.region == "us-east-1" && !s3.allow_http));
    }

    #[test]
    fn unknown_keys_and_kinds_are_refused() {
        for bad in [
            r#"{"kind":"file","path":"/x","mode":1}"#,
            r#"{"kind":"memory","path":"/x"}"#,
            r#"{"kind":"s3","bucket":"b","secret":"s"}"#,
            r#"{"kind":"tape"}"#,
            r#"{"path":"/x"}"#,
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
