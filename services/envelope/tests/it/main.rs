//! The service without its door: real databases, real cryptography, a real keyring.
#![allow(
    clippy::unwrap_used,
    clippy::unwrap_in_result,
    clippy::expect_used,
    clippy::panic,
    reason = "tests"
)]

mod batches;
mod certificates;
mod client;
mod crash;
mod cut;
mod data_keys;
mod enrolment;
mod envelopes;
mod hybrid;
mod kek;
mod kek_vault;
mod kept;
mod keys;
mod lifecycle;
mod records;
mod releases;
mod revocation;
mod rewraps;
mod rotation;
mod server;
mod signing;
mod streams;
