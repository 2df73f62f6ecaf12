//! Personal data in structured documents: JSON, lines of JSON, and tables with delimiters.
//!
//! A pure library. A document is taken apart into its [`Value`]s, each with what it is called (a
//! key, a column's header) and where it stands. A value is searched in the company of its name,
//! because `"ssn": "123456789"` says what `123456789` alone does not; findings are places in the
//! document as it was given, escapes and quotes included.

mod csv;
mod detect;
mod format;
mod json;
mod malformed;
mod value;

pub use detect::detect;
pub use format::Format;
pub use malformed::Malformed;
pub use value::Value;
