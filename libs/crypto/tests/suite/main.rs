//! The tests of the crate from outside: one binary, since linking is what takes the time.
#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy.toml lets only #[test] functions")]

mod amended;
mod at_rest;
mod common;
mod differential;
mod envelope;
mod hybrid;
mod hygiene;
mod imports;
mod keys;
mod nested;
mod rfc;
mod stream;
mod stream_file;
mod stream_vectors;
mod tamper;
mod wycheproof;
mod wycheproof_hybrid;
