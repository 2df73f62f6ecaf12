//! The database, and the envelope service.

mod data_keys;
mod held_keys;
mod secrets;
mod tokens;

pub use data_keys::EnvelopeDataKeys;
pub use held_keys::HeldKeys;
pub use secrets::SqlSecrets;
pub use tokens::SqlTokens;
