//! The use cases.

pub mod append;
pub mod integrate;
pub mod ports;
pub mod prove;
