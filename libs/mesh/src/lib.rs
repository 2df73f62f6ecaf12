//! Envoy around the services.
//!
//! [`Templates`] are the two files of `deploy/envoy`; a [`Plan`] holds the
//! names and addresses that they are rendered with, as one bootstrap for a
//! whole mesh in one Envoy (`signet dev`) or as one for each proxy (compose,
//! Kubernetes). [`access`] says who may call whom, after the `access` options
//! of the protos. [`certificates`] makes a development authority, and
//! [`EnvoyProcess`] runs the proxy.

pub mod access;
mod admin;
pub mod certificates;
mod error;
mod files;
mod merge;
mod plan;
mod process;
mod template;

pub use error::{Error, Result};
pub use plan::{Address, Edge, Plan, Templates};
pub use process::{EnvoyOptions, EnvoyProcess, find_envoy};

/// The services, as their SPIFFE ids and proto packages name them.
pub const SERVICES: [&str; 6] = ["auth", "envelope", "storage", "anonymizer", "response", "audit"];
