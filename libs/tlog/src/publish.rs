//! Publishing: entries become bundles and tiles, and then a signed checkpoint
//! makes them part of the log.
//!
//! The order makes every crash harmless. Before the checkpoint is replaced, the
//! new files are only bytes that nobody refers to, and writing the same entries
//! again writes the same files. The caller keeps the entries durably until they
//! are under a checkpoint, and after a restart offers again what comes after
//! [`Publisher::head`].

use thiserror::Error;

use crate::bundle::push_entry;
use crate::checkpoint::{Checkpoint, CheckpointError, LogIdentity, TreeHead, VerifiedCheckpoint};
use crate::hash::{Hash, leaf_hash};
use crate::key::Signer;
use crate::proof::{BuildError, TileHashes, consistency_proof, root_at};
use crate::store::{StoreError, TileSource, TileStore, read_bundle};
use crate::tile::{MAX_LEVEL, TILE_WIDTH, TileError, TileId, TileKind, encode_hashes};
use crate::tree::{Frontier, TreeError};
use crate::verify::{VerifyError, verify_consistency};

#[derive(Debug, Error)]
pub enum PublishError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error("the signer's key is not one of the log's keys")]
    ForeignSigner,
    #[error("the next entry has index {expected}, not {given}")]
    NotContiguous { expected: u64, given: u64 },
    #[error("entry {index} is too long")]
    EntryTooLong {
        index: u64,
        #[source]
        source: TileError,
    },
    #[error("the leaf hash of entry {0} is not that of its bytes")]
    LeafMismatch(u64),
    #[error("the stored tiles and bundles are not those of the tree of size {0}")]
    Corrupt(u64),
    #[error("the log ends at {stored}, before the size {known} that was published")]
    Behind { stored: u64, known: u64 },
    #[error("the tree is not a continuation of the one published before")]
    Inconsistent(#[source] VerifyError),
    #[error("somebody else has replaced the checkpoint")]
    CheckpointMoved,
}

/// An entry to publish, with the leaf hash that was promised when it was accepted.
#[derive(Clone, Copy)]
pub struct Entry<'a> {
    pub bytes: &'a [u8],
    pub leaf: Hash,
}

impl<'a> Entry<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, leaf: leaf_hash(bytes) }
    }
}

/// What stands under the last checkpoint.
struct Published {
    checkpoint: VerifiedCheckpoint,
    frontier: Frontier,
    /// The partial bundle at the end of the log; empty if the last one is full.
    bundle: Vec<u8>,
}

struct NewBundles {
    /// Those that the new entries are in.
    changed: Vec<(TileId, Vec<u8>)>,
    /// The partial one at the new end; empty if the last one is full.
    last: Vec<u8>,
}

/// The one writer of a log.
pub struct Publisher<S> {
    store: S,
    identity: LogIdentity,
    signer: Signer,
    published: Published,
    /// Whether the checkpoint in the store may be newer than `published`.
    stale: bool,
    /// Full tiles whose partial forms are not needed any more.
    prunable: Vec<TileId>,
}

impl<S: TileStore> Publisher<S> {
    /// Opens a log, or creates it with a checkpoint of size zero, and verifies its
    /// right edge against the checkpoint.
    ///
    /// `known` is the last head that the caller has recorded elsewhere: a store
    /// that has been rolled back behind it, or does not continue it, is refused,
    /// because going on from there would sign a second history.
    pub fn open(
        store: S,
        identity: LogIdentity,
        signer: Signer,
        known: Option<TreeHead>,
    ) -> Result<Self, PublishError> {
        if !identity.keys.contains(signer.verifier()) {
            return Err(PublishError::ForeignSigner);
        }
        let published = match load(&store, &identity)? {
            Some(published) => published,
            None => {
                if let Some(known) = known.filter(|known| known.size > 0) {
                    return Err(PublishError::Behind { stored: 0, known: known.size });
                }
                create(&store, &identity, &signer)?
            }
        };
        let head = published.checkpoint.head();
        if let Some(known) = known {
            if head.size < known.size {
                return Err(PublishError::Behind { stored: head.size, known: known.size });
            }
            check_continuation(&store, known, head)?;
        }
        let prunable = last_full_tiles(head.size);
        Ok(Self { store, identity, signer, published, stale: false, prunable })
    }

