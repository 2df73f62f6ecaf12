//! The use cases.

pub mod anonymize;
pub mod chats;
pub mod compare;
pub mod compiled;
mod of_documents;
pub mod policies;
pub mod ports;
pub mod presidio;
pub mod recognizers;
pub mod restore;
pub mod secrets;
pub mod streams;
pub mod texts;
pub mod vault;
