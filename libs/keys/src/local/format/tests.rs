use kernel::{Clock, SystemClock, TenantId};
use proptest::prelude::*;

use super::*;

const MAGIC: usize = 8;

fn sample() -> (PlaintextKey, Ring, Vec<u8>) {
    let root = PlaintextKey::from_slice(&[7; 32]).unwrap();
    let mut ring = Ring::default();
    ring.add(TenantId::SYSTEM, SystemClock.now()).unwrap();
    let file = sealed(Form::Keyring, &ring, &root);
    (root, ring, file)
}

fn sealed(form: Form, ring: &Ring, root: &PlaintextKey) -> Vec<u8> {
    let lock = Lock { sealed_by: SealedBy::KeyFile, salt: [1; 16] };
    let edition = Edition::none().next(SystemClock.now()).unwrap();
    seal(form, ring, &edition, (&lock, root)).unwrap()
}

fn open(file: &[u8], root: &PlaintextKey) -> Result<Ring, KeyringError> {
    KeyringHeader::parse(file)?.open(root)
}

fn with_checksum(sealed: &[u8]) -> Vec<u8> {
    [sealed, digest::digest(&digest::SHA256, sealed).as_ref()].concat()
}

#[test]
fn opens_what_it_sealed_and_no_two_writes_are_alike() {
    let (root, ring, file) = sample();
    assert_eq!(open(&file, &root).unwrap().encode(), ring.encode());
    let again = sealed(Form::Keyring, &ring, &root);
    assert_eq!(open(&again, &root).unwrap().encode(), ring.encode());
    assert_ne!(file[102..], again[102..]);
}

#[test]
fn torn_at_any_byte_is_damage() {
    let (root, _, file) = sample();
    for cut in 0..file.len() {
        let error = open(&file[..cut], &root).err().unwrap();
        let expected = if cut < MAGIC { "not a keyring" } else { "damaged" };
        assert!(error.to_string().contains(expected), "cut at {cut}: {error}");
    }
}

#[test]
fn any_bit_flipped_is_damage() {
    let (root, _, file) = sample();
    for bit in 0..file.len() * 8 {
        let mut bytes = file.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let error = open(&bytes, &root).err().unwrap();
        let expected = if bit < MAGIC * 8 { "not a keyring" } else { "damaged" };
        assert!(error.to_string().contains(expected), "bit {bit}: {error}");
    }
}

/// Someone who knows the format can mend the checksum, but not open or change anything.
#[test]
fn a_mended_checksum_does_not_help() {
    let (root, _, file) = sample();
    let sealed = &file[..file.len() - CHECKSUM];
    for at in 0..sealed.len() {
        let mut bytes = sealed.to_vec();
        bytes[at] ^= 1;
        assert!(open(&with_checksum(&bytes), &root).is_err(), "byte {at}");
    }
}

#[test]
fn a_wrong_secret_is_told_from_damage() {
    let (_, _, file) = sample();
    let other = PlaintextKey::from_slice(&[8; 32]).unwrap();
    assert!(matches!(open(&file, &other), Err(KeyringError::WrongSecret)));
}

#[test]
fn a_hostile_cost_is_refused_before_it_is_paid() {
    let (_, _, file) = sample();
    for cost in [[u32::MAX, 1, 1], [19456, u32::MAX, 1], [19456, 2, 17], [0, 0, 0], [8, 1, 2]] {
        let mut sealed = file[..file.len() - CHECKSUM].to_vec();
        sealed[9] = 1;
        for (at, field) in cost.iter().enumerate() {
            sealed[10 + at * 4..14 + at * 4].copy_from_slice(&field.to_be_bytes());
        }
        let error = KeyringHeader::parse(&with_checksum(&sealed)).unwrap_err();
        assert!(matches!(error, KeyringError::Cost), "{cost:?}");
    }
}

#[test]
fn a_newer_format_is_named() {
    let (_, _, file) = sample();
    let mut sealed = file[..file.len() - CHECKSUM].to_vec();
    for format in [0, 3, 255] {
        sealed[8] = format;
        let error = KeyringHeader::parse(&with_checksum(&sealed)).unwrap_err();
        assert!(matches!(error, KeyringError::Format(told) if told == format));
    }
}

/// Written by hand as earlier versions did: without ring id, generation and time.
#[test]
fn format_1_is_still_read() {
    let (root, ring, file) = sample();
    let lock = KeyringHeader::parse(&file).unwrap().lock;
    let mut old = [b"SGNTKEYS", &[1, 2][..], &[0; 12], &lock.salt].concat();
    old.extend_from_slice(&check(&root, &lock).unwrap());
    old.extend_from_slice(&[[5; 32].as_slice(), &[6; NONCE]].concat());
    let mut body = ring.encode();
    old.extend_from_slice(&u32::try_from(body.len() + TAG).unwrap().to_be_bytes());
    primitives::seal(&body_key(&root, &[5; 32]).unwrap(), [6; NONCE], &old, &mut body).unwrap();
    old.extend_from_slice(&body);
    let old = with_checksum(&old);
    assert_eq!(open(&old, &root).unwrap().encode(), ring.encode());
    assert_eq!(KeyringHeader::parse(&old).unwrap().edition(), Edition::none());
}

#[test]
fn a_backup_is_no_keyring_and_the_other_way_round() {
    let (root, ring, file) = sample();
    let backup = sealed(Form::Backup, &ring, &root);
    let header = KeyringHeader::parse_backup(&backup).unwrap();
    assert_eq!(header.open(&root).unwrap().encode(), ring.encode());
    assert!(matches!(KeyringHeader::parse(&backup), Err(KeyringError::NotAKeyring)));
    assert!(matches!(KeyringHeader::parse_backup(&file), Err(KeyringError::NotABackup)));
    // Nor does one with the other's name and a mended checksum open.
    let mut renamed = backup[..backup.len() - CHECKSUM].to_vec();
    renamed[..MAGIC].copy_from_slice(b"SGNTKEYS");
    assert!(matches!(open(&with_checksum(&renamed), &root), Err(KeyringError::Damaged)));
}

#[test]
fn editions_keep_the_ring_and_count() {
    let now = SystemClock.now();
    let first = Edition::none().next(now).unwrap();
    let second = first.next(now).unwrap();
    assert!(!first.ring.is_nil());
    assert_eq!((second.ring, second.generation), (first.ring, 2));
    assert_ne!(Edition::none().next(now).unwrap().ring, first.ring);
    let last = Edition { generation: u64::MAX, ..first };
    assert!(last.next(now).is_err());
}

proptest! {
    #[test]
    fn any_bytes_are_refused_without_panic(bytes: Vec<u8>) {
        let sealed = [b"SGNTKEYS", &[FORMAT][..], &bytes].concat();
        prop_assert!(KeyringHeader::parse(&bytes).is_err());
        if let Ok(header) = KeyringHeader::parse(&with_checksum(&sealed)) {
            let root = PlaintextKey::from_slice(&[7; 32]).unwrap();
            prop_assert!(header.open(&root).is_err());
        }
    }
}
