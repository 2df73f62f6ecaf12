//! A whole log: publishing, refusing, checking, and proofs that travel alone.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use kernel::Secret;
use proptest::prelude::*;
use tlog::{
    CheckpointError, Entry, FsReader, FsStore, FsckError, Hash, LogIdentity, LogProof,
    LogProofError, MAX_ENTRY_LEN, MemoryStore, NoteError, PublishError, Publisher, Signer,
    StoreError, TileHashes, TileId, TileKind, TileSource, TileStore, TreeHead, VerifyError,
    empty_root, fsck, inclusion_proof, leaf_hash,
};

const ORIGIN: &str = "example.com/log";

fn signer(seed: u8) -> Signer {
    Signer::from_seed(ORIGIN, &Secret::new([seed; 32])).unwrap()
}

fn identity_of(keys: &[&Signer]) -> LogIdentity {
    let keys = keys.iter().map(|signer| signer.verifier().clone()).collect();
    LogIdentity { origin: ORIGIN.into(), keys }
}

fn identity() -> LogIdentity {
    identity_of(&[&signer(1)])
}

fn open<S: TileStore>(store: S, known: Option<TreeHead>) -> Result<Publisher<S>, PublishError> {
    Publisher::open(store, identity(), signer(1), known)
}

fn texts(range: std::ops::Range<u64>) -> Vec<Vec<u8>> {
    range.map(|number| format!("entry {number}").into_bytes()).collect()
}

fn append<S: TileStore>(publisher: &mut Publisher<S>, count: u64) -> TreeHead {
    let first = publisher.head().size;
    let texts = texts(first..first + count);
    let entries: Vec<_> = texts.iter().map(|text| Entry::new(text)).collect();
    publisher.append(first, &entries).unwrap().head()
}

fn log_of(size: u64) -> MemoryStore {
    let store = MemoryStore::default();
    append(&mut open(&store, None).unwrap(), size);
    store
}

#[test]
fn a_log_in_a_directory_grows_over_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let mut known = None;
    for count in [0, 1, 255, 256, 1, 700] {
        let mut publisher = open(FsStore::open(dir.path()).unwrap(), known).unwrap();
        assert!(known.is_none_or(|known| known == publisher.head()));
        known = Some(append(&mut publisher, count));
        let report = fsck(&FsReader::new(dir.path()), &identity()).unwrap();
        assert_eq!(Some(report.checkpoint.head()), known);
    }
    let report = fsck(&FsReader::new(dir.path()), &identity()).unwrap();
    assert_eq!((report.bundles, report.tiles), (5, 6));
    // 1,213 = 4 · 256 + 189; nothing is left of the partial forms of full tiles.
    for (path, there) in [
        ("tile/0/004.p/189", true),
        ("tile/entries/004.p/189", true),
        ("tile/1/000.p/4", true),
        ("tile/0/000", true),
        ("tile/0/000.p", false),
        ("tile/entries/000.p", false),
    ] {
        assert_eq!(dir.path().join(path).exists(), there, "{path}");
    }
}

/// The service moves it to a thread that may block.
#[test]
fn a_publisher_can_change_threads() {
    let mut publisher = open(MemoryStore::default(), None).unwrap();
    let thread = std::thread::spawn(move || append(&mut publisher, 2).size);
    assert_eq!(thread.join().unwrap(), 2);
}

#[test]
fn a_new_log_publishes_the_empty_tree() {
    let store = MemoryStore::default();
    let publisher = open(&store, None).unwrap();
    assert_eq!(publisher.head(), TreeHead { size: 0, root: empty_root() });
    assert_eq!(fsck(&store, &identity()).unwrap().tiles, 0);
    assert!(matches!(fsck(&MemoryStore::default(), &identity()), Err(FsckError::NoCheckpoint)));
}

