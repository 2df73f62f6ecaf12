//! Proofs: what an honest log proves is accepted, for every size; what a lying
//! log says is refused, however it composes its hashes.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use tlog::{
    BuildError, Frontier, Hash, HashSource, MemoryStore, TileHashes, TileStore, VerifyError,
    consistency_proof, empty_root, encode_hashes, inclusion_proof, leaf_hash, node_hash, root_at,
    verify_consistency, verify_inclusion,
};

/// Every perfect subtree, computed the plain way.
struct Levels(Vec<Vec<Hash>>);

impl Levels {
    fn over(leaves: Vec<Hash>) -> Self {
        let mut levels = vec![leaves];
        while levels.last().unwrap().len() > 1 {
            let below = levels.last().unwrap().chunks_exact(2);
            levels.push(below.map(|pair| node_hash(&pair[0], &pair[1])).collect());
        }
        Self(levels)
    }

    fn leaf(&self, index: u64) -> &Hash {
        &self.0[0][index as usize]
    }

    fn root(&self, size: u64) -> Hash {
        let mut tree = Frontier::new();
        tree.extend(&self.0[0][..size as usize]).unwrap();
        tree.root()
    }

    fn all_nodes(&self) -> Vec<Hash> {
        self.0.concat()
    }
}

impl HashSource for Levels {
    type Error = (u32, u64);

    fn node(&mut self, level: u32, index: u64) -> Result<Hash, (u32, u64)> {
        let found = self.0.get(level as usize).and_then(|level| level.get(index as usize));
        found.copied().ok_or((level, index))
    }
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
}

fn tree(count: u64) -> Levels {
    Levels::over(leaves(count))
}

fn hashes(hex: &[&str]) -> Vec<Hash> {
    let bytes = |text| hex::decode(text).unwrap().try_into().unwrap();
    hex.iter().map(|text| Hash::from_bytes(bytes(text))).collect()
}

#[test]
fn proofs_of_the_reference_tree() {
    let inputs: [&[u8]; 8] = [
        b"",
        b"\0",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"`abcdefghijklmno",
    ];
    let mut tree = Levels::over(inputs.map(leaf_hash).to_vec());
    let a = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d";
    let b = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
    let ab = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125";
    let cd = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
    let abcd = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7";
    let e = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
    let ef = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
    let gh = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
    let efgh = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
    for (index, size, proof) in [
        (0, 1, vec![]),
        (0, 8, vec![b, cd, efgh]),
        (5, 8, vec![e, gh, abcd]),
        (2, 3, vec![ab]),
        (1, 5, vec![a, cd, e]),
    ] {
        assert_eq!(inclusion_proof(&mut tree, index, size), Ok(hashes(&proof)), "{index} {size}");
    }
    for (old, new, proof) in
        [(1, 1, vec![]), (1, 8, vec![b, cd, efgh]), (6, 8, vec![ef, gh, abcd]), (2, 5, vec![cd, e])]
    {
        assert_eq!(consistency_proof(&mut tree, old, new), Ok(hashes(&proof)), "{old} {new}");
    }
}

#[test]
fn every_proof_up_to_300_leaves_verifies() {
    let mut tree = tree(300);
    let roots: Vec<_> = (0..=300).map(|size| tree.root(size)).collect();
    for size in 0..=300 {
        let root = &roots[size as usize];
        for index in 0..size {
            let proof = inclusion_proof(&mut tree, index, size).unwrap();
            assert_eq!(verify_inclusion(tree.leaf(index), index, size, &proof, root), Ok(()));
        }
        for old in 0..=size {
            let proof = consistency_proof(&mut tree, old, size).unwrap();
            let old_root = &roots[old as usize];
            assert_eq!(verify_consistency(old, old_root, size, root, &proof), Ok(()));
        }
    }
}

#[test]
fn what_is_outside_the_tree_cannot_be_proved() {
    let mut tree = tree(8);
    let out = Err(BuildError::OutOfRange);
    assert_eq!(inclusion_proof(&mut tree, 8, 8), out);
    assert_eq!(inclusion_proof(&mut tree, 0, 0), out);
    assert_eq!(inclusion_proof(&mut tree, 0, u64::MAX), out);
    assert_eq!(consistency_proof(&mut tree, 8, 7), out);
    assert_eq!(consistency_proof(&mut tree, 0, u64::MAX), out);
    assert!(matches!(inclusion_proof(&mut tree, 0, 9), Err(BuildError::Source(_))));
    let root = tree.root(8);
    let outside = Err(VerifyError::IndexOutside);
    assert_eq!(verify_inclusion(tree.leaf(0), 8, 8, &[], &root), outside);
    assert_eq!(verify_inclusion(tree.leaf(0), 0, 0, &[], &empty_root()), outside);
    assert_eq!(verify_consistency(8, &root, 7, &root, &[]), Err(VerifyError::Shrinks));
}

