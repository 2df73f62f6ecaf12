//! The use cases.

pub mod exchange;
pub mod ports;
pub mod providers;
pub mod sealed;
