//! The key that signs access tokens: made on first need, the same for all
//! instances, its private half encrypted under a data key of the envelope
//! service. Needs that service once in a process's life, and waits for it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration as StdDuration;

use chrono::Duration;
use crypto::field::{FieldCipher, Place};
use events::Draft;
use kernel::{Fault, Result, Secret, SharedClock, TenantId, Timestamp};
use tokio_util::sync::CancellationToken;

use super::ports::{DataKeys, SigningKeys, StoredKey};
use crate::domain::{SigningKey, Subject};

const FIRST_PAUSE: StdDuration = StdDuration::from_millis(100);
const LONGEST_PAUSE: StdDuration = StdDuration::from_secs(5);
/// A data key seals one value, so it has one version.
const VERSION: u32 = 1;

pub struct Signer {
    store: Arc<dyn SigningKeys>,
    data_keys: Arc<dyn DataKeys>,
    clock: SharedClock,
    ready: Mutex<Option<Arc<SigningKey>>>,
    loading: tokio::sync::Mutex<()>,
}

impl Signer {
    pub fn new(
        store: Arc<dyn SigningKeys>,
        data_keys: Arc<dyn DataKeys>,
        clock: SharedClock,
    ) -> Arc<Self> {
        let (ready, loading) = (Mutex::default(), tokio::sync::Mutex::default());
        Arc::new(Self { store, data_keys, clock, ready, loading })
    }

    /// Signs a token; says when it ends.
    pub async fn issue(
        &self,
        subject: &Subject,
        lifetime: Duration,
    ) -> Result<(Secret<String>, Timestamp)> {
        self.key().await?.issue(subject, self.clock.now(), lifetime)
    }

    /// Whether tokens can be signed; tries to get there.
    pub async fn ready(&self) -> Result<()> {
        self.key().await.map(drop)
    }

    /// Loads the key, or makes it, as soon as the envelope service can help.
    pub async fn prepare(self: Arc<Self>, stop: CancellationToken) {
        let mut pause = FIRST_PAUSE;
        while let Some(Err(fault)) = stop.run_until_cancelled(self.ready()).await {
            tracing::warn!(cause = ?fault, "no signing key yet, will retry");
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// For the health check: whether auth is of use. Once there is a key tokens
    /// can be verified, even while the envelope service is down and none can be
    /// issued; to stop serving then would only widen the outage.
    pub async fn usable(&self) -> Result<()> {
        if self.loaded().is_some() || self.store.active().await?.is_some() {
            return Ok(());
        }
        Err(Fault::unavailable("there is no signing key yet"))
    }

    fn loaded(&self) -> Option<Arc<SigningKey>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn key(&self) -> Result<Arc<SigningKey>> {
        if let Some(key) = self.loaded() {
            return Ok(key);
        }
        let _one_at_a_time = self.loading.lock().await;
        if let Some(key) = self.loaded() {
            return Ok(key);
        }
        let key = Arc::new(match self.store.active().await? {
            Some(stored) => self.open(&stored).await?,
            None => self.make().await?,
        });
        *self.ready.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&key));
        tracing::info!(kid = key.kid(), "signing key loaded");
        Ok(key)
    }

    async fn make(&self) -> Result<SigningKey> {
        let key = SigningKey::generate()?;
        let (data_key, wrapped) = self.data_keys.generate(key.kid()).await?;
        let sealed = FieldCipher::new(VERSION, data_key)
            .seal(place(key.kid()), &key.seed()?)
            .map_err(Fault::internal)?;
        let stored =
            StoredKey { kid: key.kid().to_owned(), public: key.public().clone(), sealed, wrapped };
        let event = Draft::of_service(
            "auth",
            TenantId::SYSTEM,
            "dev.signet.auth.token_key.created",
            format!("tokenKeys/{}", key.kid()),
        );
        if self.store.insert(&stored, event, self.clock.now()).await? {
            return Ok(key);
        }
        let winner = self.store.active().await?;
        let winner = winner.ok_or_else(|| Fault::internal("the signing key has vanished"))?;
        self.open(&winner).await
    }

    async fn open(&self, stored: &StoredKey) -> Result<SigningKey> {
        let data_key = self.data_keys.unwrap(&stored.kid, &stored.wrapped).await?;
        let seed = FieldCipher::new(VERSION, data_key)
            .open(place(&stored.kid), &stored.sealed)
            .map_err(Fault::internal)?;
        SigningKey::from_seed(&seed, &stored.public)
    }
}

fn place(kid: &str) -> Place<'_> {
    Place { table: "signing_keys", column: "private_key", row: kid.as_bytes() }
}
