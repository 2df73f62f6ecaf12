//! Runs services: one a process ([`main`]), or several in one ([`serve`]).
//!
//! Everything that every service needs comes from here, so that a service is its
//! protos, its use cases and one function that puts them together.

mod admin;
mod app;
mod health;
mod memory;
mod process;
mod serve;
mod settings;
mod tasks;

pub use admin::serve_metrics;
pub use app::{App, Parts, Service};
pub use memory::{ProcessSettings, Protection, protect};
pub use process::{log_panics, main, terminated};
pub use serve::serve;
pub use settings::{ServerSettings, Settings, TelemetrySettings};
