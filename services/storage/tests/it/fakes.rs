//! What stands in for the envelope service, and a blob store that can fail.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use cas::BlobName;
use crypto::field::{self, FieldCipher};
use crypto::provider::{AesKey, random_key};
use kernel::{Fault, Result};
use proto::envelope::v1::Envelope;
use rpc::Cx;
use storage::application::ports::{BlobStore, DataKey, DataKeys, SealFor, Sealer};
use storage::domain::{Place, Text};
use storage::infrastructure::CasBlobs;
use tonic::codegen::Bytes;

/// A KEK that wraps data keys, bound to tenant and context as the real one does.
pub(crate) struct FakeKeys {
    kek: FieldCipher,
    pub(crate) down: AtomicBool,
}

impl FakeKeys {
    pub(crate) fn new() -> Self {
        Self { kek: FieldCipher::new(1, random_key().unwrap()), down: AtomicBool::new(false) }
    }

    fn up(&self) -> Result<()> {
        up(&self.down)
    }
}

fn up(down: &AtomicBool) -> Result<()> {
    if down.load(Ordering::SeqCst) { Err(Fault::unavailable("told to be down")) } else { Ok(()) }
}

fn bound(place: &Place) -> (String, Vec<u8>) {
    let context = place.key_context().map(|(key, value)| format!("{key}={value}")).join("\n");
    (place.tenant.to_string(), context.into_bytes())
}

#[async_trait]
impl DataKeys for FakeKeys {
    async fn generate(&self, _: &Cx, place: &Place) -> Result<DataKey> {
        self.up()?;
        let plain = random_key().map_err(Fault::internal)?;
        let (tenant, context) = bound(place);
        let at = field::Place { table: "kek", column: &tenant, row: &context };
        let wrapped = self.kek.seal(at, plain.as_slice()).map_err(Fault::internal)?;
        Ok(DataKey { plain, wrapped })
    }

    async fn unwrap(&self, _: &Cx, place: &Place, wrapped: &[u8]) -> Result<AesKey> {
        self.up()?;
        let (tenant, context) = bound(place);
        let at = field::Place { table: "kek", column: &tenant, row: &context };
        let refused = |_| Fault::new(&reasons::storage::BLOB_CORRUPT);
        let plain = self.kek.open(at, wrapped).map_err(refused)?;
        Ok(AesKey::new(plain.as_slice().try_into().unwrap()))
    }
}

/// Keeps what it was asked to seal.
#[derive(Default)]
pub(crate) struct FakeSealer {
    pub(crate) asked: Mutex<Vec<(String, SealFor)>>,
    pub(crate) down: AtomicBool,
}

#[async_trait]
impl Sealer for FakeSealer {
    async fn seal(&self, _: &Cx, text: &Text, target: SealFor) -> Result<Envelope> {
        up(&self.down)?;
        self.asked.lock().unwrap().push((text.expose().to_owned(), target));
        Ok(Envelope { manifest: "manifest".into(), content: "content".into() })
    }
}

/// The real store, which can be told to be down.
pub(crate) struct Faulty {
    pub(crate) inner: CasBlobs,
    pub(crate) down: AtomicBool,
}

impl Faulty {
    fn up(&self) -> Result<()> {
        up(&self.down).map_err(|_| Fault::new(&reasons::storage::BLOB_STORE_UNAVAILABLE))
    }

    /// Puts other bytes under a name, as somebody with access to the store could.
    pub(crate) async fn replace(&self, blob: &BlobName, with: Vec<u8>) {
        self.inner.0.delete(blob).await.unwrap();
        self.inner.0.put(blob, Bytes::from(with)).await.unwrap();
    }
}

#[async_trait]
impl BlobStore for Faulty {
    async fn put(&self, blob: &BlobName, sealed: Vec<u8>) -> Result<()> {
        self.up()?;
        self.inner.put(blob, sealed).await
    }

    async fn get(&self, blob: &BlobName, limit: usize) -> Result<Option<Vec<u8>>> {
        self.up()?;
        self.inner.get(blob, limit).await
    }

    async fn delete(&self, blob: &BlobName) -> Result<()> {
        self.up()?;
        self.inner.delete(blob).await
    }
}
