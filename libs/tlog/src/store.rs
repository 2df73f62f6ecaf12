//! Where a log lies: tiles, which are written once, and the checkpoint, which is
//! replaced. Addressed by type, so no path is ever made of foreign text.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use thiserror::Error;

use crate::bundle::decode_bundle;
use crate::hash::Hash;
use crate::tile::{TileError, TileId, decode_hashes};

#[derive(Debug, Error)]
pub enum StoreError {
    #[error("{action} {path}")]
    Io {
        action: &'static str,
        path: String,
        #[source]
        source: io::Error,
    },
    #[error("{0} is missing")]
    Missing(TileId),
    #[error("{tile} is malformed")]
    Malformed {
        tile: TileId,
        #[source]
        source: TileError,
    },
    #[error("{0} exists with other content; a tile never changes")]
    Conflict(TileId),
    #[error("node {index} of level {level} is not in a tree of {size} leaves")]
    Outside { level: u32, index: u64, size: u64 },
    #[error("a tree of {0} leaves is larger than any that we handle")]
    TooLarge(u64),
    #[error("another process is writing this log")]
    Locked,
    #[error("the store failed")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A log that can be read.
pub trait TileSource {
    /// The bytes of exactly this tile, if there is such.
    fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>, StoreError>;

    /// The signed checkpoint, if there is one.
    fn checkpoint(&self) -> Result<Option<Vec<u8>>, StoreError>;
}

/// A log that can be written. What a call has acknowledged must survive a crash.
pub trait TileStore: TileSource {
    /// Writes a tile as a whole or not at all. Writing the same bytes again is no
    /// error; other bytes are a [`StoreError::Conflict`] and change nothing.
    fn create_tile(&self, id: TileId, bytes: &[u8]) -> Result<(), StoreError>;

    /// Replaces the checkpoint: readers see the old one or the new one.
    fn replace_checkpoint(&self, note: &[u8]) -> Result<(), StoreError>;

    /// Removes what was written of a tile while it was partial. `id` is full, and
    /// the store has it.
    fn remove_partials(&self, id: TileId) -> Result<(), StoreError>;
}

impl<S: TileSource + ?Sized> TileSource for &S {
    fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>, StoreError> {
        (**self).tile(id)
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, StoreError> {
        (**self).checkpoint()
    }
}

impl<S: TileStore + ?Sized> TileStore for &S {
    fn create_tile(&self, id: TileId, bytes: &[u8]) -> Result<(), StoreError> {
        (**self).create_tile(id, bytes)
    }

    fn replace_checkpoint(&self, note: &[u8]) -> Result<(), StoreError> {
        (**self).replace_checkpoint(note)
    }

    fn remove_partials(&self, id: TileId) -> Result<(), StoreError> {
        (**self).remove_partials(id)
    }
}

/// The hashes of a tile. A partial tile may be gone once it has become full; then
/// its hashes are the first ones of the full tile.
pub fn read_hashes<S: TileSource + ?Sized>(
    source: &S,
    id: TileId,
) -> Result<Vec<Hash>, StoreError> {
    let (found, bytes) = read(source, id)?;
    let mut hashes = decode_hashes(&bytes, found.width())
        .map_err(|source| StoreError::Malformed { tile: found, source })?;
    hashes.truncate(usize::from(id.width()));
    Ok(hashes)
}

/// The entries of a bundle, with the same recourse as [`read_hashes`].
pub fn read_bundle<S: TileSource + ?Sized>(
    source: &S,
    id: TileId,
) -> Result<Vec<Vec<u8>>, StoreError> {
    let (found, bytes) = read(source, id)?;
    let entries = decode_bundle(&bytes, found.width())
        .map_err(|source| StoreError::Malformed { tile: found, source })?;
    Ok(entries.into_iter().take(usize::from(id.width())).map(<[u8]>::to_vec).collect())
}

fn read<S: TileSource + ?Sized>(source: &S, id: TileId) -> Result<(TileId, Vec<u8>), StoreError> {
    if let Some(bytes) = source.tile(id)? {
        return Ok((id, bytes));
    }
    let full = id.to_full();
    match source.tile(full)? {
        Some(bytes) => Ok((full, bytes)),
        None => Err(StoreError::Missing(id)),
    }
}

/// A log in memory, for tests and for checking a log that has been fetched.
#[derive(Default)]
pub struct MemoryStore {
    content: Mutex<MemoryContent>,
}

#[derive(Default)]
struct MemoryContent {
    tiles: BTreeMap<TileId, Vec<u8>>,
    checkpoint: Option<Vec<u8>>,
}

impl MemoryStore {
    fn content(&self) -> MutexGuard<'_, MemoryContent> {
        // Each change is a single insertion, so a panic elsewhere leaves no half.
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything but the checkpoint.
    pub fn tiles(&self) -> BTreeMap<TileId, Vec<u8>> {
        self.content().tiles.clone()
    }
}

impl TileSource for MemoryStore {
    fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.content().tiles.get(&id).cloned())
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.content().checkpoint.clone())
    }
}

impl TileStore for MemoryStore {
    fn create_tile(&self, id: TileId, bytes: &[u8]) -> Result<(), StoreError> {
        let mut content = self.content();
        let stored = content.tiles.entry(id).or_insert_with(|| bytes.to_vec());
        if stored == bytes { Ok(()) } else { Err(StoreError::Conflict(id)) }
    }

    fn replace_checkpoint(&self, note: &[u8]) -> Result<(), StoreError> {
        self.content().checkpoint = Some(note.to_vec());
        Ok(())
    }

    fn remove_partials(&self, id: TileId) -> Result<(), StoreError> {
        self.content().tiles.retain(|tile, _| tile.is_full() || tile.to_full() != id);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;
    use crate::tile::{TileKind, encode_hashes};

    #[test]
    fn a_partial_tile_is_read_from_the_full_one() {
        let store = MemoryStore::default();
        let hashes: Vec<_> = (0..=255_u8).map(|byte| leaf_hash(&[byte])).collect();
        let partial = TileId::new(TileKind::Hashes(0), 3, 2).unwrap();
        assert!(
            matches!(read_hashes(&store, partial), Err(StoreError::Missing(id)) if id == partial)
        );
        store.create_tile(partial.to_full(), &encode_hashes(&hashes)).unwrap();
        assert_eq!(read_hashes(&store, partial).unwrap(), hashes[..2]);
        store.create_tile(partial, b"short").unwrap();
        assert!(matches!(
            read_hashes(&store, partial),
            Err(StoreError::Malformed { tile, .. }) if tile == partial
        ));
    }

    #[test]
    fn a_tile_is_written_once() {
        let store = MemoryStore::default();
        let id = TileId::new(TileKind::Entries, 0, 1).unwrap();
        store.create_tile(id, b"\0\x01a").unwrap();
        store.create_tile(id, b"\0\x01a").unwrap();
        assert!(matches!(store.create_tile(id, b"\0\x01b"), Err(StoreError::Conflict(_))));
        assert_eq!(read_bundle(&store, id).unwrap(), [b"a"]);
    }
}
