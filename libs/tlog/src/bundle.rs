//! Entry bundles: up to 256 entries in one file, each after its length as a
//! big-endian `u16`. <https://c2sp.org/tlog-tiles>
//!
//! A bundle only ever grows at its end, so a partial bundle is a prefix of the
//! full one, and building the next means appending to the last.

use crate::tile::TileError;

pub const MAX_ENTRY_LEN: usize = u16::MAX as usize;

/// Appends one entry to a bundle.
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> Result<(), TileError> {
    let length = u16::try_from(entry.len()).map_err(|_| TileError::EntryTooLong(entry.len()))?;
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    Ok(())
}

/// The entries of a bundle, which must be exactly `width` of them.
pub fn decode_bundle(bytes: &[u8], width: u16) -> Result<Vec<&[u8]>, TileError> {
    let mut rest = bytes;
    let mut entries = Vec::with_capacity(usize::from(width).min(bytes.len() / 2));
    for number in 0..width {
        let truncated = TileError::BundleTruncated(number);
        let (length, after) = rest.split_first_chunk::<2>().ok_or(truncated)?;
        let (entry, after) =
            after.split_at_checked(usize::from(u16::from_be_bytes(*length))).ok_or(truncated)?;
        entries.push(entry);
        rest = after;
    }
    if rest.is_empty() { Ok(entries) } else { Err(TileError::BundleTrailing) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn bundle_of(entries: &[Vec<u8>]) -> Vec<u8> {
        let mut bundle = Vec::new();
        for entry in entries {
            push_entry(&mut bundle, entry).unwrap();
        }
        bundle
    }

    #[test]
    fn layout() {
        let bundle = bundle_of(&[b"one".to_vec(), Vec::new(), vec![7; 258]]);
        assert_eq!(&bundle[..9], b"\x00\x03one\x00\x00\x01\x02");
        assert_eq!(decode_bundle(&bundle, 3).unwrap()[2], [7; 258]);
    }

    #[test]
    fn limits() {
        let mut bundle = Vec::new();
        push_entry(&mut bundle, &vec![1; MAX_ENTRY_LEN]).unwrap();
        assert_eq!(decode_bundle(&bundle, 1).unwrap(), [vec![1; MAX_ENTRY_LEN]]);
        let too_long = push_entry(&mut bundle, &vec![1; MAX_ENTRY_LEN + 1]);
        assert_eq!(too_long, Err(TileError::EntryTooLong(65_536)));
        assert_eq!(bundle.len(), 2 + MAX_ENTRY_LEN, "nothing half written");
        assert_eq!(decode_bundle(b"", 1), Err(TileError::BundleTruncated(0)));
        assert_eq!(decode_bundle(b"\0\x02a", 1), Err(TileError::BundleTruncated(0)));
        assert_eq!(decode_bundle(b"\0\x01a\0", 2), Err(TileError::BundleTruncated(1)));
        assert_eq!(decode_bundle(b"\0\x01a\0", 1), Err(TileError::BundleTrailing));
    }

    proptest! {
        #[test]
        fn round_trip(entries in vec(vec(any::<u8>(), 0..40), 0..40)) {
            let bundle = bundle_of(&entries);
            prop_assert_eq!(decode_bundle(&bundle, entries.len() as u16).unwrap(), entries);
        }

        #[test]
        fn foreign_bytes_decode_to_themselves_or_not_at_all(
            bytes in vec(prop_oneof![0..4_u8, any::<u8>()], 0..200), width in 0..=256_u16,
        ) {
            if let Ok(entries) = decode_bundle(&bytes, width) {
                prop_assert_eq!(entries.len(), usize::from(width));
                let again: Vec<_> = entries.iter().map(|entry| entry.to_vec()).collect();
                prop_assert_eq!(bundle_of(&again), bytes);
            }
        }
    }
}
