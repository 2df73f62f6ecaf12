//! The gRPC services: parse, call a use case, answer.

mod chat_service;
mod info_type_service;
mod policy_service;
mod presidio_service;
mod recognizer_service;
mod rules;
mod text_batches;
mod text_service;
mod text_streams;
mod vault_service;
mod wire;

pub use chat_service::ChatApi;
pub use info_type_service::InfoTypeApi;
pub use policy_service::PolicyApi;
pub use presidio_service::PresidioApi;
pub use recognizer_service::RecognizerApi;
pub use text_service::TextApi;
pub use vault_service::VaultApi;
