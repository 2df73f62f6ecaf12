//! The database.

mod enrolment;
mod epochs;
mod key_filter;
mod key_rows;
mod key_writes;
mod keys;
mod known_keys;
mod record_writes;
mod records;
mod use_counts;

pub use enrolment::SqlEnrolment;
pub use epochs::SqlEpochs;
pub use keys::SqlKeys;
pub use known_keys::CachedKeys;
pub use records::{SqlRecords, purge_every};
pub use use_counts::SqlUseCounts;
