//! How much of the input may be between its reader and the writer of its answers.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes of input on the way.
const MOST: usize = 8 << 20;

/// Room for [`MOST`] bytes, or for one batch of any size on its own.
#[derive(Clone, Default)]
pub(super) struct Room(Arc<Shared>);

#[derive(Default)]
struct Shared {
    taken: Mutex<usize>,
    freed: Condvar,
}

/// A part of the room; free again when this is dropped.
pub(super) struct Held {
    room: Room,
    bytes: usize,
}

impl Room {
    /// Waits until there is room.
    pub(super) fn take(&self, bytes: usize) -> Held {
        let mut taken = self.lock();
        while *taken > 0 && taken.saturating_add(bytes) > MOST {
            taken = self.0.freed.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += bytes;
        Held { room: self.clone(), bytes }
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        // A number cannot be left half-changed.
        self.0.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        *self.room.lock() -= self.bytes;
        self.room.0.freed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{RecvTimeoutError, channel};
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_does_not_fit_waits_and_one_always_fits() {
        let room = Room::default();
        let large = room.take(MOST * 8);
        let (tell, told) = channel();
        let other = room.clone();
        let waiting = std::thread::spawn(move || {
            let held = (other.take(MOST / 2), other.take(MOST / 2));
            tell.send(held.0.bytes() + held.1.bytes()).unwrap();
        });
        let early = told.recv_timeout(Duration::from_millis(50));
        assert_eq!(early, Err(RecvTimeoutError::Timeout));
        drop(large);
        assert_eq!(told.recv().unwrap(), MOST);
        waiting.join().unwrap();
        assert_eq!(*room.lock(), 0);
    }
}
