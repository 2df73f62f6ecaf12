//! Tiles: 256 consecutive hashes of every eighth level of the tree, or 256
//! entries, each one file with a fixed name. <https://c2sp.org/tlog-tiles>

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::hash::{HASH_LEN, Hash};

/// Hashes (or entries) in a full tile.
pub const TILE_WIDTH: u16 = 256;

/// Levels of the tree that one tile spans: `TILE_WIDTH = 1 << TILE_HEIGHT`.
pub(crate) const TILE_HEIGHT: u32 = 8;

/// Databases and other implementations count in signed 64-bit integers.
pub const MAX_TREE_SIZE: u64 = i64::MAX as u64;

/// Enough for `MAX_TREE_SIZE` leaves: level 7 counts in units of 2⁵⁶ leaves.
pub(crate) const MAX_LEVEL: u8 = 7;

/// Of the index in a path: 18 digits, more than any tile within `MAX_TREE_SIZE` needs.
const MAX_PATH_ELEMENTS: usize = 6;

#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum TileError {
    #[error("not the path of a tile")]
    Path,
    #[error("no tree that we handle has a tile there")]
    OutOfRange,
    #[error("the tile has {actual} bytes instead of {expected}")]
    Length { expected: usize, actual: usize },
    #[error("an entry has {0} bytes, more than 65,535")]
    EntryTooLong(usize),
    #[error("the bundle ends within entry {0}")]
    BundleTruncated(u16),
    #[error("the bundle goes on after its last entry")]
    BundleTrailing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TileKind {
    /// Hashes of this tile level; level 0 holds the hashes of the leaves.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

impl TileKind {
    /// The level on which this kind of tile is counted: entries lie under level 0.
    const fn level(self) -> u8 {
        match self {
            Self::Hashes(level) => level,
            Self::Entries => 0,
        }
    }

    /// How many hashes or entries of this kind a tree of `size` leaves has.
    fn nodes(self, size: u64) -> u64 {
        size.checked_shr(TILE_HEIGHT * u32::from(self.level())).unwrap_or(0)
    }
}

/// Which tile: its place and its width. Always within `MAX_TREE_SIZE`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TileId {
    kind: TileKind,
    index: u64,
    width: u16,
}

impl TileId {
    pub fn new(kind: TileKind, index: u64, width: u16) -> Result<Self, TileError> {
        let level = kind.level();
        if width == 0 || width > TILE_WIDTH || level > MAX_LEVEL {
            return Err(TileError::OutOfRange);
        }
        let end = u128::from(index) * u128::from(TILE_WIDTH) + u128::from(width);
        if end << (TILE_HEIGHT * u32::from(level)) > u128::from(MAX_TREE_SIZE) {
            return Err(TileError::OutOfRange);
        }
        Ok(Self { kind, index, width })
    }

    /// The tile at this place as a tree of `size` leaves has it, if it does.
    pub fn in_tree(kind: TileKind, index: u64, size: u64) -> Option<Self> {
        if kind.level() > MAX_LEVEL || size > MAX_TREE_SIZE {
            return None;
        }
        let nodes = kind.nodes(size);
        let before = index.checked_mul(u64::from(TILE_WIDTH))?;
        let width = nodes.checked_sub(before)?.min(u64::from(TILE_WIDTH));
        let width = u16::try_from(width).ok().filter(|width| *width > 0)?;
        Some(Self { kind, index, width })
    }

    /// The partial tile at the right edge of a tree of `size` leaves, if there is one.
    pub fn edge(kind: TileKind, size: u64) -> Option<Self> {
        Self::in_tree(kind, kind.nodes(size) / u64::from(TILE_WIDTH), size)
    }

    /// The full tile left of the right edge of a tree of `size` leaves.
    pub(crate) fn last_full(kind: TileKind, size: u64) -> Option<Self> {
        let full = kind.nodes(size) / u64::from(TILE_WIDTH);
        Self::in_tree(kind, full.checked_sub(1)?, size)
    }

    /// Every tile of one kind that a tree of `size` leaves has, left to right.
    pub fn all_in_tree(kind: TileKind, size: u64) -> impl Iterator<Item = Self> {
        (0..).map_while(move |index| Self::in_tree(kind, index, size))
    }

