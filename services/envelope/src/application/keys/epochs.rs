//! When a tenant's unwrapped data keys were last ordered out of memory.
//!
//! An epoch is a number in the database. What is in memory belongs to the epoch
//! that was read before it was unwrapped, and is released only if that is still
//! the present one, which the transaction of the record confirms. So an order is
//! in force on every instance as soon as it is committed, whoever heard of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use db::outbox::OutboxEvent;
use kernel::{Result, TenantId};
use keys::DataKeyCache;

use crate::application::ports::Epochs;

/// Tenants remembered; beyond, all is forgotten and read anew.
const MOST: usize = 10_000;

pub struct TenantEpochs {
    stored: Arc<dyn Epochs>,
    cache: Arc<DataKeyCache>,
    known: Mutex<HashMap<TenantId, i64>>,
}

impl TenantEpochs {
    pub fn new(stored: Arc<dyn Epochs>, cache: Arc<DataKeyCache>) -> Self {
        Self { stored, cache, known: Mutex::default() }
    }

    /// Which epoch the tenant's keys in memory belong to.
    pub(crate) async fn of_memory(&self, tenant: TenantId) -> Result<i64> {
        if let Some(epoch) = self.known().get(&tenant) {
            return Ok(*epoch);
        }
        let epoch = self.stored.current(tenant).await?;
        let mut known = self.known();
        if known.len() >= MOST {
            known.clear();
            self.cache.evict_all();
        }
        // Another caller may have read an older one just before a change; that only
        // costs a look more.
        Ok(*known.entry(tenant).or_insert(epoch))
    }

    /// Wipes the tenant's keys from memory here: their epoch is over.
    pub(crate) fn forget(&self, tenant: TenantId) {
        // In this order: who reads the new epoch must find nothing of an older one.
        self.cache.evict(tenant);
        self.known().remove(&tenant);
    }

    /// The present epoch, at the source.
    pub async fn current(&self, tenant: TenantId) -> Result<i64> {
        self.stored.current(tenant).await
    }

    /// Begins the next epoch.
    pub(crate) async fn advance(&self, tenant: TenantId, event: &OutboxEvent) -> Result<i64> {
        let epoch = self.stored.advance(tenant, event).await;
        // Also after an error: the commit may have come through.
        self.forget(tenant);
        epoch
    }

    fn known(&self) -> MutexGuard<'_, HashMap<TenantId, i64>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