#[test]
fn appending_checks_its_arguments_and_changes_nothing() {
    let store = log_of(3);
    let before = (store.tiles(), store.checkpoint().unwrap());
    let mut publisher = open(&store, None).unwrap();
    for first in [0, 2, 4] {
        let result = publisher.append(first, &[Entry::new(b"x")]);
        assert!(
            matches!(result, Err(PublishError::NotContiguous { expected: 3, given }) if given == first)
        );
    }
    let promised = Entry { bytes: b"x", leaf: leaf_hash(b"y") };
    let result = publisher.append(3, &[Entry::new(b"x"), promised]);
    assert!(matches!(result, Err(PublishError::LeafMismatch(4))));
    let long = vec![0; MAX_ENTRY_LEN + 1];
    let result = publisher.append(3, &[Entry::new(&long)]);
    assert!(matches!(result, Err(PublishError::EntryTooLong { index: 3, .. })));
    publisher.append(3, &[]).unwrap();
    assert_eq!(before, (store.tiles(), store.checkpoint().unwrap()));
    publisher.append(3, &[Entry::new(&long[1..]), Entry::new(b"")]).unwrap();
    assert_eq!(fsck(&store, &identity()).unwrap().checkpoint.head().size, 5);
}

#[test]
fn a_log_that_was_rolled_back_is_not_continued() {
    let (old, new) = (log_of(10), log_of(300));
    let head = open(&new, None).unwrap().head();
    let behind = open(&old, Some(head)).map(drop);
    assert!(matches!(behind, Err(PublishError::Behind { stored: 10, known: 300 })));
    let lost = open(MemoryStore::default(), Some(head)).map(drop);
    assert!(matches!(lost, Err(PublishError::Behind { stored: 0, known: 300 })));
    let other = TreeHead { size: 7, root: leaf_hash(b"another history") };
    let forked = open(&new, Some(other)).map(drop);
    assert!(matches!(forked, Err(PublishError::Inconsistent(VerifyError::OldRoot))));
    let same_size = open(&new, Some(TreeHead { size: 300, ..other })).map(drop);
    assert!(matches!(same_size, Err(PublishError::Inconsistent(_))));
    open(&new, Some(open(&old, None).unwrap().head())).unwrap();
}

#[test]
fn a_second_writer_is_noticed() {
    let store = MemoryStore::default();
    let (mut one, mut two) = (open(&store, None).unwrap(), open(&store, None).unwrap());
    append(&mut one, 5);
    let other = two.append(0, &[Entry::new(b"x")]).map(drop);
    assert!(matches!(other, Err(PublishError::CheckpointMoved)), "{other:?}");
    let same = two.append(0, &[Entry::new(b"entry 0")]).map(drop);
    assert!(matches!(same, Err(PublishError::CheckpointMoved)));
    assert_eq!(fsck(&store, &identity()).unwrap().checkpoint.head(), one.head());
}

/// A disk that keeps something else than what it was given.
struct Rotten<'a> {
    store: &'a MemoryStore,
    place: TileKind,
}

impl TileSource for Rotten<'_> {
    fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.tile(id)
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.store.checkpoint()
    }
}

impl TileStore for Rotten<'_> {
    fn create_tile(&self, id: TileId, bytes: &[u8]) -> Result<(), StoreError> {
        let mut bytes = bytes.to_vec();
        bytes[0] ^= u8::from(id.kind() == self.place);
        self.store.create_tile(id, &bytes)
    }

    fn replace_checkpoint(&self, note: &[u8]) -> Result<(), StoreError> {
        self.store.replace_checkpoint(note)
    }

    fn remove_partials(&self, id: TileId) -> Result<(), StoreError> {
        self.store.remove_partials(id)
    }
}

#[test]
fn tiles_that_read_back_wrong_are_not_signed() {
    for (size, place) in [(0, 0), (3, 0), (300, 0), (300, 1)] {
        let store = log_of(size);
        let before = store.checkpoint().unwrap();
        let rotten = Rotten { store: &store, place: TileKind::Hashes(place) };
        let mut publisher = open(rotten, None).unwrap();
        let texts = texts(size..size + 400);
        let entries: Vec<_> = texts.iter().map(|text| Entry::new(text)).collect();
        let result = publisher.append(size, &entries).map(drop);
        assert!(matches!(result, Err(PublishError::Corrupt(_))), "{size} {place} {result:?}");
        assert_eq!(store.checkpoint().unwrap(), before);
    }
}

