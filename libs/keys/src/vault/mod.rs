//! KEKs in HashiCorp Vault or OpenBao (transit engine); they never leave it.
//!
//! One key a tenant, `signet-<tenant id>`: `aes256-gcm96`, and derived, so that
//! the context goes into the derivation of the key. Associated data would not
//! do: Vault 1.21 ignores it when it rewraps. The policy that a token needs,
//! besides `default`:
//!
//! ```hcl
//! path "transit/keys/signet-*"        { capabilities = ["create", "read", "update"] }
//! path "transit/keys/signet-*/rotate" { capabilities = ["update"] }
//! path "transit/keys/signet-*/config" { capabilities = ["create", "update"] }
//! path "transit/keys/signet-*/trim"   { capabilities = ["create", "update"] }
//! path "transit/encrypt/signet-*"     { capabilities = ["update"] }
//! path "transit/decrypt/signet-*"     { capabilities = ["update"] }
//! path "transit/rewrap/signet-*"      { capabilities = ["update"] }
//! ```
//!
//! Without `create` on `encrypt`, Vault cannot make a key by accident.

mod error;
mod login;
mod provider;
mod session;
mod settings;
mod transit;

pub use provider::VaultKms;
pub use settings::{VaultAuth, VaultSettings};
