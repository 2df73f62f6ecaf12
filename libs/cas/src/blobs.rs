//! The store itself.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::stream::{self, BoxStream, Stream, StreamExt, TryStreamExt};
use kernel::{Fault, Result, TenantId, Timestamp};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{Error, GetResult, ObjectMeta, ObjectStore, ObjectStoreExt};

use crate::address::BlobName;
use crate::files::Files;
use crate::frame::{Frame, TRAILER, damaged, too_large};
use crate::read::{Content, verified};
use crate::settings::Settings;
use crate::{objects, reasons};

/// What a create-only write came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    Created,
    /// The name is taken. What is stored is another encryption of the same
    /// plaintext, so only the data key recorded with it opens it.
    Existed,
}

/// One entry of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlobInfo {
    pub name: BlobName,
    /// Of the ciphertext.
    pub length: u64,
    pub created: Timestamp,
}

/// A store of blobs. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    store: Arc<dyn ObjectStore>,
    /// Where the store is a directory: its writer.
    files: Option<Files>,
}

impl Blobs {
    pub fn open(settings: &Settings) -> Result<Self> {
        match settings {
            Settings::File { path } => {
                let files = Files::open(path)?;
                let store = LocalFileSystem::new_with_prefix(files.blobs())
                    .map_err(|error| misconfigured(error.to_string()))?;
                Ok(Self { store: Arc::new(store), files: Some(files) })
            }
            Settings::Memory {} => Ok(Self { store: Arc::new(InMemory::new()), files: None }),
            #[cfg(feature = "s3")]
            Settings::S3(s3) => Ok(Self { store: crate::s3::open(s3)?, files: None }),
            #[cfg(not(feature = "s3"))]
            Settings::S3(_) => Err(misconfigured("this build lacks the feature `s3`".into())),
        }
    }

    /// Stores ciphertext under a name that must not exist yet. Durable when it returns.
    pub async fn put(&self, name: &BlobName, ciphertext: Bytes) -> Result<Put> {
        let limit = ciphertext.len() as u64;
        self.put_stream(name, limit, stream::iter([Ok(ciphertext)])).await
    }

    /// The same for content of any size. Nothing is visible under the name
    /// unless the stream ends well and within `limit` bytes.
    pub async fn put_stream(
        &self,
        name: &BlobName,
        limit: u64,
        content: impl Stream<Item = Result<Bytes>> + Send,
    ) -> Result<Put> {
        let mut frame = Frame::new(name, limit);
        let mut content = Box::pin(content);
        let Some(files) = &self.files else {
            let target = Path::from(name.path());
            return objects::create(&*self.store, &target, frame, content).await;
        };
        let mut staged = files.stage().await?;
        while let Some(chunk) = content.try_next().await? {
            frame.push(&chunk)?;
            staged.write(&chunk).await?;
        }
        staged.write(&frame.trailer()).await?;
        files.publish(staged, &name.path()).await
    }

    /// Reads a whole blob. `open` decrypts and checks it (against the address, by
    /// [`AddressKey::matches`](crate::AddressKey::matches), or an AEAD): `None`
    /// means that this is not the content of that name.
    pub async fn get<T>(
        &self,
        name: &BlobName,
        limit: u64,
        open: impl FnOnce(Bytes) -> Option<T>,
    ) -> Result<T> {
        let content = self.get_stream(name, limit).await?;
        let length = usize::try_from(content.length).map_err(|_| too_large(limit))?;
        let mut whole = BytesMut::with_capacity(length);
        let mut stream = content.stream;
        while let Some(piece) = stream.try_next().await? {
            whole.extend_from_slice(&piece);
        }
        open(whole.freeze()).ok_or_else(|| damaged("the caller's check failed"))
    }

    /// Reads a blob of any size; see [`Content::stream`] for when to trust it.
    pub async fn get_stream(&self, name: &BlobName, limit: u64) -> Result<Content> {
        let found: GetResult = match self.store.get(&Path::from(name.path())).await {
            Ok(found) => found,
            Err(Error::NotFound { .. }) => return Err(Fault::not_found()),
            Err(error) => return Err(Fault::unavailable(error)),
        };
        let length =
            content_length(&found.meta).ok_or_else(|| damaged("shorter than a trailer"))?;
        if length > limit {
            return Err(too_large(limit));
        }
        let frame = Frame::new(name, limit);
        Ok(Content { length, stream: verified(frame, found.into_stream()).boxed() })
    }

    /// Whether the name is taken.
    pub async fn exists(&self, name: &BlobName) -> Result<bool> {
        match self.store.head(&Path::from(name.path())).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(Fault::unavailable(error)),
        }
    }

    /// Removes a blob; removing an absent one is fine.
    pub async fn delete(&self, name: &BlobName) -> Result<()> {
        match self.store.delete(&Path::from(name.path())).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Fault::unavailable(error)),
        }
    }

    /// A tenant's blobs whose address begins with these hexadecimal digits, in
    /// no order: what a collector compares with its references, shard by shard.
    pub fn list(
        &self,
        tenant: TenantId,
        prefix: &str,
    ) -> Result<BoxStream<'static, Result<BlobInfo>>> {
        let hexadecimal = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if prefix.len() > 64 || !prefix.bytes().all(hexadecimal) {
            return Err(Fault::invalid("prefix", "must be up to 64 lower-case hexadecimal digits"));
        }
        let directory = match prefix.get(..2) {
            Some(shard) => format!("{tenant}/{shard}"),
            None => tenant.to_string(),
        };
        let prefix = prefix.to_owned();
        let found = self.store.list(Some(&Path::from(directory))).map_err(Fault::unavailable);
        Ok(found
            .try_filter_map(move |meta| {
                let info = info(&meta);
                if info.is_none() {
                    tracing::warn!(path = %meta.location, "not a blob: ignored in the blob store");
                }
                let wanted = info.filter(|info| info.name.address.to_string().starts_with(&prefix));
                async move { Ok(wanted) }
            })
            .boxed())
    }

    /// Whether the store can be used right now.
    pub async fn health(&self) -> Result<()> {
        if let Some(files) = &self.files {
            return files.probe().await;
        }
        match self.store.head(&Path::from("health")).await {
            Ok(_) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(Fault::unavailable(error)),
        }
    }
}

fn content_length(meta: &ObjectMeta) -> Option<u64> {
    meta.size.checked_sub(TRAILER as u64)
}

/// A file too short to hold a trailer is listed with length 0, so that a
/// collector can still see it.
fn info(meta: &ObjectMeta) -> Option<BlobInfo> {
    let name = BlobName::from_path(meta.location.as_ref()).ok()?;
    Some(BlobInfo {
        name,
        length: content_length(meta).unwrap_or_default(),
        created: meta.last_modified,
    })
}

pub(crate) fn misconfigured(note: String) -> Fault {
    Fault::new(&reasons::BLOB_STORE_MISCONFIGURED).with_note(note)
}
