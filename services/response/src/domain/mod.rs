//! Chats, and the receipt that an answer carries.

mod chat;
mod receipt;

pub use chat::{Chat, Prompt};
pub use receipt::Receipt;
