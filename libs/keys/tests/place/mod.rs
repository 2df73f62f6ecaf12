//! A directory with a keyring and the secrets for it.

#![allow(dead_code, reason = "each test uses its part")]

use std::error::Error;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use kernel::{Fault, SystemClock};
use keys::Kms;
use keys::local::{LocalKms, LocalSettings};
use tempfile::TempDir;

pub(crate) struct Place(pub(crate) TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        keys::create_key_file(&place.path("key")).unwrap();
        place.secret("passphrase", "correct horse battery staple\n");
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn secret(&self, name: &str, content: &str) -> PathBuf {
        fs::write(self.path(name), content).unwrap();
        fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).unwrap();
        self.path(name)
    }

    pub(crate) fn by_key(&self) -> LocalSettings {
        LocalSettings {
            path: self.path("keyring"),
            passphrase_file: None,
            key_file: Some(self.path("key")),
            create: true,
        }
    }

    pub(crate) fn by_passphrase(&self) -> LocalSettings {
        LocalSettings {
            key_file: None,
            passphrase_file: Some(self.path("passphrase")),
            ..self.by_key()
        }
    }
}

pub(crate) async fn open(settings: &LocalSettings) -> kernel::Result<Arc<dyn Kms>> {
    Ok(Arc::new(LocalKms::open(settings, SystemClock::shared()).await?))
}

pub(crate) fn cause(fault: &Fault) -> String {
    fault.source().map(ToString::to_string).unwrap_or_default()
}