    pub const fn kind(self) -> TileKind {
        self.kind
    }

    pub const fn index(self) -> u64 {
        self.index
    }

    pub const fn width(self) -> u16 {
        self.width
    }

    pub const fn is_full(self) -> bool {
        self.width == TILE_WIDTH
    }

    /// The same place, full: what a partial tile grows into.
    #[must_use]
    pub const fn to_full(self) -> Self {
        Self { width: TILE_WIDTH, ..self }
    }
}

impl fmt::Display for TileId {
    /// `tile/<L>/<N>[.p/<W>]`: the path within a log, without a leading slash.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
            TileKind::Entries => f.write_str("tile/entries/")?,
        }
        let mut unit = 1;
        while self.index / unit >= 1000 {
            unit *= 1000;
        }
        while unit > 1 {
            write!(f, "x{:03}/", self.index / unit % 1000)?;
            unit /= 1000;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.is_full() { Ok(()) } else { write!(f, ".p/{}", self.width) }
    }
}

impl FromStr for TileId {
    type Err = TileError;

    /// Accepts exactly what `Display` writes: one tile, one path.
    fn from_str(path: &str) -> Result<Self, TileError> {
        let rest = path.strip_prefix("tile/").ok_or(TileError::Path)?;
        let (kind, rest) = rest.split_once('/').ok_or(TileError::Path)?;
        let kind = match kind {
            "entries" => TileKind::Entries,
            level => TileKind::Hashes(parse_small(level, 63)? as u8),
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, parse_width(width)?),
            None => (rest, TILE_WIDTH),
        };
        Self::new(kind, parse_index(index)?, width)
    }
}

/// A decimal number without leading zeros.
fn parse_small(text: &str, max: u16) -> Result<u16, TileError> {
    let canonical = text == "0" || !text.starts_with('0');
    if !canonical || text.len() > 3 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(TileError::Path);
    }
    text.parse().ok().filter(|number| *number <= max).ok_or(TileError::Path)
}

fn parse_width(text: &str) -> Result<u16, TileError> {
    match parse_small(text, TILE_WIDTH - 1)? {
        0 => Err(TileError::Path),
        width => Ok(width),
    }
}

fn parse_index(text: &str) -> Result<u64, TileError> {
    let elements = text.split('/').count();
    if elements > MAX_PATH_ELEMENTS {
        return Err(TileError::Path);
    }
    let mut index = 0;
    for (at, element) in text.split('/').enumerate() {
        let is_last = at + 1 == elements;
        let digits = if is_last { Some(element) } else { element.strip_prefix('x') };
        let digits = digits
            .filter(|digits| digits.len() == 3 && digits.bytes().all(|b| b.is_ascii_digit()))
            .ok_or(TileError::Path)?;
        if at == 0 && !is_last && digits == "000" {
            return Err(TileError::Path);
        }
        index = index * 1000 + digits.parse::<u64>().map_err(|_| TileError::Path)?;
    }
    Ok(index)
}

