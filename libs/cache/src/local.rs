//! The level in the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::TimeDelta;
use kernel::Timestamp;
use moka::sync::Cache;

use crate::seal::Id;
use crate::settings::{LONGEST, Settings};

pub(crate) struct Local<V> {
    entries: Cache<Id, Arc<Entry<V>>>,
    /// Entries of an earlier generation count for nothing, at once and exactly.
    generation: AtomicU64,
    offline_ttl: TimeDelta,
}

struct Entry<V> {
    value: Option<V>,
    since: Timestamp,
    expires: Timestamp,
    generation: u64,
}

impl<V: Clone + Send + Sync + 'static> Local<V> {
    pub(crate) fn new(settings: &Settings) -> Self {
        // Ages are judged by the clock below; this only frees memory.
        let entries = Cache::builder()
            .max_capacity(settings.max_entries)
            .time_to_live(settings.ttl().min(LONGEST))
            .build();
        Self {
            entries,
            generation: AtomicU64::new(0),
            offline_ttl: TimeDelta::from_std(settings.offline_ttl.get()).unwrap_or_default(),
        }
    }

    /// `online`: every invalidation up to now has been heard.
    pub(crate) fn get(&self, id: &Id, now: Timestamp, online: bool) -> Option<Option<V>> {
        let entry = self.entries.get(id)?;
        let fresh = entry.generation == self.generation.load(Ordering::SeqCst)
            // A clock that was set back must not lengthen a life.
            && entry.since <= now
            && now < entry.expires
            && (online || now - entry.since < self.offline_ttl);
        fresh.then(|| entry.value.clone())
    }

    pub(crate) fn put(&self, id: Id, value: Option<V>, since: Timestamp, expires: Timestamp) {
        let generation = self.generation.load(Ordering::SeqCst);
        self.entries.insert(id, Arc::new(Entry { value, since, expires, generation }));
    }

    pub(crate) fn forget(&self, id: &Id) {
        self.entries.invalidate(id);
    }

    pub(crate) fn forget_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.entries.invalidate_all();
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn entries_age_and_do_so_faster_when_nothing_is_heard() {
        let local = Local::new(&Settings::default());
        let (id, since) = ([0; 16], DateTime::UNIX_EPOCH + TimeDelta::days(1));
        local.put(id, Some(1), since, since + TimeDelta::seconds(10));
        let at = |seconds| since + TimeDelta::milliseconds(seconds);
        for (now, online, held) in [
            (at(0), false, true),
            (at(999), false, true),
            (at(1_000), false, false),
            (at(9_999), true, true),
            (at(10_000), true, false),
            (at(-1), true, false),
        ] {
            assert_eq!(local.get(&id, now, online).is_some(), held, "{now} {online}");
        }
        local.forget_all();
        assert!(local.get(&id, since, true).is_none());
    }

    #[test]
    fn it_stays_bounded() {
        let local = Local::new(&Settings { max_entries: 100, ..Settings::default() });
        let now = DateTime::UNIX_EPOCH;
        for number in 0_u128..10_000 {
            local.put(number.to_be_bytes(), Some(number), now, now + TimeDelta::days(1));
        }
        local.entries.run_pending_tasks();
        assert!(local.entries.entry_count() <= 100);
    }
}
