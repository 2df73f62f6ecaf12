//! The level in Redis as the process sees it: a connection, if there is one now,
//! and the invalidations that are still to be sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use tokio::time::Instant;

use crate::link::Link;
use crate::seal::Id;
use crate::settings::RedisSettings;

/// Invalidations kept for later. Their number in an outage is that of changes made
/// by hand; beyond this, values end with their time to live, and a metric says so.
const MOST_DEBTS: usize = 100_000;

pub(crate) struct Shared {
    pub(crate) settings: RedisSettings,
    link: RwLock<Option<Arc<Link>>>,
    debts: Mutex<Debts>,
    /// Older values are nowhere any more.
    longest_life: Duration,
}

#[derive(Default)]
struct Debts {
    owed: HashMap<Id, Debt>,
    count: u64,
}

#[derive(Clone, Copy)]
pub(crate) struct Debt {
    number: u64,
    since: Instant,
}

impl Shared {
    pub(crate) fn new(settings: RedisSettings, local_ttl: Duration) -> Self {
        let longest_life = settings.ttl().max(local_ttl);
        Self { settings, link: RwLock::default(), debts: Mutex::default(), longest_life }
    }

    pub(crate) fn link(&self) -> Option<Arc<Link>> {
        self.link.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_link(&self, link: Option<Arc<Link>>) {
        *self.link.write().unwrap_or_else(PoisonError::into_inner) = link;
    }

    pub(crate) fn hears(&self) -> bool {
        self.link
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .is_some_and(|link| link.hears())
    }

    /// The link, if what it says about this key can be believed.
    pub(crate) fn link_for(&self, id: &Id) -> Option<Arc<Link>> {
        let link = self.link().filter(|link| link.hears() && link.answers())?;
        (!self.debts().owed.contains_key(id)).then_some(link)
    }

    fn debts(&self) -> MutexGuard<'_, Debts> {
        self.debts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now until it is paid, Redis is not believed about this key.
    /// None: there is no room.
    pub(crate) fn owe(&self, id: Id) -> Option<Debt> {
        let mut debts = self.debts();
        if debts.owed.len() >= MOST_DEBTS && !debts.owed.contains_key(&id) {
            return None;
        }
        debts.count += 1;
        let debt = Debt { number: debts.count, since: Instant::now() };
        debts.owed.insert(id, debt);
        Some(debt)
    }

    /// Unless it was owed anew meanwhile.
    pub(crate) fn paid(&self, id: &Id, debt: Debt) {
        let mut debts = self.debts();
        if debts.owed.get(id).is_some_and(|owed| owed.number == debt.number) {
            debts.owed.remove(id);
        }
    }

    /// Some of what is owed.
    pub(crate) fn owed(&self, most: usize) -> Vec<(Id, Debt)> {
        let mut debts = self.debts();
        if debts.owed.is_empty() {
            return Vec::new();
        }
        debts.owed.retain(|_, debt| debt.since.elapsed() < self.longest_life);
        debts.owed.iter().take(most).map(|(id, debt)| (*id, *debt)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debts_are_bounded() {
        let shared = Shared::new(RedisSettings::new("redis://h", ""), Duration::from_secs(1));
        let id = |number: usize| (number as u128).to_be_bytes();
        let first = shared.owe(id(0)).unwrap();
        let again = shared.owe(id(0)).unwrap();
        shared.paid(&id(0), first);
        assert_eq!(shared.owed(10).len(), 1);
        shared.paid(&id(0), again);
        assert!(shared.owed(10).is_empty());
        assert!((0..MOST_DEBTS).all(|number| shared.owe(id(number)).is_some()));
        assert!(shared.owe(id(MOST_DEBTS)).is_none());
        assert!(shared.owe(id(1)).is_some());
    }

    #[test]
    fn debts_end_with_what_they_are_about() {
        let mut settings = RedisSettings::new("redis://h", "");
        settings.ttl = Some(config::Duration::from_millis(1));
        let shared = Shared::new(settings, Duration::from_millis(20));
        shared.owe([0; 16]).unwrap();
        assert_eq!(shared.owed(10).len(), 1);
        std::thread::sleep(Duration::from_millis(20));
        assert!(shared.owed(10).is_empty());
    }
}
