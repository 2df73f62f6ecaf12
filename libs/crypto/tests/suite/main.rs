//! The tests of the crate from outside: one binary, since linking is what takes the time.
#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy.toml lets only #[test] functions")]

mod common;
mod envelope;
mod tamper;
