//! The use cases.

pub mod bootstrap;
pub mod check;
pub mod create_api_key;
pub mod create_user;
pub mod forget;
pub mod key_cache;
pub mod log_in;
pub mod ports;
pub mod revoke_api_key;
pub mod signing;
pub mod token_keys;
