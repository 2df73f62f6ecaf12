//! Sealed mappings: what restores a text, as its owner carries it.

mod sealed_mapping;

pub use sealed_mapping::SealedMapping;
