//! The keyring file.
//!
//! ```text
//! magic "SGNTKEYS" ‖ format (1) = 1 ‖ sealed by (1): 1 passphrase, 2 key file
//! argon2id: memory KiB (4) ‖ passes (4) ‖ lanes (4)      zeros for a key file
//! salt (16)         for argon2id and the check
//! check (16)        tells a wrong secret from a damaged file
//! write salt (32) ‖ nonce (12)                            new with every write
//! body length (4)
//! body              AES-256-GCM over `Ring::encode`; AAD: everything above
//! SHA-256 (32)      of everything above: finds torn files without the secret
//! ```
//!
//! root = argon2id(passphrase, salt), or the key file;
//! check = HKDF(root, salt, "… check"); body key = HKDF(root, write salt, "… body").
//! So no two writes share a key, and a nonce cannot repeat under one.

use aws_lc_rs::digest;

use super::error::KeyringError;
use super::ring::{Input, Ring};
use crate::key::PlaintextKey;
use crate::primitives::{self, NONCE, TAG};

const MAGIC: &[u8; 8] = b"SGNTKEYS";
const FORMAT: u8 = 1;
const CHECKSUM: usize = 32;

/// What seals the keyring and what it costs to try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SealedBy {
    Passphrase { memory_kib: u32, passes: u32, lanes: u32 },
    KeyFile,
}

impl SealedBy {
    /// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
    pub(super) const PASSPHRASE: Self =
        Self::Passphrase { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Passphrase { .. } => "passphrase",
            Self::KeyFile => "key file",
        }
    }

    const fn fields(self) -> (u8, [u32; 3]) {
        match self {
            Self::Passphrase { memory_kib, passes, lanes } => (1, [memory_kib, passes, lanes]),
            Self::KeyFile => (2, [0; 3]),
        }
    }

    /// Limits what a hostile file can make us spend: 1 GiB, 64 passes, 16 lanes.
    fn from_fields(kind: u8, cost: [u32; 3]) -> Result<Self, KeyringError> {
        match (kind, cost) {
            (1, [memory_kib @ 8..=1_048_576, passes @ 1..=64, lanes @ 1..=16])
                if memory_kib >= 8 * lanes =>
            {
                Ok(Self::Passphrase { memory_kib, passes, lanes })
            }
            (1, _) => Err(KeyringError::Cost),
            (2, [0, 0, 0]) => Ok(Self::KeyFile),
            _ => Err(KeyringError::Damaged),
        }
    }
}

/// How the root key is got; the same for all writes until the secret changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lock {
    pub(super) sealed_by: SealedBy,
    pub(super) salt: [u8; 16],
}

/// A keyring file taken apart, still sealed. Needs no secret.
#[derive(Debug)]
pub struct KeyringHeader<'a> {
    pub(super) lock: Lock,
    check: [u8; 16],
    write_salt: [u8; 32],
    nonce: [u8; NONCE],
    /// All before the body.
    aad: &'a [u8],
    body: &'a [u8],
}

impl<'a> KeyringHeader<'a> {
    /// Checks form and checksum of a whole file.
    pub fn parse(file: &'a [u8]) -> Result<Self, KeyringError> {
        let mut input = Input(file);
        if input.take().ok() != Some(MAGIC) {
            return Err(KeyringError::NotAKeyring);
        }
        let (sealed, checksum) =
            file.split_last_chunk::<CHECKSUM>().ok_or(KeyringError::Damaged)?;
        if digest::digest(&digest::SHA256, sealed).as_ref() != checksum {
            return Err(KeyringError::Damaged);
        }
        let mut input = Input(sealed.get(MAGIC.len()..).ok_or(KeyringError::Damaged)?);
        let [format] = *input.take()?;
        if format != FORMAT {
            return Err(KeyringError::Format(format));
        }
        let [kind] = *input.take()?;
        let cost = [*input.take()?, *input.take()?, *input.take()?].map(u32::from_be_bytes);
        let lock = Lock { sealed_by: SealedBy::from_fields(kind, cost)?, salt: *input.take()? };
        let (check, write_salt, nonce) = (*input.take()?, *input.take()?, *input.take()?);
        let length = u32::from_be_bytes(*input.take()?);
        let body = input.0;
        if u32::try_from(body.len()) != Ok(length) {
            return Err(KeyringError::Damaged);
        }
        let aad = &sealed[..sealed.len() - body.len()];
        Ok(Self { lock, check, write_salt, nonce, aad, body })
    }