/// The content of a tile of hashes.
pub fn encode_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// Reads the content of a tile of hashes; it must have exactly this width.
pub fn decode_hashes(bytes: &[u8], width: u16) -> Result<Vec<Hash>, TileError> {
    let expected = usize::from(width) * HASH_LEN;
    let (hashes, rest) = bytes.as_chunks::<HASH_LEN>();
    if bytes.len() != expected || !rest.is_empty() {
        return Err(TileError::Length { expected, actual: bytes.len() });
    }
    Ok(hashes.iter().copied().map(Hash::from_bytes).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::leaf_hash;
    use proptest::prelude::*;

    #[test]
    fn paths_of_the_specification() {
        for (path, kind, index, width) in [
            ("tile/0/x001/x234/067", TileKind::Hashes(0), 1_234_067, 256),
            ("tile/0/x001/x234/067.p/8", TileKind::Hashes(0), 1_234_067, 8),
            ("tile/0/000", TileKind::Hashes(0), 0, 256),
            ("tile/0/000.p/1", TileKind::Hashes(0), 0, 1),
            ("tile/0/999", TileKind::Hashes(0), 999, 256),
            ("tile/1/x001/000", TileKind::Hashes(1), 1_000, 256),
            ("tile/3/x057/500.p/25", TileKind::Hashes(3), 57_500, 25),
            ("tile/entries/273.p/112", TileKind::Entries, 273, 112),
            ("tile/entries/x123/x456/789", TileKind::Entries, 123_456_789, 256),
        ] {
            let tile = TileId::new(kind, index, width).unwrap();
            assert_eq!(tile.to_string(), path);
            assert_eq!(path.parse(), Ok(tile));
        }
    }

    #[test]
    fn no_other_spelling_is_a_path() {
        for path in [
            "",
            "tile",
            "tile/",
            "tile/0",
            "tile/0/",
            "/tile/0/000",
            "tile/0/000/",
            "tile/00/000",
            "tile/0/0",
            "tile/0/0000",
            "tile/0/x000/000",
            "tile/0/x001",
            "tile/0/001/000",
            "tile/0/x001/x000",
            "tile/0/000.p/",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/08",
            "tile/0/000.p/+8",
            "tile/0/000.p/8/",
            "tile/0/000.p/8.p/8",
            "tile/-1/000",
            "tile/+1/000",
            "tile/64/000",
            "tile/entries",
            "tile/Entries/000",
            "tile/data/000",
            "tile/0/../000",
            "tile/0/x001//000",
            "tile/0/\u{661}\u{661}\u{661}",
            "tile/0/x001/x002/x003/x004/x005/x006/007",
        ] {
            assert_eq!(path.parse::<TileId>(), Err(TileError::Path), "{path}");
        }
        for path in ["tile/8/000", "tile/7/000", "tile/0/x999/x999/x999/x999/x999/999"] {
            assert_eq!(path.parse::<TileId>(), Err(TileError::OutOfRange), "{path}");
        }
    }

    #[test]
    fn the_example_of_70_000_leaves() {
        let tiles = |kind| TileId::all_in_tree(kind, 70_000).collect::<Vec<_>>();
        let level0 = tiles(TileKind::Hashes(0));
        assert_eq!(level0.len(), 274);
        assert!(level0[..273].iter().all(|tile| tile.is_full()));
        assert_eq!(level0[273].to_string(), "tile/0/273.p/112");
        let paths = |kind| tiles(kind).iter().map(TileId::to_string).collect::<Vec<_>>();
        assert_eq!(paths(TileKind::Hashes(1)), ["tile/1/000", "tile/1/001.p/17"]);
        assert_eq!(paths(TileKind::Hashes(2)), ["tile/2/000.p/1"]);
        assert!(paths(TileKind::Hashes(3)).is_empty());
        assert_eq!(tiles(TileKind::Entries).len(), 274);
    }

    #[test]
    fn content_must_fit_the_width() {
        let hashes = [leaf_hash(b"a"), leaf_hash(b"b")];
        let bytes = encode_hashes(&hashes);
        assert_eq!(decode_hashes(&bytes, 2), Ok(hashes.to_vec()));
        for (bytes, width) in [(&bytes[..63], 2), (&bytes[..], 1), (&bytes[..], 3)] {
            assert!(matches!(decode_hashes(bytes, width), Err(TileError::Length { .. })));
        }
    }

    proptest! {
        #[test]
        fn whatever_parses_is_canonical(path in "(tile/)?[0-9a-z/.]{0,3}/?[x0-9/]{0,24}(\\.p/[0-9]{0,4})?") {
            if let Ok(tile) = path.parse::<TileId>() {
                prop_assert_eq!(tile.to_string(), path);
            }
        }

        #[test]
        fn tiles_of_a_tree_round_trip(level in 0..=MAX_LEVEL, size in 0..=MAX_TREE_SIZE, at in any::<u64>()) {
            let nodes = size >> (8 * u32::from(level));
            let index = at % (nodes / 256 + 2);
            match TileId::in_tree(TileKind::Hashes(level), index, size) {
                Some(tile) => prop_assert_eq!(tile.to_string().parse::<TileId>(), Ok(tile)),
                None => prop_assert!(index * 256 >= nodes),
            }
        }
    }
}
