//! Tenants' key-encryption keys (KEKs), behind one trait.
//!
//! A [`Kms`] makes and opens data keys; the KEK that wraps them stays with the
//! provider: a [keyring file](local), [Vault](vault) or, behind the feature
//! `aws-kms`, AWS KMS. A data key is bound to
//! its tenant and to the [`Context`] of the object that it is for, so a wrapped
//! key that is moved to another object or tenant does not open.

#[cfg(feature = "aws-kms")]
pub mod aws;
mod breaker;
mod cache;
mod context;
mod key;
mod kms;
pub mod local;
mod primitives;
pub mod reasons;
mod router;
mod secret_file;
mod settings;
pub mod vault;
mod wrapped;

pub use breaker::BreakerSettings;
pub use cache::{CacheId, CacheSettings, DataKeyCache, cache_id};
pub use context::Context;
pub use key::{DataKey, KEY_LENGTH, PlaintextKey};
pub use kms::{KekState, KekVersion, Kms, MAX_BATCH};
pub use router::Router;
pub use secret_file::create_key_file;
pub use settings::{Assignment, Settings, check, open, open_all};
pub use wrapped::{Provider, WrappedKey, WrappedKeyError};
