//! Chat completions (the OpenAI-compatible form) without personal data on the way out and with
//! it on the way back.
//!
//! A request is a typed tree ([`ChatRequest`]); a field or shape that is not in it is an error
//! that names its place, never passed on. [`anonymize_chat`] visits every string that can hold
//! text: contents and parts, names, tool names and descriptions, schemas, arguments (JSON in
//! strings, also nested), stop sequences, predictions, metadata with its keys. Keys of JSON
//! objects are text too: one that holds something personal is replaced like a value, the same
//! way in a schema's `properties` and `required`, so the schema stays whole. Long numbers in
//! JSON that are personal become strings.

mod anonymize;
mod error;
mod json;
mod limits;
mod model;
mod request;
mod response;
mod stream;
mod walk;

pub use anonymize::{ChatOptions, SanitizedChat, TypeCount, anonymize_chat, leaks};
pub use error::ChatError;
pub use limits::Limits;
pub use model::*;
pub use response::{response_escape, restore_chat_response};
pub use stream::{ChatStreamRestorer, TooManyParts};
