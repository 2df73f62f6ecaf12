//! A connection to Redis and how far it can be trusted.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fred::clients::Client;
use fred::interfaces::{ClientLike, LuaInterface};
use fred::types::Value;
use kernel::{Fault, Result};
use tokio::time::Instant;

use crate::connect::{Wire, limited};
use crate::seal::{Id, LEASE, hex};
use crate::settings::RedisSettings;

/// How long an answered ping counts, from when it was sent. Answers and messages
/// come in the server's order, so an answer means that every message before it is
/// here too.
pub(crate) const TRUST: Duration = Duration::from_secs(1);
/// After an interruption the other instances may have invalidations to send first.
/// Longer than an attempt to connect and the pause before it.
pub(crate) const SETTLE: Duration = Duration::from_secs(2);
/// How long a load may take and still fill the place in Redis.
const LEASE_FOR: Duration = Duration::from_secs(10);

/// What is held, or a lease on the empty place. (In Lua, so that nobody comes
/// between; `SET NX GET` needs Redis 7.)
const FETCH: &str = "local held = redis.call('GET', KEYS[1]) \
    if held then return {held, redis.call('PTTL', KEYS[1])} end \
    redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) \
    return {ARGV[1], 0}";
/// Only who still has the lease may store: an invalidation removes it.
const STORE: &str = "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end \
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) \
    return 1";
const DROP: &str = "for i, key in ipairs(KEYS) do \
    redis.call('DEL', key) redis.call('PUBLISH', ARGV[1], ARGV[i + 1]) end \
    return #KEYS";

pub(crate) struct Link {
    client: Client,
    prefix: String,
    channel: String,
    timeout: Duration,
    trust: Mutex<Trust>,
}

struct Trust {
    from: Instant,
    until: Instant,
    /// When a command failed: a breaker, closed by the next answered ping.
    broken: Option<Instant>,
}

pub(crate) enum Fetched {
    Held {
        bytes: Vec<u8>,
        remaining: Duration,
    },
    /// The place was empty and is now ours to fill.
    Leased,
    /// Another load will fill it.
    LeasedToOther,
}

impl Link {
    pub(crate) fn new(wire: &Wire, cache: &str, settings: &RedisSettings) -> Self {
        let now = Instant::now();
        Self {
            client: wire.client.clone(),
            prefix: format!("{}:{}:", channel(cache), wire.server),
            channel: channel(cache),
            timeout: settings.command_timeout.get(),
            trust: Mutex::new(Trust { from: now + SETTLE, until: now, broken: None }),
        }
    }

    fn trust(&self) -> MutexGuard<'_, Trust> {
        self.trust.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that was said on the channel has been heard.
    pub(crate) fn hears(&self) -> bool {
        let (trust, now) = (self.trust(), Instant::now());
        trust.from <= now && now < trust.until
    }

    /// Worth asking.
    pub(crate) fn answers(&self) -> bool {
        let trust = self.trust();
        trust.broken.is_none() && Instant::now() < trust.until
    }

    /// How long it has been silent.
    pub(crate) fn silent_for(&self) -> Duration {
        Instant::now().saturating_duration_since(self.trust().until)
    }

    /// A ping sent then was answered. True if nothing was certain before: then
    /// what is held in the process is to be forgotten.
    pub(crate) fn answered(&self, sent: Instant) -> bool {
        let (mut trust, now) = (self.trust(), Instant::now());
        let lapsed = trust.until <= now;
        if lapsed {
            trust.from = now + SETTLE;
        }
        trust.until = trust.until.max(sent + TRUST);
        trust.broken = trust.broken.filter(|at| *at >= sent);
        lapsed
    }

    pub(crate) async fn fetch(&self, id: &Id, lease: &[u8]) -> Result<Fetched> {
        let args = vec![Value::from(lease), millis(LEASE_FOR)];
        let call = self.client.eval::<(Value, i64), _, _, _>(FETCH, vec![self.key(id)], args);
        let (held, remaining) = self.watched(call).await?;
        let bytes = held.into_owned_bytes().ok_or_else(|| Fault::unavailable("not bytes"))?;
        if bytes == lease {
            return Ok(Fetched::Leased);
        }
        if bytes.first() == Some(&LEASE) {
            return Ok(Fetched::LeasedToOther);
        }
        let remaining = Duration::from_millis(u64::try_from(remaining).unwrap_or(0));
        Ok(Fetched::Held { bytes, remaining })
    }

    /// False if the lease is gone: the value was overtaken.
    pub(crate) async fn store(
        &self,
        id: &Id,
        lease: &[u8],
        bytes: Vec<u8>,
        ttl: Duration,
    ) -> Result<bool> {
        let args = vec![Value::from(lease), Value::from(bytes.as_slice()), millis(ttl)];
        let call = self.client.eval::<i64, _, _, _>(STORE, vec![self.key(id)], args);
        Ok(self.watched(call).await? == 1)
    }

    pub(crate) async fn ping(&self) -> Result<()> {
        limited(self.timeout, self.client.ping::<Value>(None)).await.map(drop)
    }

    /// Removes values (and leases) and tells everybody.
    pub(crate) async fn drop_all(&self, ids: &[Id]) -> Result<()> {
        let keys: Vec<String> = ids.iter().map(|id| self.key(id)).collect();
        let mut args = vec![Value::from(self.channel.as_str())];
        args.extend(ids.iter().map(|id| Value::from(id.as_slice())));
        self.watched(self.client.eval::<i64, _, _, _>(DROP, keys, args)).await.map(drop)
    }

    async fn watched<T>(
        &self,
        call: impl Future<Output = Result<T, fred::error::Error>>,
    ) -> Result<T> {
        let outcome = limited(self.timeout, call).await;
        if outcome.is_err() {
            self.trust().broken = Some(Instant::now());
        }
        outcome
    }

    fn key(&self, id: &Id) -> String {
        format!("{}{}", self.prefix, hex(id))
    }
}

pub(crate) fn channel(cache: &str) -> String {
    format!("signet:{cache}")
}

fn millis(duration: Duration) -> Value {
    Value::Integer(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}
