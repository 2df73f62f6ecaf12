//! The database and the log's files.

mod events;
mod log;
mod signing_key;

pub use events::SqlEvents;
pub use log::{FileLog, Origin};
pub use signing_key::load_or_create;
