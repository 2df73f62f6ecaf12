//! Vault as a [`Kms`].

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use kernel::{Fault, Result, SharedClock, TenantId};
use serde::de::IgnoredAny;

use super::error::VaultError;
use super::session::Sessions;
use super::settings::VaultSettings;
use super::transit::{Batch, BatchResults, Call, ItemResult, KeyInfo, Minimum, NewKey, Trim};
use crate::context::Context;
use crate::key::{DataKey, PlaintextKey};
use crate::kms::{KekVersion, Kms, MAX_BATCH};
use crate::reasons;
use crate::wrapped::{Provider, WrappedKey};

/// KEKs in Vault's transit engine.
pub struct VaultKms {
    sessions: Sessions,
    mount: String,
    key_prefix: String,
    /// Tenants whose key was seen to be there and safe.
    known: Mutex<HashSet<TenantId>>,
}

impl VaultKms {
    /// Checks the settings; does not yet speak to Vault.
    pub fn new(settings: &VaultSettings, clock: SharedClock) -> Result<Self> {
        Ok(Self {
            sessions: Sessions::new(settings, clock)?,
            mount: settings.mount.clone(),
            key_prefix: settings.key_prefix.clone(),
            known: Mutex::default(),
        })
    }

    fn key_name(&self, tenant: TenantId) -> String {
        format!("{}{tenant}", self.key_prefix)
    }

    fn path(&self, operation: &str, tenant: TenantId) -> String {
        format!("{}/{operation}/{}", self.mount, self.key_name(tenant))
    }

    /// Makes sure that the tenant has a KEK and that it is one that stays in Vault.
    async fn ensure(&self, tenant: TenantId) -> Result<()> {
        if self.known.lock().unwrap_or_else(PoisonError::into_inner).contains(&tenant) {
            return Ok(());
        }
        if self.key(tenant).await?.is_none() {
            // Made twice by racing callers, it is made once: Vault leaves an existing key alone.
            let create = Call::<IgnoredAny>::post(self.path("keys", tenant), &NewKey::KEK)?;
            self.sessions.exec(&create).await?;
            self.key(tenant).await?.ok_or(VaultError::NoKey)?;
        }
        self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(tenant);
        Ok(())
    }

    async fn key(&self, tenant: TenantId) -> Result<Option<KeyInfo>> {
        match self.sessions.exec(&Call::<KeyInfo>::get(self.path("keys", tenant))).await {
            Ok(Some(key)) if key.is_safe() => Ok(Some(key)),
            Ok(Some(_)) => Err(VaultError::UnsafeKey(self.key_name(tenant)).into()),
            Ok(None) => Err(VaultError::Nonsense.into()),
            Err(fault) if fault.reason() == &reasons::KEK_VERSION_UNAVAILABLE => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn batch(
        &self,
        operation: &str,
        tenant: TenantId,
        batch: Batch,
        size: usize,
    ) -> Result<Vec<ItemResult>> {
        let call = Call::<BatchResults>::post(self.path(operation, tenant), &batch)?;
        let results = self.sessions.exec(&call).await?.ok_or(VaultError::Nonsense)?.batch_results;
        if results.len() == size { Ok(results) } else { Err(VaultError::Nonsense.into()) }
    }

    async fn encrypt<'a>(
        &self,
        tenant: TenantId,
        keys: Vec<(&'a PlaintextKey, &'a Context)>,
    ) -> Result<Vec<WrappedKey>> {
        let mut wrapped = Vec::with_capacity(keys.len());
        for part in keys.chunks(MAX_BATCH) {
            let batch = Batch::encrypt(part.iter().copied());
            for result in self.batch("encrypt", tenant, batch, part.len()).await? {
                wrapped.push(result.wrapped()?);
            }
        }
        Ok(wrapped)
    }

    /// Sends what is ours in batches; the rest is answered here.
    async fn each<T: Send>(
        &self,
        operation: &str,
        tenant: TenantId,
        keys: &[(WrappedKey, Context)],
        read: fn(ItemResult) -> Result<T>,
    ) -> Result<Vec<Result<T>>> {
        let mut results = Vec::with_capacity(keys.len());
        for part in keys.chunks(MAX_BATCH) {
            let ours: Vec<_> =
                part.iter().filter(|(key, _)| key.provider() == Provider::Vault).collect();
            let batch = match operation {
                "decrypt" => Batch::decrypt(&ours),
                _ => Batch::rewrap(&ours),
            };
            let mut answers = match ours.len() {
                0 => Vec::new(),
                size => match self.batch(operation, tenant, batch, size).await {
                    // No KEK at all: about each item, not about Vault.
                    Err(fault) if fault.reason() == &reasons::KEK_VERSION_UNAVAILABLE => Vec::new(),
                    answers => answers?,
                },
            }
            .into_iter();
            results.extend(part.iter().map(|(key, _)| {
                match key.provider() {
                    Provider::Vault => answers.next().map_or_else(|| Err(no_kek(tenant)), read),
                    _ => Err(Fault::new(&reasons::DATA_KEY_UNREADABLE)
                        .with_note("wrapped by another provider")),
                }
            }));
        }
        Ok(results)
    }
}

fn no_kek(tenant: TenantId) -> Fault {
    Fault::new(&reasons::KEK_VERSION_UNAVAILABLE)
        .with_note(format!("tenant {tenant} has no KEK in Vault"))
}

#[async_trait]
impl Kms for VaultKms {
    fn provider(&self, _: TenantId) -> Provider {
        Provider::Vault
    }

