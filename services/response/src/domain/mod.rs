//! Chats, and the receipt that an answer carries.

mod chat;
mod growth;
mod receipt;

pub use chat::{Chat, Prompt};
pub use growth::Growth;
pub use receipt::Receipt;
