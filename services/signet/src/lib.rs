//! `signet dev` runs the six services behind one Envoy; the other subcommands
//! are the client.

pub mod cli;
pub mod dev;
pub mod mesh_command;
pub mod tour;

pub use cli::main;
