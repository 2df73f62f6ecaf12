//! The gRPC service: parse, call a use case, answer.

mod messages;
mod prompt_service;

pub use prompt_service::PromptApi;
