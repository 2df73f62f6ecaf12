//! What the command line and its reader share: how answers, problems and progress are shown,
//! and files that are the caller's own.
//!
//! * [`terminal`]: lines for a person; [`output`]: answers, aligned or as JSON; [`tree`]: nested
//!   ones; [`progress`]: long work; [`measures`]: sizes and
//!   times.
//! * [`arguments`]: what several commands take.
//! * [`problem`]: what went wrong, and what to do; [`errors`]: the page of all reasons.
//! * [`private_file`]: files that nobody else may read.
//! * [`reference`]: the page of all commands.

pub mod arguments;
pub mod errors;
pub mod measures;
pub mod output;
pub mod private_file;
pub mod problem;
pub mod progress;
pub mod reference;
pub mod terminal;
pub mod tree;
