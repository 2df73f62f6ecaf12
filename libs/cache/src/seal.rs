//! What leaves the process: names that tell nothing, values that cannot be forged.
//!
//! Redis is trusted with neither. A value is bound to its key, to its cache and to
//! the time until which it counts, so whoever can write to Redis can make values
//! disappear, at worst repeat one until it expires, but not make one up or move it.

use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use kernel::{Fault, Result, Secret, Timestamp};

/// What a key is known by, in the process, in Redis and in messages.
pub(crate) type Id = [u8; 16];

const TAG: usize = 32;
const EXPIRES: usize = 8;
/// Values above this stay in the process.
const LARGEST: usize = 64 << 10;

/// Marks a place in Redis that a load is under way for.
pub(crate) const LEASE: u8 = b'L';
const VALUE: u8 = b'V';

pub(crate) struct Seal {
    names: Key,
    values: Key,
}

impl Seal {
    /// Two keys from the secret, for this cache alone.
    pub(crate) fn new(cache: &str, secret: &Secret<String>) -> Self {
        let root = Key::new(HMAC_SHA256, secret.expose().as_bytes());
        let derive = |purpose: &str| {
            let text = format!("signet.dev/v1/cache/{cache}/{purpose}");
            Key::new(HMAC_SHA256, hmac::sign(&root, text.as_bytes()).as_ref())
        };
        Self { names: derive("names"), values: derive("values") }
    }

    /// For a cache that nobody else can read.
    pub(crate) fn private(cache: &str) -> Result<Self> {
        Ok(Self::new(cache, &Secret::new(hex(&random::<32>()?))))
    }

    pub(crate) fn id(&self, key: &[u8]) -> Id {
        let mut id = [0; 16];
        id.copy_from_slice(&hmac::sign(&self.names, key).as_ref()[..16]);
        id
    }

    /// None: too large to be shared. `None` as the value says that there is none.
    pub(crate) fn close(
        &self,
        id: &Id,
        value: Option<&[u8]>,
        expires: Timestamp,
    ) -> Option<Vec<u8>> {
        if value.is_some_and(|value| value.len() > LARGEST) {
            return None;
        }
        let mut body = expires.timestamp_micros().to_be_bytes().to_vec();
        body.push(u8::from(value.is_some()));
        body.extend_from_slice(value.unwrap_or_default());
        let mut out = vec![VALUE];
        out.extend_from_slice(self.tag(id, &body).as_ref());
        out.extend(body);
        Some(out)
    }

    /// None if this is not a value of ours for this key, or no longer.
    pub(crate) fn open<'a>(&self, id: &Id, bytes: &'a [u8], now: Timestamp) -> Option<Opened<'a>> {
        let (&VALUE, rest) = bytes.split_first()? else { return None };
        let (tag, body) = rest.split_at_checked(TAG)?;
        let mut signed = id.to_vec();
        signed.extend_from_slice(body);
        hmac::verify(&self.values, &signed, tag).ok()?;
        let (expires, rest) = body.split_first_chunk::<EXPIRES>()?;
        let expires = Timestamp::from_timestamp_micros(i64::from_be_bytes(*expires))?;
        let (present, value) = rest.split_first()?;
        (now < expires).then_some(Opened { value: (*present == 1).then_some(value), expires })
    }

    fn tag(&self, id: &Id, body: &[u8]) -> hmac::Tag {
        let mut signed = id.to_vec();
        signed.extend_from_slice(body);
        hmac::sign(&self.values, &signed)
    }
}

pub(crate) struct Opened<'a> {
    pub(crate) value: Option<&'a [u8]>,
    pub(crate) expires: Timestamp,
}

/// A mark that only one load has.
pub(crate) fn lease() -> Result<Vec<u8>> {
    let mut lease = vec![LEASE];
    lease.extend(random::<16>()?);
    Ok(lease)
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| Fault::internal("no randomness"))?;
    Ok(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;

    fn seal(cache: &str, secret: &str) -> Seal {
        Seal::new(cache, &Secret::new(secret.to_owned()))
    }

    #[test]
    fn values_come_back_until_they_expire() {
        let (seal, now) = (seal("a", "secret"), DateTime::UNIX_EPOCH);
        let (id, expires) = (seal.id(b"key"), now + TimeDelta::seconds(1));
        for value in [None, Some(&b""[..]), Some(&b"value"[..])] {
            let closed = seal.close(&id, value, expires).unwrap();
            let opened = seal.open(&id, &closed, now).unwrap();
            assert_eq!((opened.value, opened.expires), (value, expires));
            assert!(seal.open(&id, &closed, expires).is_none());
        }
        assert!(seal.close(&id, Some(&vec![0; LARGEST + 1]), expires).is_none());
    }

    #[test]
    fn nothing_forged_moved_or_changed_is_believed() {
        let (ours, now) = (seal("a", "secret"), DateTime::UNIX_EPOCH);
        let (id, expires) = (ours.id(b"key"), now + TimeDelta::seconds(1));
        let closed = ours.close(&id, Some(b"value"), expires).unwrap();
        assert!(ours.open(&ours.id(b"other"), &closed, now).is_none());
        for (cache, secret) in [("b", "secret"), ("a", "other")] {
            let theirs = seal(cache, secret);
            assert_ne!(theirs.id(b"key"), id);
            assert!(theirs.open(&id, &closed, now).is_none());
        }
        for at in 0..closed.len() {
            let mut changed = closed.clone();
            changed[at] ^= 1;
            assert!(ours.open(&id, &changed, now).is_none(), "byte {at}");
            assert!(ours.open(&id, &closed[..at], now).is_none(), "cut at {at}");
        }
    }
}
