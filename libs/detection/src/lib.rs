//! Detection as one call wants it: the engine of `pii` with thresholds by type, lists of what is
//! always or never personal, recognizers of the call itself, and hints about the language.
//!
//! A pure library: a text, the engine and [`Wishes`] in, findings out. [`offsets`] turns their
//! spans into what the reader counts.

mod ad_hoc;
mod asked;
pub mod custom;
mod lists;
pub mod offsets;
mod recognizer;
mod wishes;

pub use asked::{Asked, Denied, InvalidWish, NewRecognizer};
pub use wishes::Wishes;
