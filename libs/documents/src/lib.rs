//! Documents: the values that they hold, with the keys, headers and columns that say what these
//! are; what is personal in them, found where it stands in the document's own bytes; and the same
//! document with other values, in which not a byte has changed beside them.
//!
//! A pure library: a document in, findings or a document out. What is not of its format is
//! refused as a whole, so that nothing of it passes for having been searched.

mod csv;
mod detect;
mod document;
mod find;
mod format;
mod html;
mod json;
mod leaf;
mod mail;
mod malformed;
mod markdown;
mod path;
mod pieces;
mod site;
mod xml;

pub use detect::{Placed, detect};
pub use document::{Document, Edit, Value};
pub use find::{FieldRule, Search};
pub use format::Format;
pub use malformed::{Broken, Malformed};
pub use path::{NoPath, Selector};
pub use pieces::Pieces;
