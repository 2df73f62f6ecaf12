//! Prompts, their revisions, and where a text lives.

mod place;
mod prompt;
mod text;

pub use place::Place;
pub use prompt::{Facts, Prompt, Revision};
pub use text::{LONGEST, Text};
