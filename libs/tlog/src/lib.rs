//! A transparency log: an append-only Merkle tree whose head is signed, stored
//! as static files that anyone can check offline.
//!
//! The formats are those of the field, so that other people's tools work on our
//! logs: the tree of [RFC 6962] with SHA-256, stored as [tlog-tiles], its head a
//! [checkpoint] in a [signed note], and evidence for one entry as a [tlog-proof].
//!
//! From the bottom up: [`Hash`] → [`TileId`] → [`Frontier`] (grows the tree) and
//! [`inclusion_proof`]/[`verify_inclusion`] (and the same for consistency) →
//! [`Note`] → [`Checkpoint`] → [`Publisher`] (writes a log into a [`TileStore`])
//! and [`fsck`] (reads it all again and believes nothing).
//!
//! Everything here is synchronous; the only input and output is in [`FsStore`]
//! and [`FsReader`], behind the traits [`TileSource`] and [`TileStore`].
//!
//! [RFC 6962]: https://www.rfc-editor.org/rfc/rfc6962#section-2.1
//! [tlog-tiles]: https://c2sp.org/tlog-tiles
//! [checkpoint]: https://c2sp.org/tlog-checkpoint
//! [signed note]: https://c2sp.org/signed-note
//! [tlog-proof]: https://c2sp.org/tlog-proof

mod bundle;
mod checkpoint;
mod fs_store;
mod fsck;
mod hash;
mod key;
mod note;
mod proof;
mod proof_file;
mod publish;
mod store;
mod tile;
mod tree;
mod verify;

pub use bundle::{MAX_ENTRY_LEN, decode_bundle, push_entry};
pub use checkpoint::{Checkpoint, CheckpointError, LogIdentity, TreeHead, VerifiedCheckpoint};
pub use fs_store::{FsReader, FsStore};
pub use fsck::{FsckError, FsckReport, fsck, fsck_with};
pub use hash::{HASH_LEN, Hash, empty_root, leaf_hash, node_hash};
pub use key::{KeyError, Signer, VerifierKey};
pub use note::{MAX_NOTE_LEN, MAX_SIGNATURES, Note, NoteError, Signature};
pub use proof::{BuildError, HashSource, TileHashes, consistency_proof, inclusion_proof, root_at};
pub use proof_file::{LogProof, LogProofError};
pub use publish::{Entry, PublishError, Publisher};
pub use store::{MemoryStore, StoreError, TileSource, TileStore, read_bundle, read_hashes};
pub use tile::{
    MAX_TREE_SIZE, TILE_WIDTH, TileError, TileId, TileKind, decode_hashes, encode_hashes,
};
pub use tree::{Frontier, HashTile, TreeError};
pub use verify::{VerifyError, verify_consistency, verify_inclusion};