#[test]
fn the_empty_tree_is_consistent_with_nothing_but_itself_and_what_follows() {
    let (empty, one) = (empty_root(), tree(1).root(1));
    assert_eq!(verify_consistency(0, &empty, 0, &empty, &[]), Ok(()));
    assert_eq!(verify_consistency(0, &empty, 1, &one, &[]), Ok(()));
    assert_eq!(verify_consistency(0, &one, 1, &one, &[]), Err(VerifyError::OldRoot));
    assert_eq!(verify_consistency(0, &empty, 0, &one, &[]), Err(VerifyError::Root));
    assert_eq!(verify_consistency(0, &one, 0, &one, &[]), Err(VerifyError::OldRoot));
    assert_eq!(verify_consistency(0, &empty, 1, &one, &[one]), Err(VerifyError::Length));
    assert_eq!(verify_consistency(1, &one, 1, &empty, &[]), Err(VerifyError::OldRoot));
    assert_eq!(verify_consistency(1, &one, 1, &one, &[one]), Err(VerifyError::Length));
    assert_eq!(verify_consistency(1, &one, 2, &one, &[]), Err(VerifyError::Length));
}

/// Every way of damaging a proof a little.
fn damaged(proof: &[Hash], stranger: Hash) -> Vec<Vec<Hash>> {
    let mut all = Vec::new();
    for at in 0..=proof.len() {
        let edited = |edit: &dyn Fn(&mut Vec<Hash>)| {
            let mut copy = proof.to_vec();
            edit(&mut copy);
            copy
        };
        all.push(edited(&|copy| copy.insert(at, stranger)));
        if at < proof.len() {
            all.push(edited(&|copy| copy[at] = stranger));
            all.push([&proof[..at], &proof[at + 1..]].concat());
            all.push(edited(&|copy| copy.insert(at, proof[at])));
            all.push(edited(&|copy| copy[at] = flipped(proof[at])));
        }
        if at + 1 < proof.len() {
            all.push(edited(&|copy| copy.swap(at, at + 1)));
            all.push(edited(&|copy| copy.truncate(at)));
        }
    }
    all.retain(|copy| copy != proof);
    all
}

fn flipped(hash: Hash) -> Hash {
    let mut bytes = *hash.as_bytes();
    bytes[31] ^= 1;
    Hash::from_bytes(bytes)
}

#[test]
fn no_damaged_proof_verifies() {
    let mut tree = tree(33);
    for size in 1..=33 {
        let root = tree.root(size);
        for index in 0..size {
            let leaf = *tree.leaf(index);
            let proof = inclusion_proof(&mut tree, index, size).unwrap();
            for bad in damaged(&proof, leaf).into_iter().chain(damaged(&proof, root)) {
                assert!(verify_inclusion(&leaf, index, size, &bad, &root).is_err());
            }
            for other in (0..size).filter(|other| *other != index) {
                assert!(verify_inclusion(&leaf, other, size, &proof, &root).is_err());
            }
            assert!(verify_inclusion(&flipped(leaf), index, size, &proof, &root).is_err());
            assert!(verify_inclusion(&leaf, index, size, &proof, &flipped(root)).is_err());
        }
        for old in 1..=size {
            let old_root = tree.root(old);
            let proof = consistency_proof(&mut tree, old, size).unwrap();
            for bad in damaged(&proof, old_root).into_iter().chain(damaged(&proof, root)) {
                assert!(verify_consistency(old, &old_root, size, &root, &bad).is_err());
            }
            assert!(verify_consistency(old, &flipped(old_root), size, &root, &proof).is_err());
            assert!(verify_consistency(old, &old_root, size, &flipped(root), &proof).is_err());
        }
    }
}