    fn at(&self, provider: Provider) -> Option<&dyn Kms> {
        (provider == Provider::Vault).then_some(self)
    }

    /// The keys are made here and wrapped there: Vault's own `datakey` makes
    /// one a call, and would hand out the plaintext just the same.
    async fn generate(&self, tenant: TenantId, contexts: &[Context]) -> Result<Vec<DataKey>> {
        self.ensure(tenant).await?;
        let keys: Vec<_> =
            contexts.iter().map(|_| PlaintextKey::generate()).collect::<Result<_>>()?;
        let wrapped = self.encrypt(tenant, keys.iter().zip(contexts).collect()).await?;
        let pairs = keys.into_iter().zip(wrapped);
        Ok(pairs.map(|(plaintext, wrapped)| DataKey { plaintext, wrapped }).collect())
    }

    async fn wrap(
        &self,
        tenant: TenantId,
        keys: &[(PlaintextKey, Context)],
    ) -> Result<Vec<WrappedKey>> {
        self.ensure(tenant).await?;
        self.encrypt(tenant, keys.iter().map(|(key, context)| (key, context)).collect()).await
    }

    async fn unwrap(
        &self,
        tenant: TenantId,
        keys: &[(WrappedKey, Context)],
    ) -> Result<Vec<Result<PlaintextKey>>> {
        self.each("decrypt", tenant, keys, ItemResult::plaintext).await
    }

    async fn rewrap(
        &self,
        tenant: TenantId,
        keys: &[(WrappedKey, Context)],
    ) -> Result<Vec<Result<WrappedKey>>> {
        self.each("rewrap", tenant, keys, ItemResult::wrapped).await
    }

    async fn rotate(&self, tenant: TenantId) -> Result<u32> {
        self.ensure(tenant).await?;
        let path = format!("{}/rotate", self.path("keys", tenant));
        self.sessions.exec(&Call::<IgnoredAny>::post(path, &serde_json::json!({}))?).await?;
        Ok(self.key(tenant).await?.ok_or(VaultError::NoKey)?.latest_version)
    }

    async fn versions(&self, tenant: TenantId) -> Result<Vec<KekVersion>> {
        match self.key(tenant).await? {
            Some(key) => Ok(key.versions().ok_or(VaultError::Nonsense)?),
            None => Ok(Vec::new()),
        }
    }

    /// In two steps: Vault trims only what is below the minimum for decryption.
    async fn destroy_below(&self, tenant: TenantId, version: u32) -> Result<()> {
        let refused =
            |note: String| Fault::new(&reasons::KEK_VERSION_NOT_DESTROYABLE).with_note(note);
        let Some(key) = self.key(tenant).await? else {
            return Err(refused(format!("tenant {tenant} has no KEK in Vault")));
        };
        if version > key.latest_version {
            let note = format!("the newest version is {}, not {version}", key.latest_version);
            return Err(refused(note));
        }
        if version <= key.min_available_version.max(1) {
            return Ok(());
        }
        let path = self.path("keys", tenant);
        let minimum = Minimum::of(&key, version);
        let config = Call::<IgnoredAny>::post(format!("{path}/config"), &minimum)?;
        self.sessions.exec(&config).await?;
        let trim = Trim { min_available_version: version };
        let trim = Call::<IgnoredAny>::post(format!("{path}/trim"), &trim)?;
        self.sessions.exec(&trim).await.map(drop)
    }

    /// Asks about our own token: that fails where Vault is away or sealed, or
    /// the token invalid. Called regularly, it also keeps the token renewed.
    async fn health(&self) -> Result<()> {
        let path = "auth/token/lookup-self".to_owned();
        self.sessions.exec(&Call::<IgnoredAny>::get(path)).await.map(drop)
    }
}
