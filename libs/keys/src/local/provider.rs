//! The keyring as a [`Kms`].

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use kernel::{Fault, Result, SharedClock, TenantId};
use serde::Deserialize;

use super::file::{KeyringFile, Stamp};
use super::format::{self, Edition, Form, KeyringHeader};
use super::ring::Ring;
use super::unlock::{KeyringSecret, Unlocker};
use crate::context::Context;
use crate::key::{DataKey, KEY_LENGTH, PlaintextKey};
use crate::kms::{KekVersion, Kms};
use crate::primitives::{self, NONCE};
use crate::reasons;
use crate::wrapped::{BODY, Provider, WrappedKey};

/// Exactly one of `passphrase_file` and `key_file`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LocalSettings {
    /// The keyring. Beside it a `.lock` and, during a change, a `.new`.
    pub path: PathBuf,
    /// A passphrase of at least 12 bytes in a file.
    pub passphrase_file: Option<PathBuf>,
    /// 32 random bytes in a file.
    pub key_file: Option<PathBuf>,
    /// Begin an empty keyring if there is none. Off by default: a keyring that
    /// has gone missing must not be replaced in silence.
    #[serde(default)]
    pub create: bool,
}

impl LocalSettings {
    pub fn secret(&self) -> Result<KeyringSecret> {
        match (&self.passphrase_file, &self.key_file) {
            (Some(path), None) => Ok(KeyringSecret::PassphraseFile(path.clone())),
            (None, Some(path)) => Ok(KeyringSecret::KeyFile(path.clone())),
            _ => {
                let note = "exactly one of passphrase_file and key_file must be set";
                Err(Fault::new(&reasons::KMS_MISCONFIGURED).with_note(note))
            }
        }
    }
}

/// KEKs in a keyring file.
pub struct LocalKms(Arc<Keyring>);

struct Keyring {
    file: KeyringFile,
    unlocker: Unlocker,
    clock: SharedClock,
    last: RwLock<(Option<Stamp>, Arc<Ring>)>,
}

impl LocalKms {
    pub async fn open(settings: &LocalSettings, clock: SharedClock) -> Result<Self> {
        let keyring = Arc::new(Keyring {
            file: KeyringFile::new(&settings.path),
            unlocker: Unlocker::new(settings.secret()?),
            clock,
            last: RwLock::default(),
        });
        let (kms, create) = (Self(keyring), settings.create);
        kms.run(move |keyring| {
            if create && !keyring.file.exists()? {
                keyring.begin()?;
            }
            keyring.reload().map(drop)
        })
        .await?;
        Ok(kms)
    }

    /// Files and argon2id block, so everything happens off the async threads.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Keyring) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let keyring = self.0.clone();
        tokio::task::spawn_blocking(move || work(&keyring)).await.map_err(Fault::internal)?
    }
}

impl Keyring {
    fn begin(&self) -> Result<()> {
        let _lock = self.file.lock()?;
        // Another process may have been first.
        if self.file.exists()? {
            return Ok(());
        }
        let lock = self.unlocker.new_lock(Form::Keyring)?;
        let root = self.unlocker.root(&lock)?;
        let edition = Edition::none().next(self.clock.now())?;
        let file = format::seal(Form::Keyring, &Ring::default(), &edition, (&lock, &root))?;
        self.file.replace(&file)
    }

    fn reload(&self) -> Result<Arc<Ring>> {
        let (bytes, stamp) = self.file.read()?;
        let header = KeyringHeader::parse(&bytes)?;
        let ring = Arc::new(self.unlocker.open(&header)?);
        *self.last.write().unwrap_or_else(PoisonError::into_inner) = (Some(stamp), ring.clone());
        Ok(ring)
    }

    /// The ring as it is in the file: another process may have changed it.
    fn current(&self) -> Result<Arc<Ring>> {
        let stamp = self.file.stamp()?;
        {
            let last = self.last.read().unwrap_or_else(PoisonError::into_inner);
            if last.0 == Some(stamp) {
                return Ok(last.1.clone());
            }
        }
        self.reload()
    }

    /// The newest KEK of a tenant, made if there is none.
    fn with_kek(&self, tenant: TenantId) -> Result<Arc<Ring>> {
        let ring = self.current()?;
        if ring.newest(tenant).is_some() {
            return Ok(ring);
        }
        self.change(|ring| match ring.newest(tenant) {
            Some(_) => Ok(false),
            None => ring.add(tenant, self.clock.now()).map(|_| true),
        })
    }

    /// Changes the file under the lock, on its newest content; `edit` says
    /// whether anything changed. Durable when it returns.
    fn change(&self, edit: impl FnOnce(&mut Ring) -> Result<bool>) -> Result<Arc<Ring>> {
        let _lock = self.file.lock()?;
        let (bytes, _) = self.file.read()?;
        let header = KeyringHeader::parse(&bytes)?;
        let (lock, edition) = (header.lock, header.edition());
        let mut ring = Ring::clone(&*self.reload()?);
        if edit(&mut ring)? {
            let root = self.unlocker.root(&lock)?;
            let edition = edition.next(self.clock.now())?;
            let file = format::seal(Form::Keyring, &ring, &edition, (&lock, &root))?;
            self.file.replace(&file)?;
        }
        self.reload()
    }
}

