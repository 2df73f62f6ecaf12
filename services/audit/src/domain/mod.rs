//! What an event and its entry in the log are.

mod entry;
mod event;

pub use entry::{Salt, entry_of, salt_for};
pub use event::{Accepted, Stored};
