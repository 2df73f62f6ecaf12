//! How long versions are used before the next one, and how long destruction
//! waits.

use chrono::Duration;
use kernel::Timestamp;
use uuid::Uuid;

/// What a key gets whose maker chose nothing.
pub const DEFAULT_ROTATION: Duration = Duration::days(90);
/// A service's own keys face everybody who uses it.
pub const SERVICE_ROTATION: Duration = Duration::days(30);
pub const SHORTEST_ROTATION: Duration = Duration::days(1);
pub const LONGEST_ROTATION: Duration = Duration::days(3_650);

/// As AWS KMS and Google Cloud KMS have it: long enough for somebody to come
/// back from a holiday and miss the key.
pub const DEFAULT_WAIT: Duration = Duration::days(30);
pub const SHORTEST_WAIT: Duration = Duration::days(1);
pub const LONGEST_WAIT: Duration = Duration::days(120);

/// How long a new version may be published before it is used.
pub const LONGEST_PENDING: Duration = Duration::days(30);

/// Rotations are spread over at most this time and a tenth of the period, so
/// that keys made together are not rotated together.
const SPREAD: Duration = Duration::hours(12);

/// When the next version is due: never later than the period asks for.
pub(super) fn next_rotation(serial: Uuid, newest: Timestamp, period: Duration) -> Timestamp {
    let spread = SPREAD.min(period / 10).num_seconds().max(1);
    // The last bytes of a UUIDv7 are random, and stay the same for the key.
    let [.., a, b, c, d] = *serial.as_bytes();
    let early = i64::from(u32::from_be_bytes([a, b, c, d])) % spread;
    newest + period - Duration::seconds(early)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn rotation_is_never_late_and_a_little_early(serial: u128, days in 1_i64..3_650) {
            let (newest, period) = (DateTime::UNIX_EPOCH, Duration::days(days));
            let next = next_rotation(Uuid::from_u128(serial), newest, period);
            prop_assert!(next <= newest + period);
            prop_assert!(next > newest + period - SPREAD.min(period / 10));
            prop_assert_eq!(next, next_rotation(Uuid::from_u128(serial), newest, period));
        }
    }

    #[test]
    fn keys_made_together_are_rotated_apart() {
        let of =
            |serial| next_rotation(Uuid::from_u128(serial), DateTime::UNIX_EPOCH, DEFAULT_ROTATION);
        let times: std::collections::HashSet<_> = (0..1_000_u128).map(|n| of(n * 7919)).collect();
        assert!(times.len() > 900, "{}", times.len());
    }
}
