//! Looking up, through both levels, and invalidating.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use kernel::{Result, SharedClock, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;

use crate::flight::{Flights, Outcome, Seat};
use crate::link::{Fetched, Link};
use crate::local::Local;
use crate::seal::{Id, Seal, lease};
use crate::settings::{LONGEST, Settings};
use crate::shared::Shared;

/// What implements this may lie readable in Redis: metadata (owners, roles, times,
/// public keys) or ciphertext, never content, a secret or a personal value. Whoever
/// implements it says so beside the type, and why it is true.
pub trait MetadataOnly: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {}

/// How far an invalidation has come when [`Cache::invalidate`] returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Every instance that hears Redis has it or is about to.
    Everywhere,
    /// This process; where Redis is configured it is sent as soon as that is
    /// possible, and the others use what they hold at most for its time to live.
    Here,
}

/// Values of one kind, by key. A clone is the same cache.
pub struct Cache<V: MetadataOnly>(Arc<Inner<V>>);

struct Inner<V> {
    name: &'static str,
    clock: SharedClock,
    ttl: TimeDelta,
    negative_ttl: TimeDelta,
    seal: Seal,
    local: Local<V>,
    flights: Flights<V>,
    shared: Option<Shared>,
}

/// The place of a key in Redis.
enum Place<V> {
    Held(Option<V>, Timestamp),
    Ours(Arc<Link>, Vec<u8>),
    Nothing,
}

impl<V: MetadataOnly> Clone for Cache<V> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<V: MetadataOnly> Cache<V> {
    /// The name tells caches in one Redis apart, and is a metric label
    /// (`auth.api_key`). Nothing is connected before [`Self::run`].
    pub fn new(name: &'static str, settings: &Settings, clock: SharedClock) -> Result<Self> {
        let seal = match &settings.redis {
            Some(redis) => Seal::new(name, &redis.secret),
            None => Seal::private(name)?,
        };
        let ttl = settings.ttl();
        Ok(Self(Arc::new(Inner {
            name,
            clock,
            ttl: delta(ttl),
            negative_ttl: delta(settings.negative_ttl.get()),
            seal,
            local: Local::new(settings),
            flights: Flights::default(),
            shared: settings.redis.clone().map(|redis| Shared::new(redis, ttl)),
        })))
    }

    /// Keeps the connection to Redis until `stop`: a task of the service.
    pub async fn run(self, stop: CancellationToken) {
        match &self.0.shared {
            Some(shared) => self.listen(shared, &stop).await,
            None => stop.cancelled().await,
        }
    }

    /// The value, from the nearest level that has it, or from `load`, which runs
    /// once for all who ask at the same time. Only `load` can fail. Whoever changes
    /// what it reads calls [`Self::invalidate`] after the change is committed.
    pub async fn get_or_load<F>(&self, key: &[u8], load: impl FnOnce() -> F) -> Result<Option<V>>
    where
        F: Future<Output = Result<Option<V>>>,
    {
        let inner = &self.0;
        let id = inner.seal.id(key);
        if let Some(found) = inner.held(&id) {
            inner.count("process");
            return Ok(found);
        }
        let seat = inner.flights.board(id);
        let mut ours = None;
        let outcome = seat
            .flight
            .get_or_init(|| async {
                let result = inner.lead(&seat, id, load).await;
                let outcome = Outcome::of(&result);
                ours = Some(result);
                outcome
            })
            .await;
        ours.unwrap_or_else(|| {
            inner.count("joined");
            outcome.shared()
        })
    }

    /// After the source has changed: what is held of it, anywhere, is no more.
    /// Never fails; how far it came is told. May be dropped while it waits for
    /// Redis: then it is sent in the background.
    pub async fn invalidate(&self, key: &[u8]) -> Reach {
        let id = self.0.seal.id(key);
        let Some(shared) = &self.0.shared else {
            self.forget(&id);
            return Reach::Here;
        };
        // First, so that nobody here reads the old value back from Redis.
        let debt = shared.owe(id);
        self.forget(&id);
        let sent = match shared.link().filter(|link| link.answers()) {
            Some(link) => link.drop_all(&[id]).await.is_ok(),
            None => false,
        };
        match (sent, debt) {
            (true, debt) => {
                if let Some(debt) = debt {
                    shared.paid(&id, debt);
                }
                self.count_invalidation("sent");
                Reach::Everywhere
            }
            (false, debt) => {
                self.count_invalidation(if debt.is_some() { "waiting" } else { "lost" });
                Reach::Here
            }
        }
    }

    /// Whether Redis is connected and trusted; false without one.
    pub fn is_shared(&self) -> bool {
        self.0.shared.as_ref().is_some_and(Shared::hears)
    }

