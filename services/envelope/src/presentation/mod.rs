//! The gRPC services: parse, call a use case, answer.

mod convert;
mod data_key_service;
mod envelope_service;
mod key_service;
mod release_service;

pub use data_key_service::DataKeyApi;
pub use envelope_service::EnvelopeApi;
pub use key_service::KeyApi;
pub use release_service::ReleaseApi;
