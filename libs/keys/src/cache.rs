//! Unwrapped data keys, kept for a short while.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::digest;
use chrono::TimeDelta;
use kernel::{Result, SharedClock, TenantId, Timestamp};
use serde::Deserialize;

use crate::context::Context;
use crate::key::{KEY_LENGTH, PlaintextKey};
use crate::kms::Kms;
use crate::wrapped::WrappedKey;

/// Memory for keys, whatever the settings say: a setting that is too large must not
/// fill a process with keys in the clear.
const MOST_BYTES: usize = 4 << 20;
/// What one key takes, with its two places in the tables (less than half empty).
const BYTES_OF_ONE: usize =
    size_of::<PlaintextKey>() + KEY_LENGTH + 2 * (size_of::<Entry>() + 2 * size_of::<[u8; 32]>());

/// What bounds the cache. A key is dropped, and wiped, at the first of these.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CacheSettings {
    pub max_age_seconds: u32,
    /// How often one key is given out before the provider is asked again.
    pub max_uses: u32,
    /// How many keys are held; the one used longest ago goes first. 0 turns the cache off.
    pub max_keys: usize,
}

impl CacheSettings {
    pub const DEFAULT: Self = Self { max_age_seconds: 300, max_uses: 10_000, max_keys: 10_000 };
}

impl Default for CacheSettings {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Data keys in the clear, by tenant, wrapped form and context: whoever asks
/// must know all three, exactly as for the provider.
pub struct DataKeyCache {
    settings: CacheSettings,
    clock: SharedClock,
    state: Mutex<State>,
}

/// SHA-256 over tenant, wrapped form and context: see [`cache_id`].
pub type CacheId = [u8; 32];

#[derive(Default)]
struct State {
    entries: HashMap<CacheId, Entry>,
    /// By last use.
    order: BTreeMap<u64, CacheId>,
    ticks: u64,
    /// Not after the `since` of any entry.
    eldest: Option<Timestamp>,
    /// Counts evictions, so that a key asked for before one is not stored after it.
    evictions: u64,
}

struct Entry {
    key: Arc<PlaintextKey>,
    tenant: TenantId,
    since: Timestamp,
    uses: u32,
    tick: u64,
}

impl DataKeyCache {
    pub fn new(settings: CacheSettings, clock: SharedClock) -> Self {
        Self { settings, clock, state: Mutex::default() }
    }

    /// [`Kms::unwrap`], asking the provider only for what is not held.
    pub async fn unwrap(
        &self,
        kms: &dyn Kms,
        tenant: TenantId,
        keys: &[(WrappedKey, Context)],
    ) -> Result<Vec<Result<Arc<PlaintextKey>>>> {
        let ids: Vec<CacheId> = keys
            .iter()
            .map(|(key, context)| cache_id(tenant, &key.to_bytes(), &context.encode()))
            .collect();
        self.through(tenant, &ids, |missing| async move {
            let missing: Vec<_> = missing.iter().map(|index| keys[*index].clone()).collect();
            kms.unwrap(tenant, &missing).await
        })
        .await
    }

    /// The keys with these ids, in their order. `fetch` gets the indices of what
    /// is not held, and answers for each in the same order.
    pub async fn through<F>(
        &self,
        tenant: TenantId,
        ids: &[CacheId],
        fetch: impl FnOnce(Vec<usize>) -> F,
    ) -> Result<Vec<Result<Arc<PlaintextKey>>>>
    where
        F: Future<Output = Result<Vec<Result<PlaintextKey>>>>,
    {
        let (held, evictions) = {
            let mut state = self.state();
            state.expire(self.oldest());
            let held: Vec<_> =
                ids.iter().map(|id| state.take_use(id, self.settings.max_uses)).collect();
            (held, state.evictions)
        };
        let missing: Vec<usize> =
            held.iter().enumerate().filter(|(_, held)| held.is_none()).map(|(at, _)| at).collect();
        if missing.is_empty() {
            return Ok(held.into_iter().flatten().map(Ok).collect());
        }
        let mut fetched = fetch(missing).await?.into_iter();
        let now = self.clock.now();
        let mut state = self.state();
        let mut results = Vec::with_capacity(ids.len());
        for (id, held) in ids.iter().zip(held) {
            let result = match held {
                Some(key) => Ok(key),
                None => fetched.next().unwrap_or_else(short_answer).map(Arc::new),
            };
            if let Ok(key) = &result
                && state.evictions == evictions
                && !state.entries.contains_key(id)
            {
                let entry = Entry { key: key.clone(), tenant, since: now, uses: 1, tick: 0 };
                state.insert(*id, entry, &self.settings);
            }
            results.push(result);
        }
        Ok(results)
    }

