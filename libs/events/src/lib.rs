//! What a service tells the audit log: events are written to its outbox in the
//! transaction of the change they tell of, and a relay delivers them.

mod draft;
mod relay;

pub use draft::{Draft, record, record_all};
pub use relay::relay;
