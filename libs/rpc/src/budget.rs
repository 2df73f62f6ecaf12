//! The deadline budget. A caller's time is shaved at each hop, so that the
//! failure names the hop that was slow, and a call that cannot be answered in
//! time is refused before it does any work.

use std::time::Duration;

use http::HeaderMap;
use kernel::{Fault, Result, common};
use tokio::time::Instant;

use crate::grpc_timeout::parse;

/// What a hop keeps for itself: sending the answer back takes time too.
const SHAVE: Duration = Duration::from_millis(20);
/// With less than this left a call is refused.
const LEAST: Duration = Duration::from_millis(100);
/// Nobody needs longer; a larger value is a caller's mistake.
pub(crate) const MOST: Duration = Duration::from_secs(3_600);

/// When this call must be over, by its `grpc-timeout` or the default.
pub(crate) fn deadline(headers: &HeaderMap, default: Duration) -> Result<Instant> {
    let given = match headers.get("grpc-timeout") {
        None => default,
        Some(value) => value.to_str().ok().and_then(parse).ok_or_else(|| {
            Fault::invalid("grpc-timeout", "must be 1 to 8 digits and one of H, M, S, m, u, n")
        })?,
    };
    if given < LEAST {
        return Err(Fault::new(&common::DEADLINE_TOO_SHORT));
    }
    Ok(Instant::now() + given.min(MOST) - SHAVE)
}

/// What is left for a call to a peer, as a `grpc-timeout` value.
pub(crate) fn remaining(deadline: Instant) -> Result<(Duration, String)> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left < LEAST {
        return Err(Fault::new(&common::DEADLINE_TOO_SHORT));
    }
    Ok((left, format!("{}m", left.as_millis())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_timeout(value: &'static str) -> Result<Instant> {
        let mut headers = HeaderMap::new();
        headers.insert("grpc-timeout", http::HeaderValue::from_static(value));
        deadline(&headers, Duration::from_secs(30))
    }

    #[test]
    fn every_unit_is_understood() {
        let cases = [
            ("1H", 3_600_000),
            ("2M", 120_000),
            ("3S", 3_000),
            ("400m", 400),
            ("5000u", 5),
            ("6000000n", 6),
        ];
        for (text, millis) in cases {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "S", "12", "-1S", "1s", "123456789S", "1 S", "é", "1é"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn too_little_time_is_refused_and_the_rest_is_shaved() {
        assert_eq!(with_timeout("99m").unwrap_err().reason().code, "DEADLINE_TOO_SHORT");
        let left = with_timeout("1S").unwrap().saturating_duration_since(Instant::now());
        assert!(left <= Duration::from_millis(980), "{left:?}");
        assert!(remaining(Instant::now() + Duration::from_millis(50)).is_err());
    }
}