#[test]
fn keys_can_be_changed_but_not_borrowed() {
    let store = log_of(3);
    let (old, new) = (signer(1), signer(2));
    let foreign = Publisher::open(&store, identity_of(&[&old]), signer(2), None).map(drop);
    assert!(matches!(foreign, Err(PublishError::ForeignSigner)));
    let unknown = Publisher::open(&store, identity_of(&[&new]), signer(2), None).map(drop);
    assert!(matches!(
        unknown,
        Err(PublishError::Checkpoint(CheckpointError::Note(NoteError::UnknownSigners)))
    ));
    let mut publisher =
        Publisher::open(&store, identity_of(&[&old, &new]), signer(2), None).unwrap();
    append(&mut publisher, 1);
    assert_eq!(fsck(&store, &identity_of(&[&new])).unwrap().checkpoint.head().size, 4);
    assert!(fsck(&store, &identity_of(&[&old])).is_err());
}

/// The same log with one tile changed (`None`: missing).
fn with_tile(store: &MemoryStore, id: TileId, bytes: Option<&[u8]>) -> MemoryStore {
    let copy = MemoryStore::default();
    for (tile, content) in store.tiles() {
        match bytes {
            Some(bytes) if tile == id => copy.create_tile(tile, bytes).unwrap(),
            None if tile == id => {}
            _ => copy.create_tile(tile, &content).unwrap(),
        }
    }
    copy.replace_checkpoint(&store.checkpoint().unwrap().unwrap()).unwrap();
    copy
}

#[test]
fn no_damage_escapes_fsck() {
    let store = log_of(700);
    assert_eq!(store.tiles().len(), 7);
    for (id, content) in store.tiles() {
        for at in [0, 1, 2, content.len() / 2, content.len() - 1] {
            let mut bytes = content.clone();
            bytes[at] ^= 1;
            assert!(fsck(&with_tile(&store, id, Some(&bytes)), &identity()).is_err(), "{id} {at}");
        }
        assert!(fsck(&with_tile(&store, id, Some(&content[1..])), &identity()).is_err(), "{id}");
        assert!(fsck(&with_tile(&store, id, None), &identity()).is_err(), "{id}");
    }
    let note = store.checkpoint().unwrap().unwrap();
    for at in 0..note.len() {
        let mut changed = note.clone();
        changed[at] ^= 1;
        store.replace_checkpoint(&changed).unwrap();
        assert!(fsck(&store, &identity()).is_err(), "{at}");
    }
    store.replace_checkpoint(&log_of(699).checkpoint().unwrap().unwrap()).unwrap();
    assert!(fsck(&store, &identity()).is_err(), "the partial tiles of 699 do not exist");
}

#[test]
fn a_publisher_does_not_open_a_damaged_edge() {
    let store = log_of(700);
    let damage = |kind, index, bytes: &dyn Fn(Vec<u8>) -> Vec<u8>| {
        let id = TileId::in_tree(kind, index, 700).unwrap();
        let content = bytes(store.tile(id).unwrap().unwrap());
        open(with_tile(&store, id, Some(&content)), None).map(drop)
    };
    let flip = |mut bytes: Vec<u8>| {
        bytes[40] ^= 1;
        bytes
    };
    for (kind, index) in
        [(TileKind::Hashes(0), 2), (TileKind::Hashes(1), 0), (TileKind::Entries, 2)]
    {
        assert!(matches!(
            damage(kind, index, &flip),
            Err(PublishError::Corrupt(700) | PublishError::Store(_))
        ));
    }
    let shorter = damage(TileKind::Hashes(0), 2, &|bytes| bytes[32..].to_vec());
    assert!(matches!(shorter, Err(PublishError::Store(_))));
}

