//! What restores a text, and how its owner carries it.

mod patches;
mod sealed_mapping;
mod way_back;

pub use patches::Patches;
pub use sealed_mapping::SealedMapping;
pub use way_back::{Formats, WayBack};
