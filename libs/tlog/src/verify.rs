//! Checking proofs, as RFC 9162 describes it. This side trusts nobody: a proof
//! is foreign input, and its length is fixed by the sizes before any hash counts.

use thiserror::Error;

use crate::hash::{Hash, empty_root, node_hash};

#[derive(Debug, Error, Clone, Copy, PartialEq, Eq)]
pub enum VerifyError {
    #[error("the index lies outside the tree")]
    IndexOutside,
    #[error("the old tree is larger than the new one")]
    Shrinks,
    #[error("the proof has the wrong number of hashes")]
    Length,
    #[error("the proof does not lead to the root of the tree")]
    Root,
    #[error("the proof does not lead to the root of the old tree")]
    OldRoot,
}

/// Checks that the leaf with hash `leaf` is at `index` in the tree of `size`
/// leaves under `root`.
///
/// `size` and `root` must come from the same verified checkpoint, and `leaf`
/// must be computed with [`leaf_hash`](crate::leaf_hash) from the entry in hand.
/// <https://www.rfc-editor.org/rfc/rfc9162#section-2.1.3.2>
pub fn verify_inclusion(
    leaf: &Hash,
    index: u64,
    size: u64,
    proof: &[Hash],
    root: &Hash,
) -> Result<(), VerifyError> {
    if index >= size {
        return Err(VerifyError::IndexOutside);
    }
    let (mut node, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in proof {
        if last == 0 {
            return Err(VerifyError::Length);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            skip_levels_without_sibling(&mut node, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(VerifyError::Length);
    }
    if hash == *root { Ok(()) } else { Err(VerifyError::Root) }
}

/// Checks that the tree of `new_size` leaves under `new_root` begins with the
/// tree of `old_size` leaves under `old_root`.
///
/// Everything is consistent with the empty tree.
/// <https://www.rfc-editor.org/rfc/rfc9162#section-2.1.4.2>
pub fn verify_consistency(
    old_size: u64,
    old_root: &Hash,
    new_size: u64,
    new_root: &Hash,
    proof: &[Hash],
) -> Result<(), VerifyError> {
    if old_size > new_size {
        return Err(VerifyError::Shrinks);
    }
    if old_size == 0 || old_size == new_size {
        let expected_old = if old_size == 0 { empty_root() } else { *new_root };
        return match (proof, *old_root == expected_old) {
            ([], true) if new_size > 0 || *new_root == empty_root() => Ok(()),
            ([], true) => Err(VerifyError::Root),
            ([], false) => Err(VerifyError::OldRoot),
            _ => Err(VerifyError::Length),
        };
    }
    // Where the old tree is one perfect subtree, the proof leaves out its root.
    let (start, rest) = match proof {
        [] => return Err(VerifyError::Length),
        _ if old_size.is_power_of_two() => (*old_root, proof),
        [first, rest @ ..] => (*first, rest),
    };
    let (mut node, mut last) = (old_size - 1, new_size - 1);
    let perfect = node.trailing_ones();
    node >>= perfect;
    last >>= perfect;
    let (mut old, mut new) = (start, start);
    for sibling in rest {
        if last == 0 {
            return Err(VerifyError::Length);
        }
        if node & 1 == 1 || node == last {
            old = node_hash(sibling, &old);
            new = node_hash(sibling, &new);
            skip_levels_without_sibling(&mut node, &mut last);
        } else {
            new = node_hash(&new, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last != 0 {
        return Err(VerifyError::Length);
    }
    if old != *old_root {
        return Err(VerifyError::OldRoot);
    }
    if new == *new_root { Ok(()) } else { Err(VerifyError::Root) }
}

/// On the right edge a subtree may rise several levels before it meets a sibling.
fn skip_levels_without_sibling(node: &mut u64, last: &mut u64) {
    while *node & 1 == 0 && *node != 0 {
        *node >>= 1;
        *last >>= 1;
    }
}
