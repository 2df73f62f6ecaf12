//! The database, and the envelope service.

mod data_keys;
mod secrets;

pub use data_keys::EnvelopeDataKeys;
pub use secrets::SqlSecrets;
