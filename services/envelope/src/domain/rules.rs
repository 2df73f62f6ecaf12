//! What envelopes may be for, and how long they may live.

use chrono::Duration;
use crypto::envelope::ManifestClaims;

/// For the response service to answer.
pub const RESPOND: &str = "respond";
/// From the response service.
pub const ANSWER: &str = "answer";
pub const ANSWER_STREAM: &str = "answer-stream";
/// What clients may seal envelopes for.
pub const SEAL_PURPOSES: [&str; 3] = [RESPOND, "message", "store"];

/// The same for streams: the response service answers whole envelopes.
pub const STREAM_PURPOSES: [&str; 2] = ["message", "store"];

pub const LONGEST_LIFE: Duration = Duration::days(30);
/// How far two well-kept clocks may differ.
pub const SKEW: Duration = Duration::minutes(1);

/// Long lives would make the memory of released envelopes long as well.
pub fn lives_too_long(claims: &ManifestClaims) -> bool {
    claims.expires_at.saturating_sub(claims.issued_at) > LONGEST_LIFE.num_seconds()
}
