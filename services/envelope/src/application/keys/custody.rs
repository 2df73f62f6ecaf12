//! Private halves: made, put under lock, taken out for use. And everything
//! that is slow about keys, kept off the threads that serve calls.

use std::sync::Arc;

use crypto::field::{FieldCipher, Place};
use crypto::{KeyAlgorithm, KeyUse, PrivateKey, PublicKey};
use kernel::{Fault, Result, SharedClock, TenantId};
use keys::{Context, DataKey, Kms, PlaintextKey, WrappedKey};
use tokio::sync::Semaphore;
use tracing::Instrument as _;
use zeroize::Zeroizing;

use super::key_cache::KeyCache;
use super::uses::{Use, Uses};
use crate::domain::{KeyName, Keyed, SealedHalf};

/// Key pairs made at once: an RSA-4096 pair takes a processor for a second.
const GENERATING: usize = 2;
/// A data key encrypts one private half, so there is only ever one version of it.
const DATA_KEY_VERSION: u32 = 1;

pub struct Custody {
    kms: Arc<dyn Kms>,
    private: KeyCache<Arc<PrivateKey>>,
    public: KeyCache<PublicKey>,
    generating: Semaphore,
    uses: Arc<Uses>,
}

impl Custody {
    pub fn new(kms: Arc<dyn Kms>, uses: Arc<Uses>, clock: SharedClock) -> Self {
        Self {
            kms,
            private: KeyCache::new(Arc::clone(&clock)),
            public: KeyCache::new(clock),
            generating: Semaphore::new(GENERATING),
            uses,
        }
    }

    /// A new key pair.
    pub async fn generate(&self, algorithm: KeyAlgorithm) -> Result<PrivateKey> {
        let _permit = self.generating.acquire().await.map_err(Fault::internal)?;
        blocking(move || PrivateKey::generate(algorithm).map_err(Fault::internal)).await
    }

    /// Puts a private half under the tenant's KEK, bound to key and version.
    pub async fn lock(
        &self,
        tenant: TenantId,
        (id, version): (&KeyName, i32),
        key: &PrivateKey,
    ) -> Result<SealedHalf> {
        let context = [context_of(id, version)?];
        let asked = self.kms.generate(tenant, &context).instrument(kms_span("generate"));
        let made = asked.await.map_err(of_kms)?.pop();
        let DataKey { plaintext, wrapped } =
            made.ok_or_else(|| Fault::internal("the KMS made no data key"))?;
        let row = row_of(tenant, id, version);
        let sealed = cipher(&plaintext).seal(place(&row), key.pkcs8()).map_err(Fault::internal)?;
        Ok(SealedHalf { data_key: wrapped.to_bytes(), sealed })
    }

    /// The private half, ready for use. Whether it may be used is for the caller
    /// to have checked.
    pub async fn private(&self, tenant: TenantId, keyed: &Keyed) -> Result<Arc<PrivateKey>> {
        let kid = &keyed.version.kid;
        self.uses.count(tenant, keyed, use_of(keyed, KeyUse::Sign));
        if let Some(key) = self.private.find(tenant, kid) {
            return Ok(key);
        }
        let key = Arc::new(self.unlock(tenant, keyed).await?);
        // What the database says is public must be the other half of this one.
        if key.kid() != kid {
            return Err(Fault::internal("a private half is not that of its version"));
        }
        self.private.put(tenant, kid, Arc::clone(&key));
        Ok(key)
    }

    async fn unlock(&self, tenant: TenantId, keyed: &Keyed) -> Result<PrivateKey> {
        let half = keyed.version.private.clone();
        let half = half.ok_or_else(|| Fault::internal("no private half is kept"))?;
        let place = (&keyed.head.id, keyed.version.number);
        self.open_half(tenant, place, (keyed.head.algorithm, half)).await
    }

    /// Takes a private half out from where [`Self::lock`] has put it.
    pub async fn open_half(
        &self,
        tenant: TenantId,
        (id, version): (&KeyName, i32),
        (algorithm, half): (KeyAlgorithm, SealedHalf),
    ) -> Result<PrivateKey> {
        let wrapped = WrappedKey::parse(&half.data_key).map_err(Fault::internal)?;
        let asked = [(wrapped, context_of(id, version)?)];
        let unwrapped = self.kms.unwrap(tenant, &asked).instrument(kms_span("unwrap")).await;
        let data_key = unwrapped
            .map_err(of_kms)?
            .pop()
            .ok_or_else(|| Fault::internal("the KMS unwrapped nothing"))?
            .map_err(of_kms)?;
        let row = row_of(tenant, id, version);
        blocking(move || {
            let der = cipher(&data_key).open(place(&row), &half.sealed).map_err(Fault::internal)?;
            PrivateKey::from_pkcs8(algorithm, &der).map_err(Fault::internal)
        })
        .await
    }

    /// The public half, ready for use.
    pub fn public(&self, tenant: TenantId, keyed: &Keyed) -> Result<PublicKey> {
        let kid = &keyed.version.kid;
        self.uses.count(tenant, keyed, use_of(keyed, KeyUse::Seal));
        if let Some(key) = self.public.find(tenant, kid) {
            return Ok(key);
        }
        let key = PublicKey::from_jwk(&keyed.version.public_jwk).map_err(Fault::internal)?;
        if key.kid() != kid || key.algorithm() != keyed.head.algorithm {
            return Err(Fault::internal("a public half is not that of its version"));
        }
        self.public.put(tenant, kid, key.clone());
        Ok(key)
    }

    /// Wipes a version from memory, after it was disabled.
    pub fn forget(&self, tenant: TenantId, kid: &str) {
        self.private.forget(tenant, kid);
        self.public.forget(tenant, kid);
    }

    /// Wipes all of a tenant's keys from memory.
    pub fn forget_all(&self, tenant: TenantId) {
        self.private.forget_all(tenant);
        self.public.forget_all(tenant);
    }

    pub fn sweep(&self) {
        self.private.sweep();
        self.public.sweep();
    }

    pub fn kms(&self) -> &dyn Kms {
        self.kms.as_ref()
    }
}

/// Private halves protect where they sign, public halves where they seal.
fn use_of(keyed: &Keyed, protects: KeyUse) -> Use {
    if keyed.head.key_use() == protects { Use::Protect } else { Use::Process }
}

/// Runs work that takes a processor for long.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Fault::internal)?
}

/// What a KMS refuses is our trouble, not the caller's: its reasons are for the
/// log, and the caller hears only whether a retry helps.
pub(crate) fn of_kms(fault: Fault) -> Fault {
    match fault.kind() {
        kernel::Kind::Unavailable | kernel::Kind::DeadlineExceeded => Fault::unavailable(fault),
        _ => Fault::internal(fault),
    }
}

pub(crate) fn kms_span(operation: &'static str) -> tracing::Span {
    tracing::info_span!("kms", otel.kind = "client", operation)
}

/// `signet.for` keeps these apart from data keys of callers, which cannot set it.
pub(crate) fn context_of(id: &KeyName, version: i32) -> Result<Context> {
    let version = version.to_string();
    Context::new([("signet.for", "private-half"), ("key", id.as_str()), ("version", &version)])
}

fn row_of(tenant: TenantId, id: &KeyName, version: i32) -> Vec<u8> {
    format!("{tenant}/{id}/{version}").into_bytes()
}

fn place(row: &[u8]) -> Place<'_> {
    Place { table: "key_versions", column: "private_half", row }
}

fn cipher(key: &PlaintextKey) -> FieldCipher {
    FieldCipher::new(DATA_KEY_VERSION, Zeroizing::new(*key.expose()))
}
