//! The gRPC services: parse, call a use case, answer.

mod event_service;
mod ingest_service;
mod log_service;

pub use event_service::EventApi;
pub use ingest_service::IngestApi;
pub use log_service::LogApi;
