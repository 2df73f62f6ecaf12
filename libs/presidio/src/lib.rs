//! What Presidio's two services take and give, as far as it is understood.
//! <https://microsoft.github.io/presidio/api-docs/api-docs.html>
//!
//! Members that are not named here are passed over, as Presidio does. Offsets count code points.

mod analyze;
mod anonymize;
mod operator;

pub use analyze::{AnalyzeRequest, Texts, analyzed};
pub use anonymize::{AnonymizeRequest, Anonymized, anonymized};

use kernel::{Fault, Result};
use serde::de::DeserializeOwned;

/// Reads a body. What is wrong is named by its path, never quoted.
pub fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let told = error.inner().to_string();
        // The name of a field of ours.
        let missing = told.strip_prefix("missing field `").and_then(|rest| rest.split('`').next());
        match (path.as_str(), missing) {
            (".", Some(name)) => Fault::invalid(name, "is missing"),
            (path, Some(name)) => Fault::invalid(format!("{path}.{name}"), "is missing"),
            (".", None) => Fault::invalid("body", "is not the JSON of such a request"),
            (path, None) => Fault::invalid(path, "has the wrong type or form"),
        }
    })
}
