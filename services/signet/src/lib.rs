//! `signet dev` runs the six services behind one Envoy; the other subcommands
//! are the client.

pub mod cli;
pub mod client;
pub mod dev;
pub mod mesh_command;
pub mod reference;
pub mod terminal;
pub mod tour;

pub use cli::main;
