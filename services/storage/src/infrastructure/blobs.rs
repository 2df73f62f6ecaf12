//! The blob store.

use async_trait::async_trait;
use cas::{BlobName, Blobs, Put};
use kernel::{Fault, Kind, Result};
use reasons::storage::{BLOB_CORRUPT, BLOB_STORE_UNAVAILABLE};
use tracing::Instrument as _;

use crate::application::ports::BlobStore;

pub struct CasBlobs(pub Blobs);

#[async_trait]
impl BlobStore for CasBlobs {
    async fn put(&self, blob: &BlobName, sealed: Vec<u8>) -> Result<()> {
        let span = tracing::info_span!("blob.put", otel.kind = "client", bytes = sealed.len());
        match self.0.put(blob, sealed.into()).instrument(span).await.map_err(ours)? {
            Put::Created => Ok(()),
            Put::Existed => Err(Fault::internal("a random blob name was taken")),
        }
    }

    async fn get(&self, blob: &BlobName, limit: usize) -> Result<Option<Vec<u8>>> {
        let span = tracing::info_span!("blob.get", otel.kind = "client");
        let read = self.0.get(blob, limit as u64, |sealed| Some(Vec::from(sealed)));
        match read.instrument(span).await {
            Ok(sealed) => Ok(Some(sealed)),
            Err(fault) if fault.kind() == Kind::NotFound => Ok(None),
            Err(fault) => Err(ours(fault)),
        }
    }

    async fn delete(&self, blob: &BlobName) -> Result<()> {
        let span = tracing::info_span!("blob.delete", otel.kind = "client");
        self.0.delete(blob).instrument(span).await.map_err(ours)
    }
}

/// The store's fault as the catalogue has it: damaged (or longer than anything
/// that was ever written), or not available.
fn ours(fault: Fault) -> Fault {
    let reason = match fault.kind() {
        Kind::DataLoss | Kind::ResourceExhausted => &BLOB_CORRUPT,
        _ => &BLOB_STORE_UNAVAILABLE,
    };
    Fault::new(reason).with_source(fault)
}
