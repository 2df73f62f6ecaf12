//! Which provider, and where.

use std::sync::Arc;

use kernel::{Result, SharedClock};
use serde::Deserialize;

use crate::kms::Kms;
use crate::local::{LocalKms, LocalSettings};

/// `{ provider = "local", … }` or `{ provider = "vault", … }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "provider", rename_all = "snake_case")]
pub enum Settings {
    Local(LocalSettings),
}

/// Opens the provider. The keyring is read at once, so a wrong passphrase is
/// found at the start; Vault is first asked by [`Kms::health`] or a key.
pub async fn open(settings: &Settings, clock: SharedClock) -> Result<Arc<dyn Kms>> {
    Ok(match settings {
        Settings::Local(local) => Arc::new(LocalKms::open(local, clock).await?),
    })
}