fn wrap(
    ring: &Ring,
    tenant: TenantId,
    key: &PlaintextKey,
    context: &Context,
) -> Result<WrappedKey> {
    let (version, kek) = ring.newest(tenant).ok_or_else(|| version_unavailable(tenant, 0))?;
    let mut nonce = [0; NONCE];
    primitives::fill_random(&mut nonce).map_err(Fault::internal)?;
    let mut sealed = zeroize::Zeroizing::new(Vec::with_capacity(BODY - NONCE));
    sealed.extend_from_slice(key.expose());
    primitives::seal(kek, nonce, &aad(tenant, version, context), &mut sealed)
        .map_err(Fault::internal)?;
    let mut body = [0; BODY];
    body[..NONCE].copy_from_slice(&nonce);
    body[NONCE..].copy_from_slice(&sealed);
    WrappedKey::new(Provider::Local, version, &body).map_err(Fault::internal)
}

fn unwrap(
    ring: &Ring,
    tenant: TenantId,
    wrapped: &WrappedKey,
    context: &Context,
) -> Result<PlaintextKey> {
    let unreadable = |note: &'static str| Fault::new(&reasons::DATA_KEY_UNREADABLE).with_note(note);
    if wrapped.provider() != Provider::Local {
        return Err(unreadable("wrapped by another provider"));
    }
    let version = wrapped.version();
    let kek = ring.version(tenant, version).ok_or_else(|| version_unavailable(tenant, version))?;
    let Some((nonce, sealed)) = wrapped.body().split_first_chunk::<NONCE>() else {
        return Err(unreadable("too short"));
    };
    let mut buffer = zeroize::Zeroizing::new([0; BODY - NONCE]);
    if sealed.len() != buffer.len() {
        return Err(unreadable("of a wrong length"));
    }
    buffer.copy_from_slice(sealed);
    primitives::open(kek, *nonce, &aad(tenant, version, context), buffer.as_mut_slice())
        .ok()
        .and_then(|key| PlaintextKey::from_slice(&key[..KEY_LENGTH]))
        .ok_or_else(|| unreadable("not this object's key, or altered"))
}

fn aad(tenant: TenantId, version: u32, context: &Context) -> Vec<u8> {
    let mut aad = b"signet.dev keyring wrap v1".to_vec();
    aad.extend_from_slice(tenant.uuid().as_bytes());
    aad.extend_from_slice(&version.to_be_bytes());
    aad.extend_from_slice(&context.encode());
    aad
}

fn version_unavailable(tenant: TenantId, version: u32) -> Fault {
    Fault::new(&reasons::KEK_VERSION_UNAVAILABLE)
        .with_note(format!("tenant {tenant} has no KEK version {version} in this keyring"))
}

#[async_trait]
impl Kms for LocalKms {
    fn provider(&self, _: TenantId) -> Provider {
        Provider::Local
    }

    fn at(&self, provider: Provider) -> Option<&dyn Kms> {
        (provider == Provider::Local).then_some(self)
    }

    async fn generate(&self, tenant: TenantId, contexts: &[Context]) -> Result<Vec<DataKey>> {
        let contexts = contexts.to_vec();
        self.run(move |keyring| {
            let ring = keyring.with_kek(tenant)?;
            let generate = |context| {
                let plaintext = PlaintextKey::generate()?;
                let wrapped = wrap(&ring, tenant, &plaintext, context)?;
                Ok(DataKey { plaintext, wrapped })
            };
            contexts.iter().map(generate).collect()
        })
        .await
    }

    async fn wrap(
        &self,
        tenant: TenantId,
        keys: &[(PlaintextKey, Context)],
    ) -> Result<Vec<WrappedKey>> {
        let ring = self.run(move |keyring| keyring.with_kek(tenant)).await?;
        keys.iter().map(|(key, context)| wrap(&ring, tenant, key, context)).collect()
    }

    async fn unwrap(
        &self,
        tenant: TenantId,
        keys: &[(WrappedKey, Context)],
    ) -> Result<Vec<Result<PlaintextKey>>> {
        let ring = self.run(Keyring::current).await?;
        Ok(keys.iter().map(|(key, context)| unwrap(&ring, tenant, key, context)).collect())
    }

    async fn rewrap(
        &self,
        tenant: TenantId,
        keys: &[(WrappedKey, Context)],
    ) -> Result<Vec<Result<WrappedKey>>> {
        let ring = self.run(Keyring::current).await?;
        let rewrap = |(key, context): &(WrappedKey, Context)| {
            wrap(&ring, tenant, &unwrap(&ring, tenant, key, context)?, context)
        };
        Ok(keys.iter().map(rewrap).collect())
    }

    async fn rotate(&self, tenant: TenantId) -> Result<u32> {
        self.run(move |keyring| {
            let mut version = 0;
            keyring.change(|ring| {
                // As with every other provider: a KEK that is not there yet is made first.
                if ring.newest(tenant).is_none() {
                    ring.add(tenant, keyring.clock.now())?;
                }
                version = ring.add(tenant, keyring.clock.now())?;
                Ok(true)
            })?;
            Ok(version)
        })
        .await
    }

    async fn versions(&self, tenant: TenantId) -> Result<Vec<KekVersion>> {
        Ok(self.run(Keyring::current).await?.versions(tenant))
    }

    async fn destroy_below(&self, tenant: TenantId, version: u32) -> Result<()> {
        self.run(move |keyring| {
            keyring.change(|ring| ring.destroy_below(tenant, version)).map(drop)
        })
        .await
    }

    async fn health(&self) -> Result<()> {
        self.run(|keyring| keyring.current().map(drop)).await
    }
}
