//! Texts at rest: each under a data key of its own, in a blob of its own.

use std::sync::Arc;

use cas::Address;
use crypto::chunked;
use crypto::provider;
use kernel::{Fault, PromptId, Result, SharedClock};
use reasons::storage::BLOB_CORRUPT;
use rpc::Cx;

use super::ports::{BlobStore, DataKeys, LooseBlobs};
use crate::domain::{LONGEST, Place, Revision, Text};

#[derive(Clone)]
pub struct Contents {
    pub keys: Arc<dyn DataKeys>,
    pub blobs: Arc<dyn BlobStore>,
    pub loose: Arc<dyn LooseBlobs>,
    pub clock: SharedClock,
}

impl Contents {
    /// Encrypts a text and stores its blob. The blob stays loose, and is swept
    /// after a while, until the revision returned is stored too.
    pub async fn store(
        &self,
        cx: &Cx,
        prompt: PromptId,
        number: i32,
        text: &Text,
    ) -> Result<Revision> {
        let author = cx.principal()?.user;
        let place = Place { tenant: cx.tenant(), prompt, revision: number, address: random()? };
        // The key first: without it there is nothing to store.
        let key = self.keys.generate(cx, &place).await?;
        let sealed = chunked::seal(&key.plain, &place.identity(), text.expose().as_bytes())
            .map_err(Fault::internal)?;
        let now = self.clock.now();
        self.loose.announce(&place.blob(), now).await?;
        self.blobs.put(&place.blob(), sealed).await?;
        Ok(Revision {
            number,
            author,
            size: text.size()?,
            address: place.address,
            wrapped_key: key.wrapped,
            created: now,
        })
    }

    /// Reads and decrypts. None: the blob is absent.
    pub async fn open(&self, cx: &Cx, place: &Place, wrapped: &[u8]) -> Result<Option<Text>> {
        let limit = chunked::sealed_len(LONGEST);
        let Some(sealed) = self.blobs.get(&place.blob(), limit).await? else { return Ok(None) };
        let key = self.keys.unwrap(cx, place, wrapped).await?;
        let plaintext = chunked::open(&key, &place.identity(), sealed)
            .map_err(|error| Fault::new(&BLOB_CORRUPT).with_source(error))?;
        Text::from_stored(&plaintext).map(Some).ok_or_else(|| Fault::new(&BLOB_CORRUPT))
    }
}

/// A blob's name says nothing about its text: see docs/adr/0010.
fn random() -> Result<Address> {
    let mut bytes = [0; 32];
    provider::default().fill_random(&mut bytes).map_err(Fault::internal)?;
    Ok(Address::from_bytes(bytes))
}
