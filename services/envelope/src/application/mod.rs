//! The use cases.

pub mod batch;
pub mod change_key;
pub mod create_key;
pub mod custody;
pub mod data_keys;
pub mod directory;
pub mod enrol;
pub mod epochs;
pub mod invalidate_caches;
pub mod keeper;
mod key_cache;
pub mod key_states;
pub mod key_usage;
pub mod known_keys;
pub mod open;
pub mod open_stream;
pub mod ports;
pub mod record;
pub mod refusal;
pub mod release;
pub mod rewrap;
pub mod rotate_key;
pub mod seal;
pub mod sign_manifest;
pub mod uses;
pub mod verify;
