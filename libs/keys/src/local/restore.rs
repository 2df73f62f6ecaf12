//! What a restore would change, so that it can be said before it is done.

use super::format::Edition;
use super::ring::{Kek, Ring};
use super::upkeep::Contents;

/// What lies where the backup is to go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Current {
    /// Nothing.
    Absent,
    Readable(Contents),
    /// Damaged, or sealed by another secret; nobody can tell what is in it.
    Unreadable(String),
}

impl Current {
    pub(super) const fn generation(&self) -> u64 {
        match self {
            Self::Readable(contents) => contents.edition.generation,
            Self::Absent | Self::Unreadable(_) => 0,
        }
    }
}

/// What a restore would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestorePlan {
    pub backup: Contents,
    pub current: Current,
    /// The backup is of another keyring.
    pub other_ring: bool,
    /// Keys that are in the keyring only: what they wrapped would be unreadable.
    pub lost: Vec<Kek>,
    /// Keys that were destroyed since the backup, and would be back.
    pub revived: Vec<Kek>,
}

impl RestorePlan {
    pub(super) fn onto_nothing(ring: &Ring, edition: Edition) -> Self {
        Self {
            backup: Contents::of(ring, edition),
            current: Current::Absent,
            other_ring: false,
            lost: Vec::new(),
            revived: Vec::new(),
        }
    }

    pub(super) fn compare(backup: (&Ring, Edition), current: (&Ring, Edition)) -> Self {
        let lost = current.0.keks().filter(|kek| !current.0.shares(backup.0, *kek));
        // Versions go from below only, so what is lower than the lowest is destroyed.
        let destroyed =
            |kek: &Kek| current.0.lowest(kek.tenant).is_some_and(|lowest| kek.version < lowest);
        Self {
            backup: Contents::of(backup.0, backup.1),
            current: Current::Readable(Contents::of(current.0, current.1)),
            // Nil is format 1, which had no id.
            other_ring: !backup.1.ring.is_nil() && backup.1.ring != current.1.ring,
            lost: lost.collect(),
            revived: backup.0.keks().filter(destroyed).collect(),
        }
    }

    /// Nothing would be lost, and nothing come back that was destroyed.
    pub fn is_harmless(&self) -> bool {
        let readable = !matches!(self.current, Current::Unreadable(_));
        readable && !self.other_ring && self.lost.is_empty() && self.revived.is_empty()
    }
}
