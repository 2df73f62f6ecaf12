//! Checking a whole log from its entries up, trusting nothing but the log's key:
//! every entry is hashed again, every tile compared, the root recomputed.

use thiserror::Error;

use crate::checkpoint::{CheckpointError, LogIdentity, TreeHead, VerifiedCheckpoint};
use crate::hash::{Hash, leaf_hash};
use crate::store::{StoreError, TileSource, read_bundle, read_hashes};
use crate::tile::{TILE_WIDTH, TileId, TileKind};
use crate::tree::{Frontier, TreeError};

#[derive(Debug, Error)]
pub enum FsckError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error("there is no checkpoint")]
    NoCheckpoint,
    #[error("{0} does not hold the hashes of the entries")]
    Tile(TileId),
    #[error("the entries have the root {computed}, but the checkpoint states {stated}")]
    Root { stated: Hash, computed: Hash },
}

/// What a sound log was found to consist of.
#[derive(Debug)]
pub struct FsckReport {
    pub checkpoint: VerifiedCheckpoint,
    pub bundles: u64,
    pub tiles: u64,
}

/// Checks the whole log.
pub fn fsck<S: TileSource + ?Sized>(
    source: &S,
    identity: &LogIdentity,
) -> Result<FsckReport, FsckError> {
    fsck_with(source, identity, |_, _| {})
}

/// Checks the whole log, showing each entry with its index to `visit` on the way.
/// An entry is proved only when this function has returned without an error.
pub fn fsck_with<S: TileSource + ?Sized>(
    source: &S,
    identity: &LogIdentity,
    mut visit: impl FnMut(u64, &[u8]),
) -> Result<FsckReport, FsckError> {
    let note = source.checkpoint()?.ok_or(FsckError::NoCheckpoint)?;
    let checkpoint = identity.open(&note)?;
    let TreeHead { size, root } = checkpoint.head();
    let mut frontier = Frontier::new();
    let (mut bundles, mut tiles) = (0, 0);
    for id in TileId::all_in_tree(TileKind::Entries, size) {
        let entries = read_bundle(source, id)?;
        for (entry, index) in entries.iter().zip(id.index() * u64::from(TILE_WIDTH)..) {
            visit(index, entry);
        }
        let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        // The partial tiles of smaller trees in between may be gone.
        for tile in frontier.extend(&leaves)?.iter().filter(|tile| tile.id.is_full()) {
            compare(source, tile.id, &tile.hashes)?;
            tiles += 1;
        }
        bundles += 1;
    }
    for (hashes, level) in frontier.edge().iter().zip(0_u8..) {
        if let Some(id) = TileId::edge(TileKind::Hashes(level), size) {
            compare(source, id, hashes)?;
            tiles += 1;
        }
    }
    let computed = frontier.root();
    if computed != root {
        return Err(FsckError::Root { stated: root, computed });
    }
    Ok(FsckReport { checkpoint, bundles, tiles })
}

fn compare<S: TileSource + ?Sized>(
    source: &S,
    id: TileId,
    computed: &[Hash],
) -> Result<(), FsckError> {
    if read_hashes(source, id)? == computed { Ok(()) } else { Err(FsckError::Tile(id)) }
}
