//! The client: subcommands that talk to the edge, and what they share.
//!
//! * [`session`]: where the edge is and who calls; [`profile`]: what is remembered;
//!   [`connection`]: the calls themselves.
//! * [`sealing`], [`rewrapping`], [`asking`] and [`proofs`]: what must happen here and not in the
//!   mesh; [`explain`]: what needs neither the mesh nor a key.
//! * [`sealed_file`]: files of any size; [`transfer`] and [`progress`]: long work.
//! * [`commands`]: a file for each group of subcommands.

pub mod asking;
pub mod catalogue;
pub mod commands;
pub mod connection;
pub mod errors;
pub mod explain;
pub mod gathering;
pub mod output;
pub mod private_file;
pub mod problem;
pub mod profile;
pub mod progress;
pub mod proofs;
pub mod reference;
pub mod rewrapping;
pub mod sealed_file;
pub mod sealing;
pub mod session;
pub mod terminal;
pub mod trace;
pub mod transfer;
pub mod tree;

pub use private_file::{read as read_private, write as write_private};
pub use problem::{Problem, Result};