    /// The last published head. The next entry has the index `head().size`.
    pub fn head(&self) -> TreeHead {
        self.published.checkpoint.head()
    }

    pub fn checkpoint(&self) -> &VerifiedCheckpoint {
        &self.published.checkpoint
    }

    pub fn store(&self) -> &S {
        &self.store
    }

    /// Appends entries, the first of which has the index `first`, and publishes a
    /// checkpoint that covers them.
    ///
    /// After an error nothing has changed, except that the new checkpoint may be
    /// out although replacing it seemed to fail. So offer the same entries again;
    /// [`PublishError::NotContiguous`] then tells where to go on.
    pub fn append(
        &mut self,
        first: u64,
        entries: &[Entry<'_>],
    ) -> Result<&VerifiedCheckpoint, PublishError> {
        if self.stale {
            self.reload()?;
        }
        let expected = self.head().size;
        if first != expected {
            return Err(PublishError::NotContiguous { expected, given: first });
        }
        for (entry, index) in entries.iter().zip(first..) {
            if leaf_hash(entry.bytes) != entry.leaf {
                return Err(PublishError::LeafMismatch(index));
            }
        }
        if !entries.is_empty() {
            self.publish(entries)?;
        }
        Ok(&self.published.checkpoint)
    }

    fn publish(&mut self, entries: &[Entry<'_>]) -> Result<(), PublishError> {
        self.check_unmoved()?;
        let mut frontier = self.published.frontier.clone();
        let leaves: Vec<Hash> = entries.iter().map(|entry| entry.leaf).collect();
        let tiles = frontier.extend(&leaves)?;
        let bundles = self.bundles(entries)?;
        let mut full = Vec::new();
        for (id, bytes) in &bundles.changed {
            self.store.create_tile(*id, bytes)?;
            full.extend(id.is_full().then_some(*id));
        }
        for tile in &tiles {
            self.store.create_tile(tile.id, &encode_hashes(&tile.hashes))?;
            full.extend(tile.id.is_full().then_some(tile.id));
        }
        let head = TreeHead { size: frontier.size(), root: frontier.root() };
        // Proved from what the store gives back, not from what we believe we wrote.
        check_continuation(&self.store, self.head(), head)?;
        self.stale = true;
        let checkpoint = sign(&self.store, &self.identity, &self.signer, head)?;
        self.stale = false;
        self.published = Published { checkpoint, frontier, bundle: bundles.last };
        self.prunable.append(&mut full);
        self.prune();
        Ok(())
    }

    /// Fills bundles with the entries, beginning where the last one ended.
    fn bundles(&self, entries: &[Entry<'_>]) -> Result<NewBundles, PublishError> {
        let mut bundle = self.published.bundle.clone();
        let mut changed = Vec::new();
        let first = self.head().size;
        for (entry, index) in entries.iter().zip(first..) {
            push_entry(&mut bundle, entry.bytes)
                .map_err(|source| PublishError::EntryTooLong { index, source })?;
            if (index + 1).is_multiple_of(u64::from(TILE_WIDTH))
                && let Some(id) = TileId::last_full(TileKind::Entries, index + 1)
            {
                changed.push((id, std::mem::take(&mut bundle)));
            }
        }
        let size = first + entries.len() as u64;
        if let Some(id) = TileId::edge(TileKind::Entries, size) {
            changed.push((id, bundle.clone()));
        }
        Ok(NewBundles { changed, last: bundle })
    }

    /// Two writers would sign two histories. The store's lock keeps them apart;
    /// this notices where it did not.
    fn check_unmoved(&self) -> Result<(), PublishError> {
        let stored = self.store.checkpoint()?.ok_or(PublishError::CheckpointMoved)?;
        // Others may have added signatures; the head is what counts.
        if self.identity.open(&stored)?.head() == self.head() {
            Ok(())
        } else {
            Err(PublishError::CheckpointMoved)
        }
    }

    fn reload(&mut self) -> Result<(), PublishError> {
        let known = self.head();
        let stored = load(&self.store, &self.identity)?;
        let published = stored.ok_or(PublishError::Behind { stored: 0, known: known.size })?;
        check_continuation(&self.store, known, published.checkpoint.head())?;
        self.published = published;
        self.stale = false;
        Ok(())
    }

    /// Removes partial tiles that have become full. The checkpoint is out, so a
    /// failure here costs only space; it is tried again after the next one.
    fn prune(&mut self) {
        let store = &self.store;
        self.prunable.retain(|id| store.remove_partials(*id).is_err());
    }
}

/// Reads the checkpoint and the right edge under it, and checks that they fit.
fn load<S: TileSource>(
    store: &S,
    identity: &LogIdentity,
) -> Result<Option<Published>, PublishError> {
    let Some(note) = store.checkpoint()? else { return Ok(None) };
    let checkpoint = identity.open(&note)?;
    let TreeHead { size, root } = checkpoint.head();
    let frontier = Frontier::load(store, size)?;
    if frontier.root() != root {
        return Err(PublishError::Corrupt(size));
    }
    let mut bundle = Vec::new();
    if let Some(id) = TileId::edge(TileKind::Entries, size) {
        let entries = read_bundle(store, id)?;
        let leaves: Vec<_> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        if frontier.edge().first() != Some(&leaves) {
            return Err(PublishError::Corrupt(size));
        }
        for entry in &entries {
            push_entry(&mut bundle, entry)
                .map_err(|source| StoreError::Malformed { tile: id, source })?;
        }
    }
    Ok(Some(Published { checkpoint, frontier, bundle }))
}

fn create<S: TileStore>(
    store: &S,
    identity: &LogIdentity,
    signer: &Signer,
) -> Result<Published, PublishError> {
    let frontier = Frontier::new();
    let head = TreeHead { size: 0, root: frontier.root() };
    let checkpoint = sign(store, identity, signer, head)?;
    Ok(Published { checkpoint, frontier, bundle: Vec::new() })
}

fn sign<S: TileStore>(
    store: &S,
    identity: &LogIdentity,
    signer: &Signer,
    head: TreeHead,
) -> Result<VerifiedCheckpoint, PublishError> {
    let note = Checkpoint::new(identity.origin.as_str(), head)?
        .sign(&[signer])
        .map_err(CheckpointError::from)?
        .to_string();
    // A signature that went wrong must not get out.
    let checkpoint = identity.open(note.as_bytes())?;
    store.replace_checkpoint(note.as_bytes())?;
    Ok(checkpoint)
}

/// Proves from the stored tiles that they have the tree `new`, and that it begins
/// with the tree `old`.
fn check_continuation<S: TileSource>(
    store: &S,
    old: TreeHead,
    new: TreeHead,
) -> Result<(), PublishError> {
    let unbuilt = |error| match error {
        BuildError::Source(error) => PublishError::Store(error),
        BuildError::OutOfRange => PublishError::Inconsistent(VerifyError::Shrinks),
    };
    let mut hashes = TileHashes::new(store, new.size);
    if root_at(&mut hashes, new.size).map_err(unbuilt)? != new.root {
        return Err(PublishError::Corrupt(new.size));
    }
    let proof = consistency_proof(&mut hashes, old.size, new.size).map_err(unbuilt)?;
    verify_consistency(old.size, &old.root, new.size, &new.root, &proof)
        .map_err(PublishError::Inconsistent)
}

/// The tiles left of the right edge: a crash may have kept their partial forms.
fn last_full_tiles(size: u64) -> Vec<TileId> {
    let kinds = (0..=MAX_LEVEL).map(TileKind::Hashes).chain([TileKind::Entries]);
    kinds.filter_map(|kind| TileId::last_full(kind, size)).collect()
}
