//! Building proofs from stored hashes (RFC 6962, sections 2.1.1 and 2.1.2).

use std::collections::HashMap;

use thiserror::Error;

use crate::hash::{Hash, empty_root, node_hash, perfect_root};
use crate::store::{StoreError, TileSource, read_hashes};
use crate::tile::{MAX_TREE_SIZE, TILE_HEIGHT, TILE_WIDTH, TileId, TileKind};

/// Gives the roots of perfect subtrees.
pub trait HashSource {
    type Error;

    /// The root over the leaves `index << level .. (index + 1) << level`, all of
    /// which are in the tree.
    fn node(&mut self, level: u32, index: u64) -> Result<Hash, Self::Error>;
}

#[derive(Debug, Error, PartialEq, Eq)]
pub enum BuildError<E> {
    #[error("index and sizes must be in order and within the tree")]
    OutOfRange,
    #[error(transparent)]
    Source(#[from] E),
}

/// The proof that leaf `index` is in the tree of the first `size` leaves, from
/// the leaf's sibling upwards.
pub fn inclusion_proof<S: HashSource>(
    source: &mut S,
    index: u64,
    size: u64,
) -> Result<Vec<Hash>, BuildError<S::Error>> {
    if index >= size || size > MAX_TREE_SIZE {
        return Err(BuildError::OutOfRange);
    }
    let mut proof = Vec::new();
    let (mut start, mut end) = (0, size);
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            proof.push(range_root(source, middle, end)?);
            end = middle;
        } else {
            proof.push(range_root(source, start, middle)?);
            start = middle;
        }
    }
    proof.reverse();
    Ok(proof)
}

/// The proof that the tree of the first `new_size` leaves begins with the tree of
/// the first `old_size`. Empty if one of them is empty or both are the same.
pub fn consistency_proof<S: HashSource>(
    source: &mut S,
    old_size: u64,
    new_size: u64,
) -> Result<Vec<Hash>, BuildError<S::Error>> {
    if old_size > new_size || new_size > MAX_TREE_SIZE {
        return Err(BuildError::OutOfRange);
    }
    let mut proof = Vec::new();
    if old_size == 0 {
        return Ok(proof);
    }
    let (mut start, mut end) = (0, new_size);
    while end != old_size {
        let middle = start + split(end - start);
        if old_size <= middle {
            proof.push(range_root(source, middle, end)?);
            end = middle;
        } else {
            proof.push(range_root(source, start, middle)?);
            start = middle;
        }
    }
    // The verifier knows the old root already if the old tree is this subtree.
    if start > 0 {
        proof.push(range_root(source, start, end)?);
    }
    proof.reverse();
    Ok(proof)
}

/// The root of the tree of the first `size` leaves.
pub fn root_at<S: HashSource>(source: &mut S, size: u64) -> Result<Hash, BuildError<S::Error>> {
    if size > MAX_TREE_SIZE {
        return Err(BuildError::OutOfRange);
    }
    Ok(range_root(source, 0, size)?)
}

/// The root over the leaves `start..end`, which RFC 6962 cut off in one piece.
fn range_root<S: HashSource>(source: &mut S, start: u64, end: u64) -> Result<Hash, S::Error> {
    // Cut into perfect subtrees, largest first; they are joined from the right.
    let mut parts = Vec::new();
    let mut at = start;
    while at < end {
        let level = (end - at).ilog2();
        parts.push(source.node(level, at >> level)?);
        at += 1 << level;
    }
    let joined = parts.into_iter().rev().reduce(|right, left| node_hash(&left, &right));
    Ok(joined.unwrap_or_else(empty_root))
}

/// The largest power of two below `count`: where RFC 6962 cuts a range in two.
const fn split(count: u64) -> u64 {
    1 << (count - 1).ilog2()
}

/// Hashes out of the tiles of a log. Remembers the tiles it has read, so use one
/// for a few proofs and let it go.
pub struct TileHashes<'a, S: ?Sized> {
    source: &'a S,
    size: u64,
    tiles: HashMap<TileId, Vec<Hash>>,
}

impl<'a, S: TileSource + ?Sized> TileHashes<'a, S> {
    /// `size` is that of a published checkpoint: it says which partial tiles exist.
    /// Proofs for any smaller tree, published or not, can be built from these.
    pub fn new(source: &'a S, size: u64) -> Self {
        Self { source, size, tiles: HashMap::new() }
    }
}

impl<S: TileSource + ?Sized> HashSource for TileHashes<'_, S> {
    type Error = StoreError;

    fn node(&mut self, level: u32, index: u64) -> Result<Hash, StoreError> {
        // The node is the root over `count` neighbours within one tile.
        let within = level % TILE_HEIGHT;
        let kind = TileKind::Hashes(u8::try_from(level / TILE_HEIGHT).unwrap_or(u8::MAX));
        let tile_index = index >> (TILE_HEIGHT - within);
        let outside = StoreError::Outside { level, index, size: self.size };
        let Some(id) = TileId::in_tree(kind, tile_index, self.size) else { return Err(outside) };
        let start = ((index << within) % u64::from(TILE_WIDTH)) as usize;
        if !self.tiles.contains_key(&id) {
            self.tiles.insert(id, read_hashes(self.source, id)?);
        }
        let nodes = self.tiles.get(&id).and_then(|tile| tile.get(start..start + (1 << within)));
        nodes.map(perfect_root).ok_or(outside)
    }
}
