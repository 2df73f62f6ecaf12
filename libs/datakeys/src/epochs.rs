//! Whether what is in memory may still be used: an order to forget begins a new
//! epoch at the envelope service, and is to be heard within a second.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use kernel::TenantId;
use tokio::time::{Duration, Instant};

/// An epoch that was the present one this long ago is taken for it still.
const FRESH: Duration = Duration::from_millis(800);
/// Tenants remembered.
const MOST: usize = 10_000;

#[derive(Default)]
pub(crate) struct Epochs(Mutex<HashMap<TenantId, (i64, Instant)>>);

impl Epochs {
    /// Whether the source has to be asked.
    pub(crate) fn is_due(&self, tenant: TenantId) -> bool {
        self.known().get(&tenant).is_none_or(|(_, asked)| asked.elapsed() >= FRESH)
    }

    /// Notes the present epoch, asked for at `asked`. Whether it is the one before:
    /// otherwise what is in memory is of another one.
    pub(crate) fn note(&self, tenant: TenantId, epoch: i64, asked: Instant) -> bool {
        let mut known = self.known();
        if known.len() >= MOST && !known.contains_key(&tenant) {
            known.clear();
        }
        known.insert(tenant, (epoch, asked)).is_some_and(|(before, _)| before == epoch)
    }

    /// After there was no answer.
    pub(crate) fn forget(&self, tenant: TenantId) {
        self.known().remove(&tenant);
    }

    fn known(&self) -> MutexGuard<'_, HashMap<TenantId, (i64, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_epoch_is_believed_for_less_than_a_second() {
        let (epochs, tenant) = (Epochs::default(), TenantId::new());
        assert!(epochs.is_due(tenant));
        assert!(!epochs.note(tenant, 1, Instant::now()), "what is in memory has no epoch yet");
        assert!(!epochs.is_due(tenant));
        assert!(epochs.note(tenant, 1, Instant::now()));
        assert!(!epochs.note(tenant, 2, Instant::now()));
        tokio::time::advance(Duration::from_millis(900)).await;
        assert!(epochs.is_due(tenant));
        epochs.forget(tenant);
        assert!(!epochs.note(tenant, 2, Instant::now()));
    }
}
