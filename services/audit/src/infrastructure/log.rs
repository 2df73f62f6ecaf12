//! The log's files: one writer, many readers.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use async_trait::async_trait;
use kernel::{Fault, Result, Secret};
use tlog::{
    Entry, FsReader, FsStore, Hash, LogIdentity, Publisher, Signer, TileHashes, TileId,
    TileSource as _, TreeHead, VerifiedCheckpoint, consistency_proof, inclusion_proof,
};

use crate::application::ports::{Head, Log};

/// The log's name in checkpoints: a schema-less URL, as C2SP wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(pub String);

/// The log in a directory.
pub struct FileLog(Arc<Inner>);

struct Inner {
    publisher: Mutex<Publisher<FsStore>>,
    reader: FsReader,
    head: RwLock<Head>,
    key: String,
}

impl FileLog {
    /// Opens the log in a directory, or creates it. Reads and verifies; call it
    /// where blocking is allowed.
    ///
    /// `known` is the head that the database remembers: files that were rolled
    /// back behind it are refused, for going on would sign a second history.
    pub fn open(
        folder: PathBuf,
        origin: &Origin,
        seed: &Secret<[u8; 32]>,
        known: Option<TreeHead>,
    ) -> Result<Self> {
        let signer = Signer::from_seed(&origin.0, seed).map_err(Fault::internal)?;
        let key = signer.verifier().clone();
        let identity = LogIdentity { origin: origin.0.clone(), keys: vec![key.clone()] };
        let store = FsStore::open(&folder).map_err(Fault::internal)?;
        let publisher = Publisher::open(store, identity, signer, known).map_err(Fault::internal)?;
        let head = RwLock::new(head_of(publisher.checkpoint()));
        let reader = FsReader::new(folder);
        Ok(Self(Arc::new(Inner {
            publisher: Mutex::new(publisher),
            reader,
            head,
            key: key.to_string(),
        })))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let log = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&log)).await.map_err(Fault::internal)?
    }
}

#[async_trait]
impl Log for FileLog {
    fn head(&self) -> Head {
        self.0.head.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn key(&self) -> &str {
        &self.0.key
    }

    async fn append(&self, first: u64, entries: Vec<Vec<u8>>) -> Result<()> {
        self.blocking(move |log| {
            let mut publisher = log.publisher.lock().unwrap_or_else(PoisonError::into_inner);
            let entries: Vec<_> = entries.iter().map(|entry| Entry::new(entry)).collect();
            let outcome = publisher.append(first, &entries).map(drop).map_err(Fault::internal);
            // Even after an error the publisher may stand further than before.
            *log.head.write().unwrap_or_else(PoisonError::into_inner) =
                head_of(publisher.checkpoint());
            outcome
        })
        .await
    }

    async fn inclusion(&self, index: u64, size: u64) -> Result<Vec<Vec<u8>>> {
        self.blocking(move |log| {
            inclusion_proof(&mut TileHashes::new(&log.reader, size), index, size)
                .map(bytes)
                .map_err(Fault::internal)
        })
        .await
    }

    async fn consistency(&self, first: u64, second: u64) -> Result<Vec<Vec<u8>>> {
        let newest = self.head().size;
        self.blocking(move |log| {
            let mut source = TileHashes::new(&log.reader, newest);
            consistency_proof(&mut source, first, second).map(bytes).map_err(Fault::internal)
        })
        .await
    }

    async fn tile(&self, path: &str) -> Result<Option<Vec<u8>>> {
        let id: TileId = format!("tile/{path}")
            .parse()
            .map_err(|_| Fault::invalid("path", "must be a tile path of C2SP tlog-tiles"))?;
        self.blocking(move |log| log.reader.tile(id).map_err(Fault::internal)).await
    }
}

fn head_of(checkpoint: &VerifiedCheckpoint) -> Head {
    let head = checkpoint.head();
    Head { size: head.size, root: *head.root.as_bytes(), note: checkpoint.note().to_string() }
}

fn bytes(hashes: Vec<Hash>) -> Vec<Vec<u8>> {
    hashes.iter().map(|hash| hash.as_ref().to_vec()).collect()
}
