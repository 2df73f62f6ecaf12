//! The formats of the transparency log: what a verifier is handed.

use std::sync::LazyLock;

use kernel::Secret;
use tlog::{
    Checkpoint, Hash, LogIdentity, LogProof, Note, Signer, TileId, TreeHead, VerifierKey,
    decode_bundle, decode_hashes, empty_root, encode_hashes, push_entry, verify_consistency,
    verify_inclusion,
};

use crate::input::{edited, text};

fn signer() -> Signer {
    Signer::from_seed("example.com/log", &Secret::new([7; 32])).unwrap()
}

fn identity() -> LogIdentity {
    let signer = signer();
    LogIdentity { origin: "example.com/log".to_owned(), keys: vec![signer.verifier().clone()] }
}

static SIGNED: LazyLock<String> = LazyLock::new(|| {
    let head = TreeHead { size: 0, root: empty_root() };
    Checkpoint::new("example.com/log", head).unwrap().sign(&[&signer()]).unwrap().to_string()
});

pub(crate) fn tile_path(data: &[u8]) {
    if let Some(Ok(tile)) = text(data).map(str::parse::<TileId>) {
        assert_eq!(tile.to_string().as_bytes(), data, "a tile has two paths");
    }
}

pub(crate) fn tile_content(data: &[u8]) {
    let Some((width, bytes)) = data.split_first() else { return };
    let width = u16::from(*width) + 1;
    if let Ok(hashes) = decode_hashes(bytes, width) {
        assert_eq!(encode_hashes(&hashes), bytes);
    }
    if let Ok(entries) = decode_bundle(bytes, width) {
        let mut again = Vec::new();
        entries.iter().for_each(|entry| push_entry(&mut again, entry).unwrap());
        assert_eq!(again, bytes);
    }
}

pub(crate) fn note(data: &[u8]) {
    let keys = identity().keys;
    let forged = edited(SIGNED.as_bytes(), data);
    let text = |note: &Note| note.text().to_owned();
    let ours = text(&Note::parse(SIGNED.as_bytes()).unwrap());
    for bytes in [data, &forged] {
        let Ok(note) = Note::parse(bytes) else { continue };
        assert_eq!(Note::parse(note.to_string().as_bytes()).unwrap(), note);
        assert!(note.verify(&keys).is_err() || text(&note) == ours, "a forged note is believed");
    }
}

pub(crate) fn checkpoint(data: &[u8]) {
    if let Some(Ok(checkpoint)) = text(data).map(str::parse::<Checkpoint>) {
        assert_eq!(checkpoint.to_string().as_bytes(), data, "a checkpoint has two spellings");
    }
    let forged = edited(SIGNED.as_bytes(), data);
    if let Ok(verified) = identity().open(&forged) {
        assert_eq!(verified.head().size, 0, "a forged checkpoint is believed");
    }
}

pub(crate) fn log_proof(data: &[u8]) {
    let Some(Ok(proof)) = text(data).map(str::parse::<LogProof>) else { return };
    assert_eq!(proof.to_string().parse::<LogProof>().as_ref(), Ok(&proof));
    assert!(proof.verify(&identity(), b"entry").is_err(), "a forged proof is believed");
}

pub(crate) fn verifier_key(data: &[u8]) {
    if let Some(Ok(key)) = text(data).map(str::parse::<VerifierKey>) {
        assert_eq!(key.to_string().parse::<VerifierKey>().as_ref(), Ok(&key));
    }
}

/// Random hashes never prove anything, whatever the sizes.
pub(crate) fn proofs(data: &[u8]) {
    let Some((numbers, rest)) = data.split_at_checked(16) else { return };
    let number = |bytes: &[u8]| u64::from_be_bytes(bytes.try_into().unwrap());
    let (first, second) = (number(&numbers[..8]), number(&numbers[8..]));
    let (hashes, _) = rest.as_chunks::<32>();
    let hashes: Vec<_> = hashes.iter().copied().map(Hash::from_bytes).collect();
    let root = Hash::from_bytes([1; 32]);
    let leaf = Hash::from_bytes([2; 32]);
    assert!(verify_inclusion(&leaf, first, second, &hashes, &root).is_err());
    assert!(verify_consistency(first, &leaf, second, &root, &hashes).is_err() || first == second);
}
