//! Parsed keys, kept for a short while: few, and not for long. What they may be
//! used for is not kept: that is read from the database each time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::Duration;
use kernel::{SharedClock, TenantId, Timestamp};

const MOST: usize = 1_000;
const OLDEST: Duration = Duration::minutes(5);

/// Tenant and thumbprint: a thumbprint never means another key.
type Id = (TenantId, String);

pub(crate) struct KeyCache<K> {
    clock: SharedClock,
    held: Mutex<HashMap<Id, (Timestamp, K)>>,
}

impl<K: Clone> KeyCache<K> {
    pub(crate) fn new(clock: SharedClock) -> Self {
        Self { clock, held: Mutex::default() }
    }

    pub(crate) fn find(&self, tenant: TenantId, kid: &str) -> Option<K> {
        let oldest = self.clock.now() - OLDEST;
        let mut held = self.held();
        let id = (tenant, kid.to_owned());
        let (since, key) = held.get(&id)?;
        if *since > oldest {
            return Some(key.clone());
        }
        held.remove(&id);
        None
    }

    pub(crate) fn put(&self, tenant: TenantId, kid: &str, key: K) {
        let now = self.clock.now();
        let mut held = self.held();
        if held.len() >= MOST {
            held.retain(|_, (since, _)| *since > now - OLDEST);
        }
        if held.len() >= MOST {
            let eldest = held.iter().min_by_key(|(_, (since, _))| *since).map(|(id, _)| id.clone());
            if let Some(id) = eldest {
                held.remove(&id);
            }
        }
        held.insert((tenant, kid.to_owned()), (now, key));
    }

    pub(crate) fn forget(&self, tenant: TenantId, kid: &str) {
        self.held().remove(&(tenant, kid.to_owned()));
    }

    pub(crate) fn forget_all(&self, tenant: TenantId) {
        self.held().retain(|(of, _), _| *of != tenant);
    }

    /// Drops what has become too old, even where nobody asks any more.
    pub(crate) fn sweep(&self) {
        let oldest = self.clock.now() - OLDEST;
        self.held().retain(|_, (since, _)| *since > oldest);
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Id, (Timestamp, K)>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::DateTime;
    use kernel::ManualClock;

    use super::*;

    #[test]
    fn few_and_not_for_long() {
        let clock = ManualClock::at(DateTime::from_timestamp(1_700_000_000, 0).unwrap());
        let cache = KeyCache::new(clock.clone());
        let tenant = TenantId::new();
        let key = Arc::new(());
        cache.put(tenant, "a", key.clone());
        assert!(cache.find(tenant, "a").is_some());
        assert!(cache.find(TenantId::new(), "a").is_none());
        clock.advance(Duration::minutes(4));
        cache.put(tenant, "b", key.clone());
        clock.advance(Duration::minutes(1));
        assert!(cache.find(tenant, "a").is_none());
        cache.forget(tenant, "b");
        assert_eq!(Arc::strong_count(&key), 1, "nothing is held any more");
        for number in 0..MOST + 10 {
            cache.put(tenant, &number.to_string(), key.clone());
            clock.advance(Duration::milliseconds(1));
        }
        assert_eq!(Arc::strong_count(&key), MOST + 1);
        assert!(cache.find(tenant, "9").is_none() && cache.find(tenant, "10").is_some());
        clock.advance(OLDEST);
        cache.sweep();
        assert_eq!(Arc::strong_count(&key), 1);
    }
}
