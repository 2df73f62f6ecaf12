//! The service behind its door, on both databases and a real blob folder; only
//! the envelope service is played by a fake.
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::panic,
    clippy::expect_used,
    reason = "tests"
)]

mod at_rest;
mod certify;
mod delete;
mod fakes;
mod held_keys;
mod read;
mod settings;
mod world;
mod write;
