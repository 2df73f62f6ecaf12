//! API keys looked up a moment ago. Bounded, and short-lived: a revocation in
//! another process is noticed after [`FRESH`].

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::Duration;
use kernel::{ApiKeyId, Timestamp};

use super::ports::Presented;
use crate::domain::SecretHash;

/// With the life of the tokens made from a key (`check::INTERNAL_TOKEN`), no
/// more than the 60 seconds that the API promises.
pub const FRESH: Duration = Duration::seconds(15);
const MOST: usize = 10_000;

#[derive(Default)]
pub struct KeyCache(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    entries: HashMap<SecretHash, (Presented, Timestamp)>,
    /// Counts evictions: what was read before one must not be stored after it.
    epoch: u64,
}

impl KeyCache {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The key, if it is known and fresh; and the epoch to hand to [`Self::put`].
    pub fn get(&self, hash: &SecretHash, now: Timestamp) -> (Option<Presented>, u64) {
        let inner = self.inner();
        let found = inner.entries.get(hash).filter(|(_, at)| now - *at < FRESH);
        (found.map(|(presented, _)| presented.clone()), inner.epoch)
    }

    /// Keeps what was read in the epoch given.
    pub fn put(&self, hash: SecretHash, presented: Presented, epoch: u64, now: Timestamp) {
        let mut inner = self.inner();
        if inner.epoch != epoch {
            return;
        }
        if inner.entries.len() >= MOST {
            inner.entries.retain(|_, (_, at)| now - *at < FRESH);
            if inner.entries.len() >= MOST {
                inner.entries.clear();
            }
        }
        inner.entries.insert(hash, (presented, now));
    }

    pub fn evict(&self, id: ApiKeyId) {
        let mut inner = self.inner();
        inner.epoch += 1;
        inner.entries.retain(|_, (presented, _)| presented.key.id != id);
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use kernel::{PrincipalId, TenantId};
    use proto::Role;

    use super::*;
    use crate::domain::{ApiKey, Roles};

    fn presented(now: Timestamp) -> Presented {
        let key = ApiKey {
            id: ApiKeyId::new(),
            tenant: TenantId::new(),
            owner: PrincipalId::new(),
            display_name: "k".into(),
            hint: "sgnt_abcd".into(),
            created: now,
            expires: None,
            revoked: None,
        };
        Presented { key, roles: Roles::of(vec![Role::Member]).unwrap() }
    }

    fn hash(number: u32) -> SecretHash {
        let mut hash = [0; 32];
        hash[..4].copy_from_slice(&number.to_be_bytes());
        hash
    }

    #[test]
    fn entries_age_and_are_evicted() {
        let (cache, now) = (KeyCache::default(), DateTime::UNIX_EPOCH);
        let one = presented(now);
        cache.put(hash(1), one.clone(), 0, now);
        let nearly = now + FRESH - Duration::microseconds(1);
        assert!(cache.get(&hash(1), nearly).0.is_some());
        assert!(cache.get(&hash(1), now + FRESH).0.is_none());
        assert!(cache.get(&hash(2), now).0.is_none());
        cache.evict(one.key.id);
        assert!(cache.get(&hash(1), now).0.is_none());
    }

    #[test]
    fn what_was_read_before_an_eviction_is_not_kept_after_it() {
        let (cache, now) = (KeyCache::default(), DateTime::UNIX_EPOCH);
        let one = presented(now);
        let (_, epoch) = cache.get(&hash(1), now);
        cache.evict(one.key.id);
        cache.put(hash(1), one, epoch, now);
        assert!(cache.get(&hash(1), now).0.is_none());
    }

    #[test]
    fn it_stays_bounded() {
        let (cache, now) = (KeyCache::default(), DateTime::UNIX_EPOCH);
        let one = presented(now);
        for number in 0..25_000 {
            cache.put(hash(number), one.clone(), 0, now);
        }
        assert!(cache.inner().entries.len() <= MOST);
        assert!(cache.get(&hash(24_999), now).0.is_some());
    }
}
