//! One load at a time for a key, whoever asks.
//!
//! A load that an invalidation overtakes is not joined by those who ask after it,
//! and does not enter the cache.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use kernel::{Fault, Reason, Result, Violation};
use tokio::sync::OnceCell;

use crate::seal::Id;

/// What everybody who waited gets. A fault is shared without its cause, which
/// the one who loaded reports.
pub(crate) enum Outcome<V> {
    Found(Option<V>),
    Failed { reason: &'static Reason, violations: Vec<Violation> },
}

impl<V: Clone> Outcome<V> {
    pub(crate) fn of(result: &Result<Option<V>>) -> Self {
        match result {
            Ok(found) => Self::Found(found.clone()),
            Err(fault) => {
                Self::Failed { reason: fault.reason(), violations: fault.violations().to_vec() }
            }
        }
    }

    pub(crate) fn shared(&self) -> Result<Option<V>> {
        match self {
            Self::Found(found) => Ok(found.clone()),
            Self::Failed { reason, violations } => {
                let fault =
                    Fault::new(reason).with_note("as for another caller's load of this key");
                Err(violations.iter().fold(fault, |fault, violation| {
                    fault.with_violation(&violation.field, &violation.description)
                }))
            }
        }
    }
}

/// A load under way. `OnceCell` lets the next in line take over when the one who
/// loads is cancelled or panics.
pub(crate) type Flight<V> = OnceCell<Outcome<V>>;

pub(crate) struct Flights<V>(Mutex<HashMap<Id, Arc<Flight<V>>>>);

impl<V> Default for Flights<V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<V> Flights<V> {
    fn table(&self) -> MutexGuard<'_, HashMap<Id, Arc<Flight<V>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a seat in the load that is under way, or in a new one.
    pub(crate) fn board(&self, id: Id) -> Seat<'_, V> {
        let flight = Arc::clone(self.table().entry(id).or_default());
        Seat { flights: self, id, flight }
    }

    /// Does something about a key while no load can land, nor be overtaken.
    pub(crate) fn overtake(&self, id: &Id, act: impl FnOnce()) {
        let mut table = self.table();
        table.remove(id);
        act();
    }

    pub(crate) fn overtake_all(&self, act: impl FnOnce()) {
        let mut table = self.table();
        table.clear();
        act();
    }
}

/// One caller's part in a load; a load that nobody waits for any more is forgotten.
pub(crate) struct Seat<'a, V> {
    flights: &'a Flights<V>,
    id: Id,
    pub(crate) flight: Arc<Flight<V>>,
}

impl<V> Seat<'_, V> {
    /// Ends the load for those who ask from now on; `keep` runs unless it was
    /// overtaken.
    pub(crate) fn land(&self, keep: impl FnOnce()) {
        let mut table = self.flights.table();
        if self.is_current(&table) {
            keep();
            table.remove(&self.id);
        }
    }

    fn is_current(&self, table: &HashMap<Id, Arc<Flight<V>>>) -> bool {
        table.get(&self.id).is_some_and(|flight| Arc::ptr_eq(flight, &self.flight))
    }
}

impl<V> Drop for Seat<'_, V> {
    fn drop(&mut self) {
        let mut table = self.flights.table();
        // The table's and ours: the last one out.
        if self.is_current(&table) && Arc::strong_count(&self.flight) == 2 {
            table.remove(&self.id);
        }
    }
}
