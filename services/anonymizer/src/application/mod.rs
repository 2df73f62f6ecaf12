//! The use cases.

pub mod anonymize;
pub mod chats;
pub mod compare;
mod of_documents;
pub mod ports;
pub mod presidio;
pub mod restore;
pub mod secrets;
pub mod streams;
pub mod texts;
pub mod vault;
