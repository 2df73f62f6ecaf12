//! Columns and blobs.

use crypto::chunked::{self, CHUNK_LEN, sealed_len};
use crypto::field::{FieldCipher, Place, key_version};
use crypto::{Detail, OpenError, provider};
use proptest::prelude::*;
use zeroize::Zeroizing;

use crate::common::Refused;

const PLACE: Place<'_> = Place { table: "prompt", column: "body", row: b"row 1" };

fn key(byte: u8) -> provider::AesKey {
    Zeroizing::new([byte; 32])
}

#[test]
fn a_field_opens_in_its_place_only() {
    let cipher = FieldCipher::new(1, key(1));
    let sealed = cipher.seal(PLACE, b"value").unwrap();
    assert_eq!(*cipher.open(PLACE, &sealed).unwrap(), b"value");
    for place in [
        Place { table: "prompts", ..PLACE },
        Place { column: "title", ..PLACE },
        Place { row: b"row 2", ..PLACE },
        // The same letters, cut elsewhere.
        Place { table: "promptb", column: "ody", ..PLACE },
        Place { column: "bodyr", row: b"ow 1", ..PLACE },
    ] {
        assert_eq!(cipher.open(place, &sealed).refused().detail(), Some(Detail::Ciphertext));
    }
    assert_ne!(sealed, cipher.seal(PLACE, b"value").unwrap());
}

#[test]
fn old_versions_stay_readable_and_new_ones_are_written() {
    let old = FieldCipher::new(1, key(1)).seal(PLACE, b"old").unwrap();
    let cipher = FieldCipher::new(2, key(2)).readable(1, key(1));
    assert_eq!(*cipher.open(PLACE, &old).unwrap(), b"old");
    let new = cipher.seal(PLACE, b"new").unwrap();
    assert_eq!((key_version(&old), key_version(&new), cipher.current()), (Some(1), Some(2), 2));
    let error = FieldCipher::new(1, key(1)).open(PLACE, &new).refused();
    assert_eq!(error.detail(), Some(Detail::KeyVersion));
    // A version that is there already is not replaced.
    let cipher = FieldCipher::new(2, key(2)).readable(2, key(9));
    assert_eq!(*cipher.open(PLACE, &new).unwrap(), b"new");
}

#[test]
fn no_bit_of_a_field_can_be_flipped() {
    // Under the same key everywhere, so that the version is not what saves it.
    let cipher = (0..33).fold(FieldCipher::new(1, key(1)), |cipher, bit| {
        cipher.readable(1 ^ 1_u32.checked_shl(bit).unwrap_or(0), key(1))
    });
    let sealed = cipher.seal(PLACE, b"v").unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert_eq!(cipher.open(PLACE, &flipped).refused().detail(), Some(Detail::Ciphertext));
    }
    for length in 0..sealed.len() {
        cipher.open(PLACE, &sealed[..length]).refused();
    }
}

#[test]
fn blobs_of_every_length_around_a_chunk() {
    for length in [0, 1, CHUNK_LEN - 1, CHUNK_LEN, CHUNK_LEN + 1, 3 * CHUNK_LEN, 3 * CHUNK_LEN + 7]
    {
        let plaintext: Vec<u8> = (0..length).map(|i| u8::try_from(i % 251).unwrap()).collect();
        let sealed = chunked::seal(&key(3), b"blob", &plaintext).unwrap();
        assert_eq!(sealed.len(), sealed_len(length));
        assert_eq!(*chunked::open(&key(3), b"blob", sealed).unwrap(), plaintext);
    }
}

#[test]
fn a_blob_is_bound_to_object_key_and_shape() {
    let plaintext = vec![5; 2 * CHUNK_LEN + 100];
    let sealed = chunked::seal(&key(3), b"blob", &plaintext).unwrap();
    let refuse = |identity: &[u8], data_key: u8, sealed: &[u8]| {
        chunked::open(&key(data_key), identity, sealed.to_vec()).refused()
    };
    assert_eq!(refuse(b"blab", 3, &sealed).detail(), Some(Detail::Chunk));
    assert_eq!(refuse(b"blob", 4, &sealed).detail(), Some(Detail::Chunk));
    let (header, step) = (33, CHUNK_LEN + 16);
    // Cut at a boundary of chunks, and anywhere else.
    for end in [header, header + step, header + 2 * step, sealed.len() - 1] {
        assert!(matches!(refuse(b"blob", 3, &sealed[..end]), OpenError::Rejected(_)), "{end}");
    }
    assert_eq!(refuse(b"blob", 3, &sealed[..header - 1]), OpenError::Malformed("blob"));
    let mut swapped = sealed.clone();
    swapped[header..header + 2 * step].rotate_left(step);
    assert_eq!(refuse(b"blob", 3, &swapped).detail(), Some(Detail::Chunk));
    let mut longer = sealed.clone();
    longer.extend_from_slice(&sealed[header..header + step]);
    assert_eq!(refuse(b"blob", 3, &longer).detail(), Some(Detail::Chunk));
    let mut version = sealed.clone();
    version[0] = 2;
    assert_eq!(refuse(b"blob", 3, &version), OpenError::Malformed("blob.version"));
    // The last chunk of another writing of the same object.
    let again = chunked::seal(&key(3), b"blob", &plaintext).unwrap();
    let mut spliced = sealed;
    spliced[header + 2 * step..].copy_from_slice(&again[header + 2 * step..]);
    assert_eq!(refuse(b"blob", 3, &spliced).detail(), Some(Detail::Chunk));
}

#[test]
fn no_bit_of_a_small_blob_can_be_flipped() {
    let sealed = chunked::seal(&key(3), b"blob", b"x").unwrap();
    for bit in 0..sealed.len() * 8 {
        let mut flipped = sealed.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        chunked::open(&key(3), b"blob", flipped).refused();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn fields_round_trip(value in any::<Vec<u8>>(), row in any::<Vec<u8>>(), column in ".*") {
        let cipher = FieldCipher::new(7, key(7));
        let place = Place { table: "t", column: &column, row: &row };
        let sealed = cipher.seal(place, &value).unwrap();
        prop_assert_eq!(&*cipher.open(place, &sealed).unwrap(), &value);
    }

    #[test]
    fn whatever_is_read_does_not_panic(bytes in any::<Vec<u8>>()) {
        let cipher = FieldCipher::new(0, key(7));
        prop_assert!(cipher.open(PLACE, &bytes).is_err());
        prop_assert!(chunked::open(&key(7), b"", bytes).is_err());
    }
}
