//! What restores a text, how its owner carries it, and what is stored: policies, recognizers.

mod patches;
mod sealed_mapping;
mod stored_policy;
mod stored_recognizer;
mod way_back;

pub use patches::Patches;
pub use sealed_mapping::SealedMapping;
pub use stored_policy::{PolicyName, StoredPolicy};
pub use stored_recognizer::{SealedRecognizer, StoredRecognizer, recognizer_id, recognizer_name};
pub use way_back::{Formats, WayBack};
