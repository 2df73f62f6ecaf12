//! What accounts, API keys and tokens are. Pure.

mod account;
mod api_key;
mod password;
mod token;

pub use account::{Account, Email, Roles, ShortName, User, may_give};
pub use api_key::{ApiKey, ApiSecret, KeyState, SecretHash};
pub use password::check_password;
pub use token::{ACCESS_TOKEN, PublicKey, SigningKey, Subject, jwk_set};
