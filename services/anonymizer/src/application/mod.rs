//! The use cases.

pub mod chats;
pub mod ports;
pub mod secrets;
pub mod texts;
