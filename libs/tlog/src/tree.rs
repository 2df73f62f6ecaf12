//! Growing the tree. A [`Frontier`] holds the right edge (the hashes of the
//! tiles that are not yet full), which is all that appending needs: at most
//! 255 hashes for each of eight levels, however large the log is.
//!
//! Tiles are a function of the leaves alone. So whatever was written before a
//! crash, integrating the same leaves again, in batches of any size, yields the
//! same bytes under the same names.

use thiserror::Error;

use crate::hash::{Hash, empty_root, node_hash, perfect_root};
use crate::store::{StoreError, TileSource, read_hashes};
use crate::tile::{MAX_TREE_SIZE, TILE_HEIGHT, TILE_WIDTH, TileId, TileKind};

#[derive(Debug, Error, PartialEq, Eq)]
pub enum TreeError {
    #[error("the tree has no room for that many leaves")]
    Full,
    #[error("the right edge does not fit a tree of {0} leaves")]
    Edge(u64),
}

/// A tile of hashes with its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashTile {
    pub id: TileId,
    pub hashes: Vec<Hash>,
}

/// The right edge of a tree.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Frontier {
    size: u64,
    /// Per tile level, the hashes of its partial tile; empty if it has none.
    edge: Vec<Vec<Hash>>,
}

impl Frontier {
    /// The empty tree.
    pub fn new() -> Self {
        Self::default()
    }

    /// Resumes from a stored edge: the hashes of the partial tile of each level,
    /// as [`Frontier::edge`] gave them.
    pub fn from_edge(size: u64, edge: Vec<Vec<Hash>>) -> Result<Self, TreeError> {
        let fits = size <= MAX_TREE_SIZE
            && edge.len() == levels(size)
            && edge.iter().zip(0..).all(|(hashes, level)| hashes.len() == edge_width(size, level));
        if fits { Ok(Self { size, edge }) } else { Err(TreeError::Edge(size)) }
    }

    /// Resumes from the tiles of a stored log.
    pub fn load<S: TileSource + ?Sized>(source: &S, size: u64) -> Result<Self, StoreError> {
        if size > MAX_TREE_SIZE {
            return Err(StoreError::TooLarge(size));
        }
        let mut edge = Vec::new();
        for level in 0..levels(size) as u8 {
            edge.push(match TileId::edge(TileKind::Hashes(level), size) {
                Some(tile) => read_hashes(source, tile)?,
                None => Vec::new(),
            });
        }
        Ok(Self { size, edge })
    }

    pub const fn size(&self) -> u64 {
        self.size
    }

    pub fn edge(&self) -> &[Vec<Hash>] {
        &self.edge
    }

    /// The root of the tree as it stands.
    pub fn root(&self) -> Hash {
        let mut root = None;
        // The binary digits of the size are the perfect subtrees; they are joined
        // from the right, and each level of tiles holds eight of those digits.
        for hashes in &self.edge {
            let mut end = hashes.len();
            while end > 0 {
                let start = end - (1 << end.trailing_zeros());
                let left = perfect_root(&hashes[start..end]);
                root = Some(root.map_or(left, |right| node_hash(&left, &right)));
                end = start;
            }
        }
        root.unwrap_or_else(empty_root)
    }

    /// Appends leaves. Returns every tile that this created or changed: those
    /// that became full, in order, then the partial ones of the new edge.
    pub fn extend(&mut self, leaves: &[Hash]) -> Result<Vec<HashTile>, TreeError> {
        let before = self.size;
        let added = u64::try_from(leaves.len()).map_err(|_| TreeError::Full)?;
        if added > MAX_TREE_SIZE - before {
            return Err(TreeError::Full);
        }
        let mut tiles = Vec::new();
        for leaf in leaves {
            self.size += 1;
            self.push(*leaf, &mut tiles);
        }
        for (hashes, level) in self.edge.iter().zip(0_u8..) {
            let shift = TILE_HEIGHT * u32::from(level);
            let touched = before >> shift != self.size >> shift;
            if let Some(id) = TileId::edge(TileKind::Hashes(level), self.size)
                && touched
            {
                tiles.push(HashTile { id, hashes: hashes.clone() });
            }
        }
        Ok(tiles)
    }

    /// Adds a leaf to the edge, moving each tile that it fills up into a hash of
    /// the level above. `size` counts the leaf already.
    fn push(&mut self, leaf: Hash, full: &mut Vec<HashTile>) {
        let mut hash = leaf;
        for level in 0_u8.. {
            let at = usize::from(level);
            if self.edge.len() == at {
                self.edge.push(Vec::new());
            }
            self.edge[at].push(hash);
            if self.edge[at].len() < usize::from(TILE_WIDTH) {
                return;
            }
            let hashes = std::mem::take(&mut self.edge[at]);
            hash = perfect_root(&hashes);
            if let Some(id) = TileId::last_full(TileKind::Hashes(level), self.size) {
                full.push(HashTile { id, hashes });
            }
        }
    }
}

/// How many tile levels a tree has.
fn levels(size: u64) -> usize {
    (u64::BITS - size.leading_zeros()).div_ceil(TILE_HEIGHT) as usize
}

