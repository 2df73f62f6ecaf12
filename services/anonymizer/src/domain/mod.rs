//! What restores a text, how its owner carries it, policies as they are stored, and what callers
//! of Presidio send.

mod patches;
pub mod presidio;
mod sealed_mapping;
mod stored_policy;
mod way_back;

pub use patches::Patches;
pub use sealed_mapping::SealedMapping;
pub use stored_policy::{PolicyName, StoredPolicy};
pub use way_back::{Formats, WayBack};