    /// Forgets one key: after it was destroyed.
    pub fn forget(&self, id: &CacheId) {
        let mut state = self.state();
        state.evictions += 1;
        state.remove(id);
    }

    /// Forgets a tenant's keys: after a revocation.
    pub fn evict(&self, tenant: TenantId) {
        let mut state = self.state();
        state.evictions += 1;
        state.retain(|entry| entry.tenant != tenant);
    }

    pub fn evict_all(&self) {
        let mut state = self.state();
        state.evictions += 1;
        state.retain(|_| false);
    }

    /// Drops what has become too old, even where nobody asks any more.
    pub fn sweep(&self) {
        let oldest = self.oldest();
        self.state().expire(oldest);
    }

    /// Sweeps for ever: for a task that the service starts and ends.
    pub async fn sweep_every(&self, period: Duration) {
        loop {
            tokio::time::sleep(period).await;
            self.sweep();
        }
    }

    /// How many keys are held.
    pub fn len(&self) -> usize {
        self.state().entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn oldest(&self) -> Timestamp {
        self.clock.now() - TimeDelta::seconds(self.settings.max_age_seconds.into())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn take_use(&mut self, id: &CacheId, max_uses: u32) -> Option<Arc<PlaintextKey>> {
        let entry = self.entries.get_mut(id)?;
        if entry.uses >= max_uses {
            self.remove(id);
            return None;
        }
        entry.uses += 1;
        self.order.remove(&entry.tick);
        self.ticks += 1;
        entry.tick = self.ticks;
        self.order.insert(self.ticks, *id);
        Some(entry.key.clone())
    }

    fn insert(&mut self, id: CacheId, mut entry: Entry, settings: &CacheSettings) {
        if settings.max_keys == 0 {
            return;
        }
        while self.entries.len() >= settings.max_keys.min(MOST_BYTES / BYTES_OF_ONE) {
            let Some((_, longest_ago)) = self.order.pop_first() else { break };
            self.entries.remove(&longest_ago);
        }
        self.eldest = Some(self.eldest.map_or(entry.since, |eldest| eldest.min(entry.since)));
        self.ticks += 1;
        entry.tick = self.ticks;
        self.order.insert(self.ticks, id);
        self.entries.insert(id, entry);
    }

    fn remove(&mut self, id: &CacheId) {
        if let Some(entry) = self.entries.remove(id) {
            self.order.remove(&entry.tick);
        }
    }

    /// Cheap while nothing is due: the entries' ages are looked at only then.
    fn expire(&mut self, oldest: Timestamp) {
        if self.eldest.is_some_and(|eldest| eldest <= oldest) {
            self.retain(|entry| entry.since > oldest);
            self.eldest = self.entries.values().map(|entry| entry.since).min();
        }
    }

    fn retain(&mut self, keep: impl Fn(&Entry) -> bool) {
        let order = &mut self.order;
        self.entries.retain(|_, entry| {
            let kept = keep(entry);
            if !kept {
                order.remove(&entry.tick);
            }
            kept
        });
    }
}

fn short_answer() -> Result<PlaintextKey> {
    Err(kernel::Fault::internal("the key provider answered fewer keys than asked for"))
}

/// By what a held key is found again: whoever asks must know all three parts.
/// `wrapped` may have any length, so it goes in with it.
pub fn cache_id(tenant: TenantId, wrapped: &[u8], context: &[u8]) -> CacheId {
    let mut hash = digest::Context::new(&digest::SHA256);
    hash.update(tenant.uuid().as_bytes());
    hash.update(&(wrapped.len() as u64).to_be_bytes());
    hash.update(wrapped);
    hash.update(context);
    let mut id = [0; 32];
    id.copy_from_slice(hash.finish().as_ref());
    id
}
