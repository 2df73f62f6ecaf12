//! The gRPC services: parse, call a use case, answer.

mod chat_service;
mod rules;
mod text_service;

pub use chat_service::ChatApi;
pub use text_service::TextApi;
