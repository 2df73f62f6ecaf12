//! What restores a text, how its owner carries it, and policies as they are stored.

mod sealed_mapping;
mod stored_policy;
mod way_back;

pub use sealed_mapping::SealedMapping;
pub use stored_policy::{PolicyName, StoredPolicy};
pub use way_back::{Formats, WayBack};