/// How many hashes the partial tile of a level holds.
fn edge_width(size: u64, level: u32) -> usize {
    (size >> (TILE_HEIGHT * level)) as usize % usize::from(TILE_WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;
    use crate::store::{MemoryStore, TileStore};
    use crate::tile::encode_hashes;
    use proptest::collection::vec;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn leaves(count: u64) -> Vec<Hash> {
        (0..count).map(|number| leaf_hash(&number.to_be_bytes())).collect()
    }

    /// The definition in RFC 6962, section 2.1, word for word.
    fn tree_hash(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
                node_hash(&tree_hash(left), &tree_hash(right))
            }
        }
    }

    #[test]
    fn roots_of_the_reference_tree() {
        let inputs = [
            "",
            "00",
            "10",
            "2021",
            "3031",
            "40414243",
            "5051525354555657",
            "606162636465666768696a6b6c6d6e6f",
        ];
        let roots = [
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        let mut tree = Frontier::new();
        assert_eq!(tree.root(), empty_root());
        for (input, root) in inputs.iter().zip(roots) {
            tree.extend(&[leaf_hash(&hex::decode(input).unwrap())]).unwrap();
            assert_eq!(hex::encode(tree.root().as_bytes()), root);
        }
    }

    #[test]
    fn every_size_up_to_600_has_the_root_of_the_definition() {
        let leaves = leaves(600);
        let mut tree = Frontier::new();
        for (number, leaf) in leaves.iter().enumerate() {
            tree.extend(&[*leaf]).unwrap();
            assert_eq!(tree.root(), tree_hash(&leaves[..=number]), "{}", number + 1);
        }
    }

    #[test]
    fn three_levels_of_tiles() {
        let leaves = leaves(66_000);
        let mut tree = Frontier::new();
        let tiles = tree.extend(&leaves).unwrap();
        assert_eq!(tree.root(), tree_hash(&leaves));
        let expected: usize =
            (0..3).map(|level| TileId::all_in_tree(TileKind::Hashes(level), 66_000).count()).sum();
        assert_eq!(tiles.len(), expected);
        let store = MemoryStore::default();
        for tile in &tiles {
            assert_eq!(tile.hashes.len(), usize::from(tile.id.width()));
            store.create_tile(tile.id, &encode_hashes(&tile.hashes)).unwrap();
        }
        assert_eq!(Frontier::load(&store, 66_000).unwrap(), tree);
        assert_eq!(Frontier::load(&store, 65_536).unwrap().root(), tree_hash(&leaves[..65_536]));
    }

    #[test]
    fn an_edge_must_fit_its_size() {
        let mut tree = Frontier::new();
        tree.extend(&leaves(515)).unwrap();
        let edge = tree.edge().to_vec();
        assert_eq!(Frontier::from_edge(515, edge.clone()), Ok(tree));
        for size in [0, 3, 514, 516, 771, u64::MAX] {
            assert_eq!(Frontier::from_edge(size, edge.clone()), Err(TreeError::Edge(size)));
        }
        let store = MemoryStore::default();
        let too_large = Frontier::load(&store, MAX_TREE_SIZE + 1);
        assert!(matches!(too_large, Err(StoreError::TooLarge(_))));
        assert!(matches!(Frontier::load(&store, MAX_TREE_SIZE), Err(StoreError::Missing(_))));
    }

    #[test]
    fn a_full_tree_refuses_leaves_and_stays_as_it_was() {
        let edge = (0..8).map(|level| vec![empty_root(); edge_width(MAX_TREE_SIZE - 1, level)]);
        let mut tree = Frontier::from_edge(MAX_TREE_SIZE - 1, edge.collect()).unwrap();
        let before = tree.clone();
        assert_eq!(tree.extend(&leaves(2)), Err(TreeError::Full));
        assert_eq!(tree, before);
        tree.extend(&leaves(1)).unwrap();
        assert_eq!(tree.extend(&leaves(1)), Err(TreeError::Full));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// Any way of cutting the leaves into batches gives the same tiles.
        #[test]
        fn batches_do_not_matter(batches in vec(0..700_usize, 1..8)) {
            let total = batches.iter().sum::<usize>();
            let leaves = leaves(total as u64);
            let (mut whole, mut cut) = (Frontier::new(), Frontier::new());
            let at_once: BTreeMap<_, _> =
                whole.extend(&leaves).unwrap().into_iter().map(|t| (t.id, t.hashes)).collect();
            let mut written = BTreeMap::new();
            let mut rest = &leaves[..];
            for batch in batches {
                let (now, later) = rest.split_at(batch);
                rest = later;
                for tile in cut.extend(now).unwrap() {
                    let before = written.insert(tile.id, tile.hashes.clone());
                    prop_assert!(before.is_none_or(|before| before == tile.hashes));
                }
                cut = Frontier::from_edge(cut.size(), cut.edge().to_vec()).unwrap();
            }
            prop_assert_eq!(&whole, &cut);
            for (id, hashes) in at_once {
                prop_assert_eq!(written.get(&id), Some(&hashes));
            }
        }
    }
}
