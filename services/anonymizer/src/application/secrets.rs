//! Placeholder keys of conversations, derived from one secret a tenant.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::hmac;
use kernel::{Result, TenantId};
use pii::PlaceholderKey;
use rpc::Cx;
use tokio::time::{Duration, Instant};

use super::ports::{DataKeys, Key, StoredSecrets};

const OBJECT: &str = "placeholder-secret";
/// Unwrapped secrets are kept this long, and this many of them.
const KEPT: Duration = Duration::from_secs(300);
const MOST: usize = 1_000;

#[derive(Clone)]
pub struct Secrets {
    stored: Arc<dyn StoredSecrets>,
    data_keys: Arc<dyn DataKeys>,
    known: Arc<Mutex<HashMap<TenantId, (Key, Instant)>>>,
}

impl Secrets {
    pub fn new(stored: Arc<dyn StoredSecrets>, data_keys: Arc<dyn DataKeys>) -> Self {
        Self { stored, data_keys, known: Arc::default() }
    }

    /// The key of a conversation: the same for the same bytes in one tenant,
    /// and unlinkable otherwise.
    pub async fn placeholder_key(&self, cx: &Cx, conversation: &[u8]) -> Result<PlaceholderKey> {
        let secret = self.secret(cx).await?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_slice());
        let mut context = hmac::Context::with_key(&key);
        context.update(b"signet.dev/v1/placeholders\0");
        context.update(conversation);
        let mut derived = [0; 32];
        derived.copy_from_slice(context.sign().as_ref());
        Ok(PlaceholderKey::new(derived))
    }

    async fn secret(&self, cx: &Cx) -> Result<Key> {
        let tenant = cx.tenant();
        if let Some((secret, since)) = self.lock().get(&tenant)
            && since.elapsed() < KEPT
        {
            return Ok(secret.clone());
        }
        let id = tenant.to_string();
        let wrapped = match self.stored.find(tenant).await? {
            Some(wrapped) => wrapped,
            None => {
                let (_, wrapped) = self.data_keys.generate(cx, OBJECT, &id).await?;
                self.stored.keep_first(tenant, wrapped).await?
            }
        };
        let secret = self.data_keys.unwrap(cx, wrapped, OBJECT, &id).await?;
        let mut known = self.lock();
        known.retain(|_, (_, since)| since.elapsed() < KEPT);
        if known.len() < MOST {
            known.insert(tenant, (secret.clone(), Instant::now()));
        }
        Ok(secret)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<TenantId, (Key, Instant)>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
