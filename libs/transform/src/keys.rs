//! The keys of one tenant, and what is drawn from them.

use aws_lc_rs::hmac;
use zeroize::{ZeroizeOnDrop, Zeroizing};

pub const KEY_LEN: usize = 32;

pub(crate) type Key = [u8; KEY_LEN];

const LABEL: &[u8] = b"signet.dev/v1/transform";

/// One key for each use, all of one tenant. Wiped when dropped, never shown.
///
/// What is joined, restored or shifted back needs the same keys: they change only when the
/// caller's secret does.
#[derive(ZeroizeOnDrop)]
pub struct Keys {
    pub(crate) hash: Key,
    pub(crate) encrypt: Key,
    pub(crate) format: Key,
    pub(crate) dates: Key,
    pub(crate) surrogate: Key,
}

impl Keys {
    /// Derives them from a tenant's secret. The tenant's name is part of the derivation: should
    /// two tenants ever have one secret, their tokens still have nothing in common.
    #[must_use]
    pub fn derive(secret: &[u8; KEY_LEN], tenant: &str) -> Self {
        let derived = |usage: &str| *mac(secret, &[LABEL, usage.as_bytes(), tenant.as_bytes()]);
        Self {
            hash: derived("hash"),
            encrypt: derived("encrypt"),
            format: derived("format"),
            dates: derived("dates"),
            surrogate: derived("surrogate"),
        }
    }
}

/// HMAC-SHA-256 (RFC 2104) of parts, each with its length before it: no two lists of parts
/// share an input.
pub(crate) fn mac(key: &Key, parts: &[&[u8]]) -> Zeroizing<Key> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut context = hmac::Context::with_key(&key);
    for part in parts {
        context.update(&(part.len() as u64).to_be_bytes());
        context.update(part);
    }
    let mut out = Zeroizing::new(Key::default());
    out.copy_from_slice(context.sign().as_ref());
    out
}

/// Choices that look random and are the same for the same key and subject.
pub(crate) struct Draw<'k> {
    key: &'k Key,
    seed: Zeroizing<Key>,
    block: Zeroizing<Key>,
    next: usize,
    count: u64,
}

impl<'k> Draw<'k> {
    pub(crate) fn new(key: &'k Key, usage: &str, subject: &str) -> Self {
        let seed = mac(key, &[b"draw", usage.as_bytes(), subject.as_bytes()]);
        Self { key, seed, block: Zeroizing::default(), next: KEY_LEN, count: 0 }
    }

    /// A number below `limit`, which is at least 1. The remainder's bias is below
    /// `limit` / 2^64: nobody will see it.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        if self.next >= KEY_LEN {
            self.block = mac(self.key, &[b"block", &self.seed[..], &self.count.to_be_bytes()]);
            self.count += 1;
            self.next = 0;
        }
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.block[self.next..self.next + 8]);
        self.next += 8;
        let limit = u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(u64::from_be_bytes(bytes) % limit).unwrap_or(0)
    }

    pub(crate) fn pick<'l, T>(&mut self, list: &'l [T]) -> Option<&'l T> {
        list.get(self.below(list.len()))
    }

    pub(crate) fn digit(&mut self) -> char {
        char::from(b"0123456789"[self.below(10)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 2, on the primitive below `mac`; and the framing of `mac`.
    #[test]
    fn parts_do_not_run_together() {
        let tag = hmac::sign(
            &hmac::Key::new(hmac::HMAC_SHA256, b"Jefe"),
            b"what do ya want for nothing?",
        );
        assert_eq!(
            hex::encode(tag.as_ref()),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        let key = [7; KEY_LEN];
        assert_ne!(mac(&key, &[b"ab", b"c"]), mac(&key, &[b"a", b"bc"]));
        assert_ne!(mac(&key, &[b"ab"]), mac(&key, &[b"ab", b""]));
    }

    #[test]
    fn keys_differ_by_use_tenant_and_secret() {
        let one = Keys::derive(&[1; KEY_LEN], "a");
        let all = [one.hash, one.encrypt, one.format, one.dates, one.surrogate];
        for (at, key) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(key));
        }
        assert_ne!(one.hash, Keys::derive(&[1; KEY_LEN], "b").hash);
        assert_ne!(one.hash, Keys::derive(&[2; KEY_LEN], "a").hash);
        assert_eq!(one.hash, Keys::derive(&[1; KEY_LEN], "a").hash);
    }

    #[test]
    fn draws_repeat_and_stay_in_range() {
        let key = [3; KEY_LEN];
        let drawn = |subject: &str| {
            let mut draw = Draw::new(&key, "test", subject);
            (0..64).map(|_| draw.below(10)).collect::<Vec<_>>()
        };
        assert_eq!(drawn("a"), drawn("a"));
        assert_ne!(drawn("a"), drawn("b"));
        assert!((0..10).all(|digit| drawn("a").contains(&digit)));
    }
}
