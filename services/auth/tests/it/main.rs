//! The service behind its real guard, on real databases. Only the envelope
//! service is played by somebody else.
#![allow(clippy::unwrap_used, clippy::unwrap_in_result, clippy::panic, reason = "tests")]

mod api_keys;
mod bootstrap;
mod check;
mod fixture;
mod log_in;
mod settings;
mod signing;
mod users;