fn proof_of(store: &MemoryStore, index: u64) -> LogProof {
    let checkpoint = identity().open(&store.checkpoint().unwrap().unwrap()).unwrap();
    let size = checkpoint.head().size;
    let hashes = inclusion_proof(&mut TileHashes::new(store, size), index, size).unwrap();
    LogProof { extra: None, index, hashes, checkpoint: checkpoint.note().clone() }
}

#[test]
fn a_proof_travels_as_one_file() {
    let store = log_of(1_000);
    let mut proof = proof_of(&store, 738);
    for extra in [None, Some(Vec::new()), Some(b"context".to_vec())] {
        proof.extra = extra;
        let text = proof.to_string();
        assert!(text.starts_with("c2sp.org/tlog-proof@v1\n"));
        let parsed: LogProof = text.parse().unwrap();
        assert_eq!(parsed, proof);
        assert_eq!(parsed.verify(&identity(), b"entry 738").unwrap().head().size, 1_000);
        let other = parsed.verify(&identity(), b"entry 739").unwrap_err();
        assert_eq!(other, LogProofError::Inclusion(VerifyError::Root));
        assert!(parsed.verify(&identity_of(&[&signer(2)]), b"entry 738").is_err());
    }
    let single = proof_of(&log_of(1), 0);
    assert!(single.hashes.is_empty());
    assert_eq!(single.to_string().parse(), Ok(single));
}

#[test]
fn malformed_proofs_are_refused() {
    let text = proof_of(&log_of(3), 2).to_string();
    let hash = leaf_hash(b"x").to_base64();
    for (from, to, error) in [
        ("@v1", "@v2", LogProofError::Form),
        ("\n\n", "\n", LogProofError::Hash(1)),
        ("index 2", "index 02", LogProofError::Index),
        ("index 2", "index -2", LogProofError::Index),
        ("index 2", "Index 2", LogProofError::Index),
        ("index 2", "extra *\nindex 2", LogProofError::Extra),
        ("index 2", "extra YQ==\nextra YQ==\nindex 2", LogProofError::Index),
        ("index 2", "index 2\nYQ==", LogProofError::Hash(0)),
        (
            "index 2\n",
            &format!("index 2\n{}", format!("{hash}\n").repeat(63)),
            LogProofError::TooLong,
        ),
        ("index 2", &format!("extra {}\nindex 2", "YWJj".repeat(30_000)), LogProofError::TooLong),
        ("— ", "- ", LogProofError::Note(NoteError::SignatureLine(1))),
    ] {
        assert_eq!(
            text.replacen(from, to, 1).parse::<LogProof>(),
            Err(error),
            "{from:?} {to:.40?}"
        );
    }
    assert_eq!("x".repeat(1 << 20).parse::<LogProof>(), Err(LogProofError::TooLong));
}

proptest! {
    #[test]
    fn a_changed_proof_file_never_proves_another_entry(at in 0..1_000_usize, flip in 1..128_u8) {
        let proof = proof_of(&log_of(5), 3);
        let mut bytes = proof.to_string().into_bytes();
        let at = at % bytes.len();
        bytes[at] ^= flip;
        if let Ok(text) = String::from_utf8(bytes) && let Ok(parsed) = text.parse::<LogProof>() {
            prop_assert_eq!(parsed.to_string(), text);
            prop_assert!(parsed.verify(&identity(), b"entry 4").is_err());
            if parsed.verify(&identity(), b"entry 3").is_ok() {
                prop_assert_eq!((parsed.index, &parsed.hashes), (3, &proof.hashes));
            }
        }
    }

    #[test]
    fn proof_files_have_one_spelling(index in any::<u64>(), hashes in proptest::collection::vec(any::<[u8; 32]>(), 0..63)) {
        let mut proof = proof_of(&log_of(1), 0);
        proof.index = index & (u64::MAX >> 1);
        proof.hashes = hashes.into_iter().map(Hash::from_bytes).collect();
        prop_assert_eq!(proof.to_string().parse(), Ok(proof));
    }
}
