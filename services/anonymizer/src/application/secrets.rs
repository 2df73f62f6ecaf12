//! Keys of operators, of conversations' placeholders and of mappings, derived from
//! one secret a tenant: what clients keep survives a rotation of the KEK.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use aws_lc_rs::hmac;
use kernel::{Result, TenantId};
use pii::PlaceholderKey;
use rpc::Cx;
use tokio::time::{Duration, Instant};
use uuid::Uuid;

use super::ports::{DataKeys, Key, PLACEHOLDER_SECRET, StoredSecrets};

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
        let derived = self.derived(cx, b"signet.dev/v1/placeholders\0", conversation).await?;
        Ok(PlaceholderKey::new(*derived))
    }

    /// The key that seals one mapping.
    pub async fn mapping_key(&self, cx: &Cx, mapping: Uuid) -> Result<Key> {
        self.derived(cx, b"signet.dev/v1/mapping\0", mapping.as_bytes()).await
    }

    /// The keys of operators: hashes, tokens, shifts and stand-ins. The same as long as the
    /// tenant has its secret, whatever becomes of the KEK.
    pub async fn operator_keys(&self, cx: &Cx) -> Result<transform::Keys> {
        let derived = self.derived(cx, b"signet.dev/v1/operators\0", &[]).await?;
        Ok(transform::Keys::derive(&derived, &cx.tenant().to_string()))
    }

    /// What the keys of the token vault are derived from.
    pub async fn vault_secret(&self, cx: &Cx) -> Result<Key> {
        self.derived(cx, b"signet.dev/v1/vault\0", &[]).await
    }

    /// HMAC-SHA-256 of label and name, under the tenant's secret.
    async fn derived(&self, cx: &Cx, label: &[u8], name: &[u8]) -> Result<Key> {
        let secret = self.secret(cx).await?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_slice());
        let mut context = hmac::Context::with_key(&key);
        context.update(label);
        context.update(name);
        let mut derived = Key::default();
        derived.copy_from_slice(context.sign().as_ref());
        Ok(derived)
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
                let (_, wrapped) = self.data_keys.generate(cx, PLACEHOLDER_SECRET, &id).await?;
                self.stored.keep_first(tenant, wrapped).await?
            }
        };
        let secret = self.data_keys.unwrap(cx, wrapped, PLACEHOLDER_SECRET, &id).await?;
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

#[async_trait]
impl registry::ports::Secret for Secrets {
    async fn recognizers(&self, cx: &Cx) -> Result<Key> {
        self.derived(cx, b"signet.dev/v1/recognizers\0", &[]).await
    }
}
