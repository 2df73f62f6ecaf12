//! Keys: made, found, kept, changed, and unlocked for use.

pub mod change_key;
pub mod create_key;
pub mod custody;
pub mod directory;
pub mod enrol;
pub mod epochs;
pub mod invalidate_caches;
pub mod keeper;
mod key_cache;
pub mod key_states;
pub mod key_usage;
pub mod known_keys;
pub mod rotate_key;
mod service_keys;
pub mod uses;
