//! The use cases.

pub mod certify;
pub mod contents;
pub mod create;
pub mod delete;
pub mod once;
pub mod ports;
pub mod read;
pub mod seal;
pub mod sweep;
pub mod update;
