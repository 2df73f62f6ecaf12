//! The database.

mod journal;
mod key_rows;
mod key_writes;
mod keys;
mod releases;

pub use journal::SqlJournal;
pub use keys::SqlKeys;
pub use releases::{SqlReleases, purge_every};
