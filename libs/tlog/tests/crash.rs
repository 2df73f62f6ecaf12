//! The store dies, or fails once, at each write in turn. What was published stays
//! published, and the log goes on.
#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::cell::Cell;

use kernel::Secret;
use tlog::{
    Entry, FsReader, FsStore, LogIdentity, MemoryStore, PublishError, Publisher, Signer,
    StoreError, TileHashes, TileId, TileSource, TileStore, TreeHead, consistency_proof, fsck,
    fsck_with, verify_consistency,
};

const BATCHES: [usize; 8] = [1, 2, 250, 3, 300, 1, 513, 40];

fn signer() -> Signer {
    Signer::from_seed("example.com/log", &Secret::new([7; 32])).unwrap()
}

fn identity() -> LogIdentity {
    LogIdentity { origin: "example.com/log".into(), keys: vec![signer().verifier().clone()] }
}

fn entries() -> Vec<Vec<u8>> {
    (0..BATCHES.iter().sum()).map(|number| format!("entry {number}").into_bytes()).collect()
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Failure {
    /// Nothing is written, and the process is gone.
    DiesBefore,
    /// It is written, but nobody hears of it.
    DiesAfter,
    /// The call fails, the next ones work.
    FailsBefore,
    /// The call works, reports an error, and the next ones work.
    FailsAfter,
}

/// A store whose `countdown`-th write fails.
struct Faulty<S> {
    inner: S,
    countdown: Cell<usize>,
    failure: Failure,
    dead: Cell<bool>,
}

fn broken() -> StoreError {
    StoreError::Other("the plug was pulled".into())
}

impl<S: TileStore> Faulty<S> {
    fn new(inner: S, countdown: usize, failure: Failure) -> Self {
        Self { inner, countdown: Cell::new(countdown), failure, dead: Cell::new(false) }
    }

    fn alive(&self) -> Result<(), StoreError> {
        if self.dead.get() { Err(broken()) } else { Ok(()) }
    }

    fn write(&self, write: impl FnOnce(&S) -> Result<(), StoreError>) -> Result<(), StoreError> {
        self.alive()?;
        let left = self.countdown.get();
        self.countdown.set(left.wrapping_sub(1));
        if left != 0 {
            return write(&self.inner);
        }
        self.dead.set(matches!(self.failure, Failure::DiesBefore | Failure::DiesAfter));
        if matches!(self.failure, Failure::DiesAfter | Failure::FailsAfter) {
            write(&self.inner)?;
        }
        Err(broken())
    }

    fn has_failed(&self) -> bool {
        self.countdown.get() > usize::MAX / 2
    }
}

impl<S: TileStore> TileSource for Faulty<S> {
    fn tile(&self, id: TileId) -> Result<Option<Vec<u8>>, StoreError> {
        self.alive()?;
        self.inner.tile(id)
    }

    fn checkpoint(&self) -> Result<Option<Vec<u8>>, StoreError> {
        self.alive()?;
        self.inner.checkpoint()
    }
}

impl<S: TileStore> TileStore for Faulty<S> {
    fn create_tile(&self, id: TileId, bytes: &[u8]) -> Result<(), StoreError> {
        self.write(|inner| inner.create_tile(id, bytes))
    }

    fn replace_checkpoint(&self, note: &[u8]) -> Result<(), StoreError> {
        self.write(|inner| inner.replace_checkpoint(note))
    }

    fn remove_partials(&self, id: TileId) -> Result<(), StoreError> {
        self.write(|inner| inner.remove_partials(id))
    }
}

/// Publishes batch by batch until an error; returns the heads that were acknowledged.
fn run<S: TileStore>(
    store: S,
    batches: &[usize],
    known: Option<TreeHead>,
) -> (Vec<TreeHead>, Option<PublishError>) {
    let entries = entries();
    let mut heads = Vec::from_iter(known);
    let mut publisher = match Publisher::open(store, identity(), signer(), known) {
        Ok(publisher) => publisher,
        Err(error) => return (heads, Some(error)),
    };
    heads.push(publisher.head());
    for batch in batches {
        let first = publisher.head().size as usize;
        let end = (first + batch).min(entries.len());
        let batch: Vec<_> = entries[first..end].iter().map(|entry| Entry::new(entry)).collect();
        match publisher.append(first as u64, &batch) {
            Ok(checkpoint) => heads.push(checkpoint.head()),
            Err(error) => return (heads, Some(error)),
        }
    }
    (heads, None)
}

fn assert_sound<S: TileSource>(store: &S, size: usize, heads: &[TreeHead]) {
    let mut found = Vec::new();
    let report = fsck_with(store, &identity(), |index, entry| {
        assert_eq!(index, found.len() as u64);
        found.push(entry.to_vec());
    })
    .unwrap();
    let now = report.checkpoint.head();
    assert_eq!(found, entries()[..now.size as usize]);
    assert!(now.size as usize >= size);
    for head in heads {
        let mut tiles = TileHashes::new(store, now.size);
        let proof = consistency_proof(&mut tiles, head.size, now.size).unwrap();
        verify_consistency(head.size, &head.root, now.size, &now.root, &proof).unwrap();
    }
}

fn crash_at(failure: Failure, countdown: usize) -> bool {
    let store = MemoryStore::default();
    let faulty = Faulty::new(&store, countdown, failure);
    let (mut heads, error) = run(&faulty, &BATCHES, None);
    if !faulty.has_failed() {
        assert!(error.is_none());
        return false;
    }
    let acknowledged = heads.last().copied();
    if store.checkpoint().unwrap().is_some() {
        assert_sound(&store, acknowledged.map_or(0, |head| head.size as usize), &heads);
    }
    // Restarted, with batches cut another way.
    let (more, error) = run(&store, &[97; 12], acknowledged);
    assert!(error.is_none(), "{failure:?} at {countdown}: {error:?}");
    heads.extend(more);
    assert_sound(&store, entries().len(), &heads);
    true
}

#[test]
fn a_log_survives_death_at_every_write() {
    for failure in [Failure::DiesBefore, Failure::DiesAfter] {
        let crashes = (0..).take_while(|countdown| crash_at(failure, *countdown)).count();
        assert!(crashes > 40, "only {crashes} writes");
    }
}

#[test]
fn a_publisher_survives_a_failure_of_every_write() {
    let entries = entries();
    for failure in [Failure::FailsBefore, Failure::FailsAfter] {
        for countdown in 1.. {
            let store = MemoryStore::default();
            let faulty = Faulty::new(&store, countdown, failure);
            let mut publisher = Publisher::open(&faulty, identity(), signer(), None).unwrap();
            let (mut next, mut errors) = (0, 0);
            for batch in BATCHES.iter().cycle() {
                if next == entries.len() {
                    break;
                }
                let end = (next + batch).min(entries.len());
                let batch: Vec<_> =
                    entries[next..end].iter().map(|entry| Entry::new(entry)).collect();
                match publisher.append(next as u64, &batch) {
                    Ok(checkpoint) => next = checkpoint.head().size as usize,
                    Err(PublishError::NotContiguous { expected, .. }) => next = expected as usize,
                    Err(PublishError::Store(StoreError::Other(_))) => errors += 1,
                    Err(error) => panic!("{failure:?} at {countdown}: {error:?}"),
                }
            }
            assert!(errors <= 1);
            assert_sound(&store, entries.len(), &[publisher.head()]);
            if !faulty.has_failed() {
                break;
            }
        }
    }
}

#[test]
fn a_directory_survives_death_and_ends_up_as_if_nothing_had_happened() {
    let (torn, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut known = None;
    for countdown in [3, 9, 14, 20, 11] {
        let store = FsStore::open(torn.path()).unwrap();
        let (heads, error) =
            run(Faulty::new(store, countdown, Failure::DiesBefore), &BATCHES, known);
        assert!(error.is_some());
        known = heads.last().copied().or(known);
        assert_sound(
            &FsReader::new(torn.path()),
            known.map_or(0, |head| head.size as usize),
            &heads,
        );
    }
    let size = known.unwrap().size as usize;
    assert!(size > 0 && size < entries().len(), "{size}");
    run(FsStore::open(torn.path()).unwrap(), &[entries().len()], known);
    run(FsStore::open(whole.path()).unwrap(), &BATCHES, None);
    let head = |dir| fsck(&FsReader::new(dir), &identity()).unwrap().checkpoint;
    assert_eq!(head(torn.path()), head(whole.path()));
}
