//! Personal data in files, found on this machine: no mesh, no profile, no network.
//!
//! * [`jsonl`]: a line of JSON in, a line of JSON out, for tools; files of any size.
//! * [`view`]: a text for a terminal, its findings marked; [`html`]: the same as a report.
//! * [`choice`]: what to look for, and what was found as rows; [`offsets`]: spans as the reader
//!   counts.
//!
//! The engine is `libs/pii`; here is what surrounds it: reading, threads, showing.

pub mod catalogue;
pub mod choice;
pub mod html;
pub mod jsonl;
mod tally;
pub mod view;

pub use detection::offsets;
