//! The real Vault as a provider.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

#[path = "../conformance/mod.rs"]
mod conformance;
mod interop;
mod kubernetes;
mod outages;
mod place;
mod provider;
