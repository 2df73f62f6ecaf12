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
        let field = if path == "." { "body".to_owned() } else { path };
        Fault::invalid(field, "is missing, or has the wrong type or form")
    })
}
