//! Keys stay out of the swap and of core files, as far as the system allows.

use rustix::mm::{MlockAllFlags, mlockall};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, getrlimit, set_dumpable_behavior, setrlimit,
};
use rustix::thread::{CapabilitySet, capabilities};
use serde::Deserialize;

/// The `[process]` section.
#[derive(Debug, Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct ProcessSettings {
    /// Whether a crash may leave a core file. It would hold keys and content.
    pub core_dumps: bool,
    /// Whether to keep all memory out of the swap, where the system allows it.
    pub lock_memory: bool,
}

impl Default for ProcessSettings {
    fn default() -> Self {
        Self { core_dumps: false, lock_memory: true }
    }
}

/// What came of [`protect`]: to be logged once there is a log.
#[derive(Debug)]
#[must_use]
pub struct Protection {
    core_dumps: Result<bool, rustix::io::Errno>,
    lock: Lock,
}

#[derive(Debug)]
enum Lock {
    Done,
    Unwanted,
    /// The limit, in bytes.
    Limited(u64),
    Failed(rustix::io::Errno),
}

/// Protects this process; before it reads any key.
pub fn protect(settings: ProcessSettings) -> Protection {
    let core_dumps = if settings.core_dumps { Ok(true) } else { forbid_core_dumps() };
    let lock = if settings.lock_memory { lock_memory() } else { Lock::Unwanted };
    Protection { core_dumps, lock }
}

/// Both are needed: the limit counts for core files only, not for handlers that
/// the kernel pipes a core to; not being dumpable counts for both, and keeps
/// other processes of the same user from reading this one's memory.
fn forbid_core_dumps() -> Result<bool, rustix::io::Errno> {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(false)
}

/// All memory, not only our own keys: the libraries below hold key schedules and
/// buffers too. Under a limit it is left: with `FUTURE`, an allocation beyond
/// the limit would fail, and the process with it.
fn lock_memory() -> Lock {
    let limit = getrlimit(Resource::Memlock);
    let exempt =
        capabilities(None).is_ok_and(|sets| sets.effective.contains(CapabilitySet::IPC_LOCK));
    if !exempt && let Some(maximum) = limit.maximum {
        return Lock::Limited(maximum);
    }
    if limit.current.is_some() && limit.maximum.is_none() {
        let unlimited = Rlimit { current: None, maximum: None };
        if let Err(error) = setrlimit(Resource::Memlock, unlimited) {
            return Lock::Failed(error);
        }
    }
    // Pages are locked when they are first used: stacks are mostly empty.
    let flags = MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT;
    mlockall(flags).map_or_else(Lock::Failed, |()| Lock::Done)
}

impl Protection {
    /// A line each for what an operator should know.
    pub fn log(&self, service: &'static str) {
        match self.core_dumps {
            Ok(false) => {}
            Ok(true) => {
                tracing::warn!(service, "core dumps are on (process.core_dumps): they hold keys");
            }
            Err(error) => {
                tracing::warn!(service, cause = %error, "core dumps could not be turned off")
            }
        }
        match self.lock {
            Lock::Done => tracing::info!(service, "memory is locked: keys are not swapped out"),
            Lock::Unwanted => {
                tracing::warn!(
                    service,
                    "memory is not locked (process.lock_memory): keys may be swapped out"
                );
            }
            Lock::Limited(bytes) => tracing::warn!(
                service,
                limit = bytes,
                "memory is not locked, keys may be swapped out: allow it by `ulimit -l unlimited` or CAP_IPC_LOCK, or turn swap off"
            ),
            Lock::Failed(error) => {
                tracing::warn!(service, cause = %error, "memory could not be locked: keys may be swapped out");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rustix::process::dumpable_behavior;

    use super::*;

    /// One test, since it changes the process that it runs in.
    #[test]
    fn dumps_are_off_and_memory_is_locked_where_that_is_allowed() {
        let before = (getrlimit(Resource::Core), dumpable_behavior().unwrap());
        let wanted = protect(ProcessSettings { core_dumps: true, lock_memory: false });
        assert!(matches!((wanted.core_dumps, wanted.lock), (Ok(true), Lock::Unwanted)));
        assert_eq!((getrlimit(Resource::Core), dumpable_behavior().unwrap()), before);

        let protection = protect(ProcessSettings::default());
        assert_eq!(protection.core_dumps, Ok(false));
        let core = getrlimit(Resource::Core);
        assert_eq!((core.current, core.maximum), (Some(0), Some(0)));
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let locked = status.lines().find_map(|line| line.strip_prefix("VmLck:")).unwrap();
        let locked: u64 = locked.trim().trim_end_matches(" kB").parse().unwrap();
        match protection.lock {
            Lock::Done => assert!(locked > 0),
            Lock::Limited(_) | Lock::Failed(_) => assert_eq!(locked, 0),
            Lock::Unwanted => panic!("it was wanted"),
        }
    }
}
