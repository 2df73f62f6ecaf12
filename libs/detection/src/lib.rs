//! Detection as one call wants it: the engine of `pii` with thresholds by type, lists of what is
//! always or never personal, recognizers of the call itself, and hints about the language.
//!
//! A pure library: a text, the engine and [`Wishes`] in, findings out. [`offsets`] turns their
//! spans into what the reader counts. [`Running`] searches a text of any size as it arrives.

mod ad_hoc;
mod asked;
mod country;
pub mod custom;
mod lists;
pub mod offsets;
mod recognizer;
mod running;
mod wishes;

pub use asked::{Asked, Denied, InvalidWish, NewRecognizer};
pub use country::country;
pub use running::{NotUtf8, Part, Running, Utf8};
pub use wishes::Wishes;
