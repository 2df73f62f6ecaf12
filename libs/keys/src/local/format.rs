//! The keyring file, and a backup of one.
//!
//! ```text
//! magic "SGNTKEYS", of a backup "SGNTBKUP"
//! format (1) = 2 ‖ sealed by (1): 1 passphrase, 2 key file
//! argon2id: memory KiB (4) ‖ passes (4) ‖ lanes (4)      zeros for a key file
//! salt (16)         for argon2id and the check
//! check (16)        tells a wrong secret from a damaged file
//! ring id (16) ‖ generation (8) ‖ written, µs since 1970 (8)
//! write salt (32) ‖ nonce (12)                            new with every write
//! body length (4)
//! body              AES-256-GCM over `Ring::encode`; AAD: everything above
//! SHA-256 (32)      of everything above: finds torn files without the secret
//! ```
//!
//! root = argon2id(passphrase, salt), or the key file;
//! check = HKDF(root, salt, "… check"); body key = HKDF(root, write salt, "… body").
//! So no two writes share a key, and a nonce cannot repeat under one.
//!
//! The generation counts writes, a backup has that of the keyring it is of.
//! Format 1, without the third line from id to time, is still read.

use aws_lc_rs::digest;
use kernel::Timestamp;
use uuid::Uuid;

use super::error::KeyringError;
use super::ring::{Input, Ring};
use crate::key::PlaintextKey;
use crate::primitives::{self, NONCE, TAG};

const FORMAT: u8 = 2;
const CHECKSUM: usize = 32;

/// The two kinds of file with one layout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Keyring,
    Backup,
}

impl Form {
    const fn magic(self) -> &'static [u8; 8] {
        match self {
            Self::Keyring => b"SGNTKEYS",
            Self::Backup => b"SGNTBKUP",
        }
    }

    const fn mismatch(self) -> KeyringError {
        match self {
            Self::Keyring => KeyringError::NotAKeyring,
            Self::Backup => KeyringError::NotABackup,
        }
    }
}

/// Which keyring, and as of when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Edition {
    /// The same for a keyring and its backups, for ever. Nil in files of format 1.
    pub ring: Uuid,
    /// Grows with every write.
    pub generation: u64,
    pub written: Timestamp,
}

impl Edition {
    /// Of a keyring that has never been written.
    pub(super) fn none() -> Self {
        Self { ring: Uuid::nil(), generation: 0, written: Timestamp::default() }
    }

    pub(super) fn next(self, now: Timestamp) -> Result<Self, KeyringError> {
        let mut ring = self.ring.into_bytes();
        if self.ring.is_nil() {
            primitives::fill_random(&mut ring)?;
        }
        let generation = self.generation.checked_add(1).ok_or(KeyringError::Damaged)?;
        Ok(Self { ring: Uuid::from_bytes(ring), generation, written: now })
    }

    fn take(input: &mut Input<'_>) -> Result<Self, KeyringError> {
        let ring = Uuid::from_bytes(*input.take()?);
        let generation = u64::from_be_bytes(*input.take()?);
        let written = Timestamp::from_timestamp_micros(i64::from_be_bytes(*input.take()?));
        Ok(Self { ring, generation, written: written.ok_or(KeyringError::Damaged)? })
    }
}

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

    /// A backup lies about for years, and is opened rarely: the second choice of
    /// RFC 9106, 64 MiB, three passes, four lanes.
    pub(super) const BACKUP: Self = Self::Passphrase { memory_kib: 64 * 1024, passes: 3, lanes: 4 };

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

/// A keyring file or backup taken apart, still sealed. Needs no secret.
#[derive(Debug)]
pub struct KeyringHeader<'a> {
    pub(super) lock: Lock,
    edition: Edition,
    check: [u8; 16],
    write_salt: [u8; 32],
    nonce: [u8; NONCE],
    /// All before the body.
    aad: &'a [u8],
    body: &'a [u8],
}

impl<'a> KeyringHeader<'a> {
    /// Checks form and checksum of a whole keyring file.
    pub fn parse(file: &'a [u8]) -> Result<Self, KeyringError> {
        Self::parse_as(Form::Keyring, file)
    }

    /// The same for a backup.
    pub fn parse_backup(file: &'a [u8]) -> Result<Self, KeyringError> {
        Self::parse_as(Form::Backup, file)
    }

    pub(super) fn parse_as(form: Form, file: &'a [u8]) -> Result<Self, KeyringError> {
        if file.first_chunk() != Some(form.magic()) {
            return Err(form.mismatch());
        }
        let (sealed, checksum) =
            file.split_last_chunk::<CHECKSUM>().ok_or(KeyringError::Damaged)?;
        if digest::digest(&digest::SHA256, sealed).as_ref() != checksum {
            return Err(KeyringError::Damaged);
        }
        let mut input = Input(sealed.get(form.magic().len()..).ok_or(KeyringError::Damaged)?);
        let [format] = *input.take()?;
        if !matches!(format, 1..=FORMAT) {
            return Err(KeyringError::Format(format));
        }
        let [kind] = *input.take()?;
        let cost = [*input.take()?, *input.take()?, *input.take()?].map(u32::from_be_bytes);
        let lock = Lock { sealed_by: SealedBy::from_fields(kind, cost)?, salt: *input.take()? };
        let check = *input.take()?;
        let edition = if format == 1 { Edition::none() } else { Edition::take(&mut input)? };
        let (write_salt, nonce) = (*input.take()?, *input.take()?);
        let length = u32::from_be_bytes(*input.take()?);
        let body = input.0;
        if u32::try_from(body.len()) != Ok(length) {
            return Err(KeyringError::Damaged);
        }
        let aad = &sealed[..sealed.len() - body.len()];
        Ok(Self { lock, edition, check, write_salt, nonce, aad, body })
    }

    /// What opens it: "passphrase" or "key file".
    pub const fn sealed_by(&self) -> &'static str {
        self.lock.sealed_by.name()
    }

    /// What argon2id costs: memory in KiB, passes, lanes. `None` for a key file.
    pub const fn cost(&self) -> Option<(u32, u32, u32)> {
        match self.lock.sealed_by {
            SealedBy::Passphrase { memory_kib, passes, lanes } => Some((memory_kib, passes, lanes)),
            SealedBy::KeyFile => None,
        }
    }

    pub const fn edition(&self) -> Edition {
        self.edition
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
pub(super) fn seal(
    form: Form,
    ring: &Ring,
    edition: &Edition,
    (lock, root): (&Lock, &PlaintextKey),
) -> Result<Vec<u8>, KeyringError> {
    let (mut write_salt, mut nonce) = ([0; 32], [0; NONCE]);
    primitives::fill_random(&mut write_salt)?;
    primitives::fill_random(&mut nonce)?;
    let mut body = ring.encode();
    let length = u32::try_from(body.len() + TAG).map_err(|_| KeyringError::Crypto)?;

    let (kind, cost) = lock.sealed_by.fields();
    let mut file = form.magic().to_vec();
    file.extend_from_slice(&[FORMAT, kind]);
    cost.iter().for_each(|field| file.extend_from_slice(&field.to_be_bytes()));
    file.extend_from_slice(&lock.salt);
    file.extend_from_slice(&check(root, lock)?);
    file.extend_from_slice(edition.ring.as_bytes());
    file.extend_from_slice(&edition.generation.to_be_bytes());
    file.extend_from_slice(&edition.written.timestamp_micros().to_be_bytes());
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
mod tests;
