//! Tokens taken apart without a key.

use console::measures::size;
use crypto::encoding;
use serde_json::Value;

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