#[test]
fn tiles_give_the_same_hashes_as_the_tree() {
    let size = 70_000;
    let mut levels = tree(size);
    let store = MemoryStore::default();
    for tile in Frontier::new().extend(&leaves(size)).unwrap() {
        store.create_tile(tile.id, &encode_hashes(&tile.hashes)).unwrap();
    }
    let mut tiles = TileHashes::new(&store, size);
    for level in 0..=16_u32 {
        let last = (size >> level) - 1;
        for index in [0, 1, 7, 128, 255, 256, last / 2, last - last.min(1), last] {
            if index <= last {
                assert_eq!(tiles.node(level, index).unwrap(), levels.node(level, index).unwrap());
            }
        }
        assert!(tiles.node(level, last + 1).is_err());
    }
    assert!(tiles.node(17, 0).is_err() && tiles.node(64, 0).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn proofs_of_larger_trees_verify_out_of_tiles(
        size in 300..5_000_u64, old in any::<Index>(), at in any::<Index>(),
    ) {
        let (old, index) = (old.index(size as usize) as u64, at.index(size as usize) as u64);
        let leaves = leaves(size);
        let mut frontier = Frontier::new();
        let store = MemoryStore::default();
        for tile in frontier.extend(&leaves).unwrap() {
            store.create_tile(tile.id, &encode_hashes(&tile.hashes)).unwrap();
        }
        let mut tiles = TileHashes::new(&store, size);
        let proof = inclusion_proof(&mut tiles, index, size).unwrap();
        let root = frontier.root();
        prop_assert_eq!(verify_inclusion(&leaves[index as usize], index, size, &proof, &root), Ok(()));
        let proof = consistency_proof(&mut tiles, old, size).unwrap();
        let mut before = Frontier::new();
        before.extend(&leaves[..old as usize]).unwrap();
        prop_assert_eq!(verify_consistency(old, &before.root(), size, &root, &proof), Ok(()));
        // The smaller tree was never published, so it has no partial tiles of its own.
        prop_assert_eq!(root_at(&mut tiles, old).unwrap(), before.root());
        if let Some(leaf) = old.checked_sub(1) {
            let proof = inclusion_proof(&mut tiles, leaf, old).unwrap();
            let verified =
                verify_inclusion(&leaves[leaf as usize], leaf, old, &proof, &before.root());
            prop_assert_eq!(verified, Ok(()));
        }
    }

    /// A log that rewrites an old entry and then composes a proof out of all the
    /// hashes of both histories, starting from the honest proof of either.
    #[test]
    fn no_composition_hides_a_rewritten_entry(
        size in 2..70_u64, old in any::<Index>(), at in any::<Index>(), honest in any::<bool>(),
        swaps in vec((any::<Index>(), any::<Index>()), 0..6), length in proptest::option::of(0..9_usize),
    ) {
        let old = 1 + old.index(size as usize - 1) as u64;
        let mut truth = tree(size);
        let mut forged = leaves(size);
        forged[at.index(old as usize)] = leaf_hash(b"rewritten");
        let mut forged = Levels::over(forged);
        let pool = [truth.all_nodes(), forged.all_nodes()].concat();
        let source = if honest { &mut truth } else { &mut forged };
        let mut proof = consistency_proof(source, old, size).unwrap();
        if let Some(length) = length {
            proof.resize(length, pool[0]);
        }
        for (place, node) in swaps {
            if !proof.is_empty() {
                let place = place.index(proof.len());
                proof[place] = *node.get(&pool);
            }
        }
        let (old_root, new_root) = (truth.root(old), forged.root(size));
        prop_assert!(verify_consistency(old, &old_root, size, &new_root, &proof).is_err());
    }

    /// A log that claims an entry it does not have, or an inner node as an entry.
    #[test]
    fn no_composition_includes_what_is_not_there(
        size in 1..70_u64, at in any::<Index>(), claimed in any::<Index>(),
        swaps in vec((any::<Index>(), any::<Index>()), 0..6), length in proptest::option::of(0..9_usize),
    ) {
        let index = at.index(size as usize) as u64;
        let mut truth = tree(size);
        let mut pool = truth.all_nodes();
        pool.push(leaf_hash(b"never logged"));
        let claimed = *claimed.get(&pool);
        prop_assume!(claimed != *truth.leaf(index));
        let mut proof = inclusion_proof(&mut truth, index, size).unwrap();
        if let Some(length) = length {
            proof.resize(length, pool[0]);
        }
        for (place, node) in swaps {
            if !proof.is_empty() {
                let place = place.index(proof.len());
                proof[place] = *node.get(&pool);
            }
        }
        prop_assert!(verify_inclusion(&claimed, index, size, &proof, &truth.root(size)).is_err());
    }

    /// Any input at all ends in an answer, and random hashes never convince.
    #[test]
    fn the_verifier_survives_anything(
        numbers in (any::<u64>(), any::<u64>()), bytes in vec(any::<[u8; 32]>(), 2..140),
    ) {
        let hashes: Vec<_> = bytes.into_iter().map(Hash::from_bytes).collect();
        let (ends, proof) = hashes.split_at(2);
        let (first, second) = numbers;
        prop_assert!(verify_inclusion(&ends[0], first, second, proof, &ends[1]).is_err());
        prop_assert!(verify_consistency(first, &ends[0], second, &ends[1], proof).is_err());
    }
}