    pub(crate) fn name(&self) -> &'static str {
        self.0.name
    }

    pub(crate) fn forget(&self, id: &Id) {
        self.0.flights.overtake(id, || self.0.local.forget(id));
    }

    pub(crate) fn forget_all(&self) {
        self.0.flights.overtake_all(|| self.0.local.forget_all());
    }

    pub(crate) fn gauge(&self, up: bool) {
        metrics::gauge!("signet_cache_shared_up", "cache" => self.0.name).set(if up {
            1.0
        } else {
            0.0
        });
    }

    pub(crate) fn count_invalidation(&self, outcome: &'static str) {
        metrics::counter!("signet_cache_invalidations_total", "cache" => self.0.name, "outcome" => outcome)
            .increment(1);
    }
}

impl<V: MetadataOnly> Inner<V> {
    fn held(&self, id: &Id) -> Option<Option<V>> {
        let online = self.shared.as_ref().is_none_or(Shared::hears);
        self.local.get(id, self.clock.now(), online)
    }

    async fn lead<F>(
        &self,
        seat: &Seat<'_, V>,
        id: Id,
        load: impl FnOnce() -> F,
    ) -> Result<Option<V>>
    where
        F: Future<Output = Result<Option<V>>>,
    {
        // Somebody may have landed between the look and the boarding.
        if let Some(found) = self.held(&id) {
            seat.land(|| {});
            self.count("process");
            return Ok(found);
        }
        let began = self.clock.now();
        let place = self.place(&id).await;
        if let Place::Held(found, expires) = place {
            let until = expires.min(began + self.life_of(&found));
            seat.land(|| self.local.put(id, found.clone(), began, until));
            self.count("shared");
            return Ok(found);
        }
        self.count("miss");
        let found = match load().await {
            Ok(found) => found,
            Err(fault) => {
                seat.land(|| {});
                return Err(fault);
            }
        };
        let current = match place {
            Place::Ours(link, lease) => self.share(&link, &id, &lease, &found).await,
            _ => true,
        };
        seat.land(|| {
            if current {
                self.local.put(id, found.clone(), began, began + self.life_of(&found));
            }
        });
        Ok(found)
    }

    async fn place(&self, id: &Id) -> Place<V> {
        let Some(link) = self.shared.as_ref().and_then(|shared| shared.link_for(id)) else {
            return Place::Nothing;
        };
        let Ok(lease) = lease() else { return Place::Nothing };
        match link.fetch(id, &lease).await {
            Ok(Fetched::Leased) => Place::Ours(link, lease),
            Ok(Fetched::LeasedToOther) => Place::Nothing,
            Ok(Fetched::Held { bytes, remaining }) => {
                self.read(id, &bytes, remaining).unwrap_or(Place::Nothing)
            }
            Err(_) => {
                self.count_error("fetch");
                Place::Nothing
            }
        }
    }

    /// None: not written by us, for this key, in a form that we know.
    fn read(&self, id: &Id, bytes: &[u8], remaining: Duration) -> Option<Place<V>> {
        let now = self.clock.now();
        let read = || {
            let opened = self.seal.open(id, bytes, now)?;
            let value = match opened.value {
                Some(json) => Some(serde_json::from_slice(json).ok()?),
                None => None,
            };
            // Two clocks, as the writer's may differ from ours.
            Some(Place::Held(value, opened.expires.min(now + delta(remaining))))
        };
        let place = read();
        if place.is_none() {
            self.count_error("unreadable");
        }
        place
    }

    /// False if the value was overtaken by an invalidation while it was loaded.
    async fn share(&self, link: &Link, id: &Id, lease: &[u8], found: &Option<V>) -> bool {
        let Some(ttl) = self.shared_life_of(found) else { return true };
        let json = match found {
            Some(value) => match serde_json::to_vec(value) {
                Ok(json) => Some(json),
                Err(_) => {
                    self.count_error("unwritable");
                    return true;
                }
            },
            None => None,
        };
        let expires = self.clock.now() + delta(ttl);
        let Some(bytes) = self.seal.close(id, json.as_deref(), expires) else {
            self.count_error("too_large");
            return true;
        };
        link.store(id, lease, bytes, ttl).await.unwrap_or_else(|_| {
            self.count_error("store");
            true
        })
    }

    fn life_of(&self, found: &Option<V>) -> TimeDelta {
        if found.is_some() { self.ttl } else { self.negative_ttl }
    }

    fn shared_life_of(&self, found: &Option<V>) -> Option<Duration> {
        match (found, &self.shared) {
            (Some(_), Some(shared)) => Some(shared.settings.ttl()),
            _ => self.negative_ttl.to_std().ok().filter(|ttl| !ttl.is_zero()),
        }
    }

    fn count(&self, outcome: &'static str) {
        metrics::counter!("signet_cache_lookups_total", "cache" => self.name, "outcome" => outcome)
            .increment(1);
    }

    fn count_error(&self, what: &'static str) {
        metrics::counter!("signet_cache_errors_total", "cache" => self.name, "what" => what)
            .increment(1);
    }
}

/// Sums with today's time must stay representable.
fn delta(duration: Duration) -> TimeDelta {
    TimeDelta::from_std(duration.min(LONGEST)).unwrap_or_default()
}
