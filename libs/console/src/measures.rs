//! Sizes, times and spans of time as people read them.

use chrono::{DateTime, SecondsFormat};
use kernel::Timestamp;
use serde::Serialize;

/// A time, and how far it is from now.
#[derive(Serialize)]
pub struct Moment {
    pub time: String,
    pub relative: String,
}

/// Bytes.
pub fn size(bytes: usize) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} KiB", bytes / 1024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}

/// A time, and how far it is from now: `past` says what words go around that when it is over.
pub fn moment(seconds: i64, now: Timestamp, (over, ago): (&str, &str)) -> Moment {
    let away = now.timestamp() - seconds;
    let span = span(away.unsigned_abs());
    let relative = if away >= 0 { format!("{over} {span} {ago}") } else { format!("in {span}") };
    Moment { time: utc(seconds), relative: relative.trim().to_owned() }
}

/// Seconds since 1970 in RFC 3339, UTC.
pub fn utc(seconds: i64) -> String {
    let time = DateTime::from_timestamp(seconds, 0).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}
