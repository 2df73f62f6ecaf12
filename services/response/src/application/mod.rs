//! The use cases.

pub mod exchange;
pub mod ports;
pub mod providers;
mod record;
pub mod sealed;
mod tail;
