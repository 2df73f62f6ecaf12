//! The gRPC services: parse, call a use case, answer.

mod certificate_service;
mod convert;
mod data_key_service;
mod envelope_service;
mod envelope_streams;
mod kek_service;
mod key_enrol;
mod key_export;
pub mod key_filter;
mod key_service;
mod key_states;
mod release_service;
mod rewrap_calls;
mod stream_meter;

pub use certificate_service::CertificateApi;
pub use data_key_service::DataKeyApi;
pub use envelope_service::EnvelopeApi;
pub use kek_service::KekApi;
pub use key_service::KeyApi;
pub use release_service::ReleaseApi;
