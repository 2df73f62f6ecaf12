//! Tokens taken apart without a key, and numbers and times as people read them.

use chrono::{DateTime, SecondsFormat};
use crypto::encoding;
use kernel::Timestamp;
use serde::Serialize;
use serde_json::Value;

/// A time, and how far it is from now.
#[derive(Serialize)]
pub(super) struct Moment {
    pub(super) time: String,
    pub(super) relative: String,
}

/// The sender's token and those of all who have amended, oldest first.
pub(super) fn tokens(token: &str) -> Vec<String> {
    let mut tokens = vec![token.to_owned()];
    while let Some(prior) = tokens.last().and_then(|token| part(token, 1)) {
        let Some(prior) = prior["prior"].as_str() else { break };
        tokens.push(prior.to_owned());
    }
    tokens.reverse();
    tokens
}

/// Header (0) or payload (1) of a token.
fn part(token: &str, at: usize) -> Option<Value> {
    let part = encoding::decode(token.split('.').nth(at)?).ok()?;
    serde_json::from_slice(&part).ok()
}

pub(super) fn algorithm(token: &str) -> String {
    let header = part(token, 0).unwrap_or_default();
    header["alg"].as_str().unwrap_or_default().to_owned()
}

/// How the content key is wrapped for a recipient.
pub(super) fn wrapping(content: &Value, kid: &str) -> String {
    let flattened = std::slice::from_ref(content);
    let recipients = content["recipients"].as_array().map_or(flattened, Vec::as_slice);
    let found = recipients.iter().find(|one| one["header"]["kid"] == kid);
    let Some(found) = found else { return "no wrapped key is there".to_owned() };
    let letters = found["encrypted_key"].as_str().map_or(0, str::len);
    let curve = &found["header"]["epk"]["crv"];
    let curve = curve.as_str().map(|name| format!(" on {name}")).unwrap_or_default();
    let algorithm = found["header"]["alg"].as_str().unwrap_or_default();
    format!("{algorithm}{curve}, {}", size(letters * 3 / 4))
}

pub(super) fn missing(these: &[String], those: &[String]) -> Vec<String> {
    these.iter().filter(|one| !those.contains(one)).cloned().collect()
}

pub(super) fn size(bytes: usize) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} KiB", bytes / 1024),
        _ => format!("{} MiB", bytes / 1_048_576),
    }
}

/// A time, and how far it is from now: `past` says what words go around that when it is over.
pub(super) fn moment(seconds: i64, now: Timestamp, (over, ago): (&str, &str)) -> Moment {
    let away = now.timestamp() - seconds;
    let span = span(away.unsigned_abs());
    let relative = if away >= 0 { format!("{over} {span} {ago}") } else { format!("in {span}") };
    Moment { time: utc(seconds), relative: relative.trim().to_owned() }
}

pub(super) fn utc(seconds: i64) -> String {
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
