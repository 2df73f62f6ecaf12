//! Envelopes: sealed, opened, verified, rewrapped; content keys released.

pub mod batch;
pub mod open;
pub mod open_stream;
pub mod refusal;
pub mod release;
pub mod rewrap;
pub mod seal;
pub mod sign_manifest;
pub mod verify;
