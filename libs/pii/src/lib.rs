//! Finds personal data in text, replaces it, and restores it.
//!
//! A pure library: no I/O, no clock, no async. Detection is data-driven (`recognizers/*.toml`
//! and the word lists in `data/`); see `docs/data-sources.md` for where the lists come from.

mod anonymize;
pub mod chat;
mod context;
mod decode;
mod engine;
mod entity;
mod explain;
mod mapping;
mod names;
mod normalize;
mod placeholder;
mod prefix;
mod recognizer;
mod repetition;
mod residue;
mod resolve;
mod restore;
mod scan;
mod which;

pub use anonymize::{Anonymized, Anonymizer, TooMuch};
pub use engine::{DEFAULT_MIN_SCORE, Engine, Options};
pub use entity::{Category, EntityInfo, EntityType, Finding, RecognizerInfo};
pub use explain::Explanation;
pub use mapping::{Mapping, MappingError};
pub use normalize::normalized;
pub use placeholder::{Assigner, PlaceholderKey, normalize_subject};
pub use recognizer::RecognizerError;
pub use restore::{Escape, NotUtf8, StreamRestorer};
