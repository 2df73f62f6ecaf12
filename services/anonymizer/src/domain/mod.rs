//! What is stored: policies and recognizers.

mod stored_policy;
mod stored_recognizer;

pub use stored_policy::{PolicyName, StoredPolicy};
pub use stored_recognizer::{SealedRecognizer, StoredRecognizer, recognizer_id, recognizer_name};
