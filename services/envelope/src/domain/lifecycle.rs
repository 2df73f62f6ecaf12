//! What happens to a key over its life. Pure: the key before, the key after.

use chrono::Duration;
use kernel::Timestamp;

use super::rotation::next_rotation;
use super::{Key, State, Step, Version};

/// Why a step was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotTaken {
    /// There is no such version.
    Absent,
    /// The state of the version does not allow it.
    Forbidden(State),
}

/// What time alone brings about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    Activate(i32),
    Destroy(i32),
    Rotate,
}

impl Key {
    /// The number of the newest version, whatever its state.
    pub fn newest(&self) -> i32 {
        self.versions.last().map_or(0, |version| version.number)
    }

    /// Adds a version. Unless it is still pending, it alone protects from now on.
    pub fn add(&mut self, version: Version) {
        let number = version.number;
        let takes_over = version.state == State::Enabled;
        self.versions.push(version);
        if takes_over {
            self.supersede(number);
        }
        self.plan();
    }

    /// Takes a step with one version, or with all that allow it; says with which.
    /// One that is where the step leads already is left as it is. `at` is when
    /// destruction is due.
    pub fn take(
        &mut self,
        which: Option<i32>,
        step: Step,
        at: Option<Timestamp>,
    ) -> Result<Vec<i32>, NotTaken> {
        let mut moved = Vec::new();
        let chosen = |version: &&mut Version| which.is_none_or(|number| number == version.number);
        for version in self.versions.iter_mut().filter(chosen) {
            match version.state.after(step) {
                Some(next) => {
                    version.state = next;
                    version.activate_at = None;
                    version.destroy_at = at;
                    if next == State::Destroyed {
                        version.private = None;
                    }
                    moved.push(version.number);
                }
                None if which.is_some() && step.target() != Some(version.state) => {
                    return Err(NotTaken::Forbidden(version.state));
                }
                None => {}
            }
        }
        if which.is_some_and(|number| self.version(number).is_none()) {
            return Err(NotTaken::Absent);
        }
        if step == Step::Activate {
            moved.iter().for_each(|number| self.supersede(*number));
        }
        self.plan();
        Ok(moved)
    }

    pub fn set_rotation(&mut self, period: Option<Duration>) {
        self.head.rotation = period;
        self.plan();
    }

    /// The next thing that is due. One at a time: each is a change of its own.
    pub fn due(&self, now: Timestamp) -> Option<Due> {
        let passed = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        for version in &self.versions {
            match version.state {
                State::Pending if passed(version.activate_at) => {
                    return Some(Due::Activate(version.number));
                }
                State::DestroyScheduled if passed(version.destroy_at) => {
                    return Some(Due::Destroy(version.number));
                }
                _ => {}
            }
        }
        passed(self.next_rotation()).then_some(Due::Rotate)
    }

    /// Writes down when the service is to rotate the key.
    pub fn plan(&mut self) {
        self.head.rotate_at = self.next_rotation();
    }

    /// A key that nothing is sealed to or signed with any more needs no new
    /// version, and one whose next version is pending has it.
    fn next_rotation(&self) -> Option<Timestamp> {
        let period = self.head.rotation?;
        let pending = self.versions.iter().any(|version| version.state == State::Pending);
        let used = !self.head.registered && !self.head.disabled && self.primary().is_some();
        let newest = self.versions.last()?.created_at;
        (used && !pending).then(|| next_rotation(self.head.serial, newest, period))
    }

    /// What protected until now only processes what it has protected.
    fn supersede(&mut self, by: i32) {
        for version in self.versions.iter_mut().filter(|version| version.number != by) {
            if version.state == State::Enabled {
                version.state = State::DecryptOnly;
            }
        }
    }
}
