//! The public keys: for the JWK Set, and for auth's own verification, without a
//! call to anybody.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use chrono::Duration;
use jsonwebtoken::DecodingKey;
use kernel::{Fault, Result, SharedClock, Timestamp};
use rpc::token::{TokenKeys, parse_keys};

use super::ports::SigningKeys;
use crate::domain::jwk_set;

/// After this a retired key is noticed.
const FRESH: Duration = Duration::minutes(5);
/// Unknown key ids make us look again no more often than this.
const RETRY: Duration = Duration::seconds(1);

pub struct LocalKeys {
    store: Arc<dyn SigningKeys>,
    clock: SharedClock,
    known: Mutex<Known>,
}

#[derive(Default, Clone)]
struct Known {
    set: String,
    keys: Arc<HashMap<String, DecodingKey>>,
    read: Option<Timestamp>,
}

impl LocalKeys {
    pub fn new(store: Arc<dyn SigningKeys>, clock: SharedClock) -> Arc<Self> {
        Arc::new(Self { store, clock, known: Mutex::default() })
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn read(&self) -> Result<Known> {
        let set = jwk_set(&self.store.published().await?);
        let keys = Arc::new(parse_keys(set.as_bytes())?);
        let known = Known { set, keys, read: Some(self.clock.now()) };
        *self.known() = known.clone();
        Ok(known)
    }

    fn age(&self, known: &Known) -> Option<Duration> {
        known.read.map(|at| self.clock.now() - at)
    }

    /// The JWK Set. A fault while there is no key: an empty set would be kept by
    /// those who fetch it.
    pub async fn jwk_set(&self) -> Result<String> {
        // Bound first: the guard must not live across the read.
        let known = self.known().clone();
        let fresh = self.age(&known).is_some_and(|age| age < RETRY);
        let known = if fresh && !known.keys.is_empty() { known } else { self.read().await? };
        if known.keys.is_empty() {
            return Err(Fault::unavailable("there is no signing key yet"));
        }
        Ok(known.set)
    }
}

#[async_trait]
impl TokenKeys for LocalKeys {
    async fn find(&self, kid: &str) -> Result<Option<DecodingKey>> {
        let known = self.known().clone();
        let age = self.age(&known);
        let look_again = match known.keys.get(kid) {
            Some(_) => age.is_none_or(|age| age >= FRESH),
            None => age.is_none_or(|age| age >= RETRY),
        };
        let known = if look_again { self.read().await? } else { known };
        Ok(known.keys.get(kid).cloned())
    }
}
