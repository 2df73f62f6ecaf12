//! What becomes of findings, and sealed mappings: what restores a text, as its
//! owner carries it.

mod operator;
mod sealed_mapping;

pub use operator::Operator;
pub use sealed_mapping::SealedMapping;
