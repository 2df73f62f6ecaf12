//! The use cases.

pub mod at_rest;
pub mod envelopes;
pub mod keys;
pub mod ports;
pub mod record;
