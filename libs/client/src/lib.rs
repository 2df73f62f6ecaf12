//! The client: subcommands that talk to the edge, and what they share.
//!
//! * [`session`]: where the edge is and who calls; [`profile`]: what is remembered;
//!   [`connection`]: the calls themselves.
//! * [`sealing`], [`asking`] and [`proofs`]: what must happen here and not in the mesh.
//! * [`commands`]: a file for each group of subcommands.

pub mod asking;
pub mod commands;
pub mod connection;
pub mod errors;
pub mod output;
pub mod private_file;
pub mod problem;
pub mod profile;
pub mod proofs;
pub mod reference;
pub mod sealing;
pub mod session;
pub mod terminal;
pub mod trace;

pub use private_file::{read as read_private, write as write_private};
pub use problem::{Problem, Result};
