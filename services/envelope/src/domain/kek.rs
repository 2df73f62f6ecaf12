//! The rotation of a tenant's KEK: a job that ends when nothing is wrapped by
//! the older versions any more.

use chrono::Duration;
use kernel::{TenantId, Timestamp};
use keys::{Provider, WrappedKey};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The services that keep data keys; each takes part in every job. A service
/// that was given data keys without being named here keeps jobs from ending.
pub const HOLDERS: [&str; 3] = ["anonymizer", "auth", "storage"];
/// This service's own part: the private halves.
pub const OWN: &str = "envelope";

/// Rewrapped a second by each holder, unless asked otherwise.
pub const PER_SECOND: i32 = 1_000;
pub const MOST_PER_SECOND: i32 = 100_000;
/// An instance that has not reported for this long is taken for dead.
pub const LEASE: Duration = Duration::seconds(15);
/// A holder that has keys left which it cannot rewrap tries again after this.
pub const RETRY: Duration = Duration::seconds(10);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotationState {
    Running,
    Paused,
    /// Certified: the older versions wrap nothing any more.
    Retired,
    /// Destruction is asked for; holders count once more.
    Destroying,
    Destroyed,
}

impl RotationState {
    pub const ALL: [Self; 5] =
        [Self::Running, Self::Paused, Self::Retired, Self::Destroying, Self::Destroyed];

    pub const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Retired => "retired",
            Self::Destroying => "destroying",
            Self::Destroyed => "destroyed",
        }
    }

    /// Whether holders have something to do.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Destroying)
    }
}

/// The versions of one provider up to a number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retired {
    pub provider: String,
    pub through_version: u32,
}

#[derive(Clone)]
pub struct Rotation {
    pub id: Uuid,
    pub tenant: TenantId,
    pub state: RotationState,
    pub provider: Provider,
    pub version: u32,
    pub retires: Vec<Retired>,
    pub per_second: i32,
    pub settled: Timestamp,
    pub created: Timestamp,
    pub updated: Timestamp,
    pub certificate: Option<Certificate>,
    /// By name.
    pub holders: Vec<Progress>,
}

#[derive(Clone)]
pub struct Certificate {
    pub jws: String,
    pub event: Uuid,
}

/// What one holder has done.
#[derive(Clone)]
pub struct Progress {
    pub holder: String,
    pub rewrapped: i64,
    pub failed: i64,
    pub count: Option<Count>,
    pub position: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    pub remaining: i64,
    pub current: i64,
    pub at: Timestamp,
}

impl Rotation {
    pub fn name(&self) -> String {
        format!("kekRotations/{}", self.id)
    }

    pub fn range(&self) -> Range {
        Range::from(self.provider, self.version)
    }

    /// Whether this count shows, beyond doubt, that nothing is left.
    pub fn is_proof(&self, count: &Count) -> bool {
        count.remaining == 0 && count.at >= self.settled
    }

    /// Holders that have not shown yet that they have nothing left.
    pub fn waits_for(&self) -> impl Iterator<Item = &str> {
        let open = |one: &&Progress| !one.count.is_some_and(|count| self.is_proof(&count));
        self.holders.iter().filter(open).map(|one| one.holder.as_str())
    }
}

/// The stored forms that are fine: `lower <= wrapped < upper`, byte by byte.
/// From the target version on: a rotation at the provider itself meanwhile, or
/// a job that lost against another, must not turn keys back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub lower: Vec<u8>,
    pub upper: Vec<u8>,
}

impl Range {
    pub fn from(provider: Provider, version: u32) -> Self {
        let lower = WrappedKey::prefix(provider, version).to_vec();
        // Above every version of this provider, below every one of the next.
        let mut upper = WrappedKey::prefix(provider, u32::MAX).to_vec();
        upper.resize(WrappedKey::MAX_LENGTH, u8::MAX);
        Self { lower, upper }
    }

    pub fn holds(&self, wrapped: &[u8]) -> bool {
        wrapped >= self.lower.as_slice() && wrapped < self.upper.as_slice()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_one_provider_from_a_version_on() {
        let range = Range::from(Provider::Vault, 3);
        let stored = |provider, version| {
            [WrappedKey::prefix(provider, version).as_slice(), &[0xff; 60]].concat()
        };
        for (provider, version, within) in [
            (Provider::Vault, 3, true),
            (Provider::Vault, 4, true),
            (Provider::Vault, u32::MAX, true),
            (Provider::Vault, 2, false),
            (Provider::Local, 3, false),
            (Provider::Local, u32::MAX, false),
            (Provider::Aws, 1, false),
        ] {
            assert_eq!(range.holds(&stored(provider, version)), within, "{provider} {version}");
        }
    }

    #[test]
    fn only_a_count_after_the_grace_time_proves_anything() {
        let now = Timestamp::default();
        let count = |remaining, seconds| {
            Some(Count { remaining, current: 1, at: now + Duration::seconds(seconds) })
        };
        let progress = |holder: &str, count| Progress {
            holder: holder.to_owned(),
            rewrapped: 0,
            failed: 0,
            count,
            position: Vec::new(),
        };
        let rotation = Rotation {
            id: Uuid::nil(),
            tenant: TenantId::SYSTEM,
            state: RotationState::Running,
            provider: Provider::Local,
            version: 2,
            retires: Vec::new(),
            per_second: 1,
            settled: now,
            created: now,
            updated: now,
            certificate: None,
            holders: vec![
                progress("done", count(0, 0)),
                progress("early", count(0, -1)),
                progress("left", count(1, 5)),
                progress("silent", None),
            ],
        };
        assert_eq!(rotation.waits_for().collect::<Vec<_>>(), ["early", "left", "silent"]);
    }
}
