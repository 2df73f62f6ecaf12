//! The database.

mod certificates;
mod enrolment;
mod epochs;
mod key_filter;
mod key_rows;
mod key_writes;
mod keys;
mod known_keys;
mod own_keys;
mod record_writes;
mod records;
mod rotation_rows;
mod rotation_writes;
mod rotations;
mod use_counts;

pub use certificates::SqlCertificates;
pub use enrolment::SqlEnrolment;
pub use epochs::SqlEpochs;
pub use keys::SqlKeys;
pub use known_keys::CachedKeys;
pub use own_keys::SqlOwnKeys;
pub use records::{SqlRecords, purge_every};
pub use rotations::SqlRotations;
pub use use_counts::SqlUseCounts;
