//! Two instances on one real Valkey: what they see of each other's changes, with the
//! server there, gone, back, and frozen.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod loads;
mod node;
mod outages;
mod protection;
mod trust;
