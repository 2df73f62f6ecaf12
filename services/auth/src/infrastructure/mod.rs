//! The database, the password hasher, and the envelope service.

mod accounts;
mod api_keys;
mod data_keys;
mod held_keys;
mod once;
mod password_file;
mod passwords;
mod signing_keys;
mod trail;

pub use accounts::SqlAccounts;
pub use api_keys::SqlApiKeys;
pub use data_keys::PeerDataKeys;
pub use held_keys::HeldKeys;
pub use password_file::read_password;
pub use passwords::Argon2Passwords;
pub use signing_keys::SqlSigningKeys;
pub use trail::SqlTrail;
