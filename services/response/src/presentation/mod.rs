//! The gRPC services: parse, call a use case, answer.

mod openai_service;
mod response_service;

pub use openai_service::OpenAiApi;
pub use response_service::ResponseApi;