    /// What opens it: "passphrase" or "key file".
    pub const fn sealed_by(&self) -> &'static str {
        self.lock.sealed_by.name()
    }

    pub(super) fn open(&self, root: &PlaintextKey) -> Result<Ring, KeyringError> {
        if check(root, &self.lock)? != self.check {
            return Err(KeyringError::WrongSecret);
        }
        let key = body_key(root, &self.write_salt)?;
        let mut body = zeroize::Zeroizing::new(self.body.to_vec());
        let plain = primitives::open(&key, self.nonce, self.aad, &mut body)
            .map_err(|_| KeyringError::Damaged)?;
        Ring::decode(plain)
    }
}

/// A whole file, ready to be written.
pub(super) fn seal(ring: &Ring, lock: &Lock, root: &PlaintextKey) -> Result<Vec<u8>, KeyringError> {
    let (mut write_salt, mut nonce) = ([0; 32], [0; NONCE]);
    primitives::fill_random(&mut write_salt)?;
    primitives::fill_random(&mut nonce)?;
    let mut body = ring.encode();
    let length = u32::try_from(body.len() + TAG).map_err(|_| KeyringError::Crypto)?;

    let (kind, cost) = lock.sealed_by.fields();
    let mut file = MAGIC.to_vec();
    file.extend_from_slice(&[FORMAT, kind]);
    cost.iter().for_each(|field| file.extend_from_slice(&field.to_be_bytes()));
    file.extend_from_slice(&lock.salt);
    file.extend_from_slice(&check(root, lock)?);
    file.extend_from_slice(&write_salt);
    file.extend_from_slice(&nonce);
    file.extend_from_slice(&length.to_be_bytes());

    primitives::seal(&body_key(root, &write_salt)?, nonce, &file, &mut body)?;
    file.extend_from_slice(&body);
    let checksum = digest::digest(&digest::SHA256, &file);
    file.extend_from_slice(checksum.as_ref());
    Ok(file)
}

fn check(root: &PlaintextKey, lock: &Lock) -> Result<[u8; 16], KeyringError> {
    let mut check = [0; 16];
    primitives::derive(root, &lock.salt, b"signet.dev keyring v1 check", &mut check)?;
    Ok(check)
}

fn body_key(root: &PlaintextKey, salt: &[u8]) -> Result<PlaintextKey, KeyringError> {
    let mut key = PlaintextKey::empty();
    primitives::derive(root, salt, b"signet.dev keyring v1 body", key.bytes_mut())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use kernel::{Clock, SystemClock, TenantId};
    use proptest::prelude::*;

    use super::*;

    fn sample() -> (PlaintextKey, Ring, Vec<u8>) {
        let root = PlaintextKey::from_slice(&[7; 32]).unwrap();
        let mut ring = Ring::default();
        ring.add(TenantId::SYSTEM, SystemClock.now()).unwrap();
        let lock = Lock { sealed_by: SealedBy::KeyFile, salt: [1; 16] };
        let file = seal(&ring, &lock, &root).unwrap();
        (root, ring, file)
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
        let lock = KeyringHeader::parse(&file).unwrap().lock;
        let again = seal(&ring, &lock, &root).unwrap();
        assert_eq!(open(&again, &root).unwrap().encode(), ring.encode());
        assert_ne!(file[70..], again[70..]);
    }

    #[test]
    fn torn_at_any_byte_is_damage() {
        let (root, _, file) = sample();
        for cut in 0..file.len() {
            let error = open(&file[..cut], &root).err().unwrap();
            let expected = if cut < MAGIC.len() { "not a keyring" } else { "damaged" };
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
            let expected = if bit < MAGIC.len() * 8 { "not a keyring" } else { "damaged" };
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
        sealed[8] = 2;
        let error = KeyringHeader::parse(&with_checksum(&sealed)).unwrap_err();
        assert!(matches!(error, KeyringError::Format(2)));
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_without_panic(bytes: Vec<u8>) {
            let sealed = [&MAGIC[..], &[FORMAT], &bytes].concat();
            prop_assert!(KeyringHeader::parse(&bytes).is_err());
            if let Ok(header) = KeyringHeader::parse(&with_checksum(&sealed)) {
                let root = PlaintextKey::from_slice(&[7; 32]).unwrap();
                prop_assert!(header.open(&root).is_err());
            }
        }
    }
}
