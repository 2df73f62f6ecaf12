//! The life of a key version: its states, and the one table of its moves. The
//! two kinds of use are those of NIST SP 800-57 part 1, section 5.3: protecting
//! (sealing, signing) ends before processing (opening, verifying) does.

/// Where a version stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Published, not used yet.
    Pending,
    Enabled,
    DecryptOnly,
    Disabled,
    DestroyScheduled,
    /// For good: only the public half is left.
    Destroyed,
}

/// What can happen to a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// The time of a pending version has come.
    Activate,
    Enable,
    /// From now on it only opens and verifies.
    Restrict,
    Disable,
    ScheduleDestruction,
    /// Takes a scheduled destruction back.
    Restore,
    /// The waiting time is over.
    Destroy,
}

use State::{DecryptOnly, DestroyScheduled, Destroyed, Disabled, Enabled, Pending};

/// Which states a step leads from, and where to. What is not here is refused.
const MOVES: [(Step, &[State], State); 7] = [
    (Step::Activate, &[Pending], Enabled),
    (Step::Enable, &[Pending, DecryptOnly, Disabled], Enabled),
    (Step::Restrict, &[Enabled, Disabled], DecryptOnly),
    (Step::Disable, &[Pending, Enabled, DecryptOnly], Disabled),
    (Step::ScheduleDestruction, &[Pending, Enabled, DecryptOnly, Disabled], DestroyScheduled),
    (Step::Restore, &[DestroyScheduled], Disabled),
    (Step::Destroy, &[DestroyScheduled], Destroyed),
];

impl State {
    pub const ALL: [Self; 6] =
        [Pending, Enabled, DecryptOnly, Disabled, DestroyScheduled, Destroyed];

    /// Whether it may seal or sign something new.
    pub const fn may_protect(self) -> bool {
        matches!(self, Enabled)
    }

    /// Whether it may open or verify what it has sealed or signed before.
    pub const fn may_process(self) -> bool {
        matches!(self, Enabled | DecryptOnly)
    }

    /// Where the step leads from here; None where it may not be taken.
    pub fn after(self, step: Step) -> Option<Self> {
        let (_, from, to) = MOVES.iter().find(|(one, ..)| *one == step)?;
        from.contains(&self).then_some(*to)
    }

    /// A fixed word: in the database, in events.
    pub const fn word(self) -> &'static str {
        match self {
            Pending => "pending",
            Enabled => "enabled",
            DecryptOnly => "decrypt_only",
            Disabled => "disabled",
            DestroyScheduled => "destroy_scheduled",
            Destroyed => "destroyed",
        }
    }

    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl Step {
    pub const ALL: [Self; 7] = [
        Self::Activate,
        Self::Enable,
        Self::Restrict,
        Self::Disable,
        Self::ScheduleDestruction,
        Self::Restore,
        Self::Destroy,
    ];

    /// Where it leads, from wherever it may be taken.
    pub fn target(self) -> Option<State> {
        MOVES.iter().find(|(one, ..)| *one == self).map(|(_, _, to)| *to)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn whatever_happens_to_a_version_holds(steps in prop::collection::vec(prop::sample::select(&Step::ALL[..]), 0..40)) {
            let mut state = Pending;
            let (mut scheduled, mut destroyed) = (false, false);
            for step in steps {
                let Some(next) = state.after(step) else { continue };
                prop_assert_ne!(next, state, "a step always moves");
                prop_assert_eq!(Some(next), step.target());
                prop_assert!(!destroyed, "nothing leads out of destruction");
                if next == Destroyed {
                    prop_assert!(scheduled, "only after having waited");
                    prop_assert_eq!(step, Step::Destroy);
                }
                if state == DestroyScheduled && next != Destroyed {
                    prop_assert_eq!(next, Disabled, "what is restored is not in use at once");
                }
                prop_assert!(!next.may_protect() || next.may_process());
                (scheduled, destroyed) = (next == DestroyScheduled, next == Destroyed);
                state = next;
            }
        }
    }

    #[test]
    fn every_state_but_the_last_can_be_left_and_the_last_cannot() {
        for state in State::ALL {
            let ways = Step::ALL.iter().filter(|step| state.after(**step).is_some()).count();
            assert_eq!(ways == 0, state == Destroyed, "{state:?}");
            assert_eq!(State::from_word(state.word()), Some(state));
        }
        for step in Step::ALL {
            assert!(State::ALL.iter().any(|state| state.after(step).is_some()), "{step:?}");
        }
        assert_eq!(State::from_word("x"), None);
    }

    #[test]
    fn what_is_going_to_be_destroyed_does_nothing() {
        let able: Vec<_> = State::ALL.into_iter().filter(|state| state.may_process()).collect();
        assert_eq!(able, [Enabled, DecryptOnly]);
    }
}
