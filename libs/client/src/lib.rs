//! The client: subcommands that talk to the edge, and what they share.
//!
//! * [`session`]: where the edge is and who calls; [`profile`]: what is remembered;
//!   [`connection`]: the calls themselves.
//! * [`sealing`], [`rewrapping`], [`asking`] and [`proofs`]: what must happen here and not in the
//!   mesh; [`explain`]: what needs neither the mesh nor a key.
//! * [`sealed_file`]: files of any size; [`transfer`]: how they travel.
//! * [`commands`]: a file for each group of subcommands.

pub mod asking;
pub mod commands;
pub mod connection;
pub mod explain;
pub mod gathering;
pub mod profile;
pub mod proofs;
pub mod rewrapping;
pub mod sealed_file;
pub mod sealing;
pub mod session;
pub mod trace;
pub mod transfer;
