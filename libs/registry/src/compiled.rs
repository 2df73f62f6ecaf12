//! Stored recognizers ready to search: compiled once a process and revision, within bounds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use detection::custom::Custom;
use kernel::{Fault, Result, TenantId, Timestamp, common};
use rpc::Cx;
use tokio::time::{Duration, Instant};

use crate::recognizers::{MOST, Recognizers};
use crate::{StoredRecognizer, recognizer_name};

/// What a tenant has is believed for less than a second.
const FRESH: Duration = Duration::from_millis(800);
/// A compiled one is opened anew after this: destroyed keys end its use, too.
const KEPT: Duration = Duration::from_secs(300);
/// Bytes of all compiled ones, and tenants remembered.
const LARGEST: usize = 256 * 1024 * 1024;
const MOST_TENANTS: usize = 10_000;
/// Recognizers that a call names.
const MOST_NAMED: usize = 20;

/// One of the same name that comes later is another one: it was created at another time.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Name {
    tenant: TenantId,
    id: String,
    revision: i32,
    created: Timestamp,
}

type Listed = Arc<Vec<StoredRecognizer>>;

struct Kept {
    custom: Arc<Custom>,
    since: Instant,
    used: Instant,
}

#[derive(Default)]
struct Known {
    lists: HashMap<TenantId, (Listed, Instant)>,
    customs: HashMap<Name, Kept>,
}

/// What this process has compiled.
#[derive(Default)]
pub(crate) struct Compiled(Mutex<Known>);

impl Recognizers {
    /// Those that a call names, and those that are always on.
    pub async fn wanted(&self, cx: &Cx, names: &[String]) -> Result<Vec<Arc<Custom>>> {
        if names.len() > MOST_NAMED {
            return Err(Fault::invalid("options.recognizers", "must have at most 20 items"));
        }
        let listed = self.listed(cx.tenant(), false).await?;
        let always = listed.iter().filter(|known| known.always_on);
        let mut wanted: Vec<_> = always.map(|known| (name(known), None)).collect();
        for (index, asked) in names.iter().enumerate() {
            let field = format!("options.recognizers[{index}]");
            let named = self.named(cx, &listed, &field, asked).await?;
            wanted.retain(|(name, _)| name.id != named.id);
            wanted.push((named, Some(field)));
        }
        let mut customs = Vec::with_capacity(wanted.len());
        for (name, field) in wanted {
            let custom = self.custom(cx, name).await.map_err(|fault| match field {
                _ if fault.reason() != &common::RESOURCE_NOT_FOUND => fault,
                Some(field) => none(&field),
                // Deleted since it was listed.
                None => Fault::unavailable("a recognizer was deleted meanwhile"),
            });
            customs.push(custom?);
        }
        Ok(customs)
    }

    /// What is not on the list may have been stored just now.
    async fn named(&self, cx: &Cx, listed: &Listed, field: &str, asked: &str) -> Result<Name> {
        let (id, revision) = recognizer_name(field, asked)?;
        let newest = |listed: &Listed| {
            let known = listed.iter().find(|known| known.id == id);
            known.filter(|known| revision <= Some(known.revision)).map(name)
        };
        let name = match newest(listed) {
            Some(name) => name,
            None => {
                let listed = self.listed(cx.tenant(), true).await?;
                newest(&listed).ok_or_else(|| none(field))?
            }
        };
        Ok(Name { revision: revision.unwrap_or(name.revision), ..name })
    }

    async fn listed(&self, tenant: TenantId, anew: bool) -> Result<Listed> {
        if !anew
            && let Some((listed, since)) = self.compiled.lock().lists.get(&tenant)
            && since.elapsed() < FRESH
        {
            return Ok(Arc::clone(listed));
        }
        let asked = Instant::now();
        let listed = Arc::new(self.stored.list(tenant, None, MOST).await?);
        let mut known = self.compiled.lock();
        if known.lists.len() >= MOST_TENANTS {
            known.lists.clear();
        }
        known.lists.insert(tenant, (Arc::clone(&listed), asked));
        Ok(listed)
    }

    async fn custom(&self, cx: &Cx, name: Name) -> Result<Arc<Custom>> {
        if let Some(custom) = self.compiled.get(&name) {
            return Ok(custom);
        }
        let (known, sealed) = self.find(cx.tenant(), &name.id, Some(name.revision)).await?;
        let (text, entries) = self.columns(cx).await?.open(&known, sealed)?;
        let shown = format!("recognizers/{}", known.row());
        let entries = entries.map(|entries| entries.to_vec());
        let work = move || Custom::stored(&shown, &text, entries).map_err(Fault::internal);
        let custom = tokio::task::spawn_blocking(work).await.map_err(Fault::internal)??;
        let custom = Arc::new(custom);
        self.compiled.keep(name, Arc::clone(&custom));
        Ok(custom)
    }
}

fn name(known: &StoredRecognizer) -> Name {
    let StoredRecognizer { tenant, id, revision, created, .. } = known;
    Name { tenant: *tenant, id: id.clone(), revision: *revision, created: *created }
}

fn none(field: &str) -> Fault {
    Fault::invalid(field, "names no recognizer")
}

impl Compiled {
    fn get(&self, name: &Name) -> Option<Arc<Custom>> {
        let mut known = self.lock();
        let kept = known.customs.get_mut(name)?;
        if kept.since.elapsed() >= KEPT {
            known.customs.remove(name);
            return None;
        }
        kept.used = Instant::now();
        Some(Arc::clone(&kept.custom))
    }

    /// Those that were used last stay.
    fn keep(&self, name: Name, custom: Arc<Custom>) {
        let mut known = self.lock();
        known.customs.retain(|_, kept| kept.since.elapsed() < KEPT);
        let now = Instant::now();
        known.customs.insert(name, Kept { custom, since: now, used: now });
        while known.customs.values().map(|kept| kept.custom.bytes()).sum::<usize>() > LARGEST {
            let oldest = known.customs.iter().min_by_key(|(_, kept)| kept.used);
            let Some(oldest) = oldest.map(|(name, _)| name.clone()) else { break };
            known.customs.remove(&oldest);
        }
        metrics::gauge!("signet_recognizers_compiled").set(known.customs.len() as f64);
    }

    /// After a tenant's recognizers have changed.
    pub(crate) fn forget(&self, tenant: TenantId) {
        let mut known = self.lock();
        known.lists.remove(&tenant);
        known.customs.retain(|name, _| name.tenant != tenant);
    }

    fn lock(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
