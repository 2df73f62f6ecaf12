//! Rewrites the strings of a JSON text in place: order, spacing and numbers stay as written.

use serde::de::IgnoredAny;

/// Numbers with fewer digits are quantities.
const DIGITS: usize = 7;

/// Gets a key and a value under it; gives what replaces the value.
pub(super) type Visit<'v, E> = dyn FnMut(&str, &str) -> Result<Option<String>, E> + 'v;

/// Whether a text is a JSON object or array.
pub(super) fn is_json(text: &str) -> bool {
    let trimmed = text.trim_start();
    trimmed.starts_with(['{', '[']) && serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Visits every string (keys too, without a label) and every long number, with the key it
/// stands under. What the visitor gives replaces the value, as a string. The text must be
/// valid JSON; nothing is given back if a string of it cannot be decoded.
pub(super) fn rewrite<E>(text: &str, visit: &mut Visit<'_, E>) -> Result<Option<String>, E> {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    // The key that holds for the values of each open container.
    let mut labels: Vec<String> = vec![String::new()];
    let mut key = String::new();
    let mut at = 0;
    let bytes = text.as_bytes();
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => {
                let end = string_end(bytes, at);
                let literal = &text[at..end];
                let Ok(decoded) = serde_json::from_str::<String>(literal) else { return Ok(None) };
                let is_key = text[end..].trim_start().starts_with(':');
                let replaced = visit(if is_key { "" } else { &key }, &decoded)?;
                push(&mut out, literal, replaced);
                if is_key {
                    key = decoded;
                }
                at = end;
            }
            b'0'..=b'9' | b'-' => {
                let end = text[at..]
                    .find(|c: char| !(c.is_ascii_alphanumeric() || "+-.".contains(c)))
                    .map_or(text.len(), |n| at + n);
                let literal = &text[at..end];
                let long = literal.bytes().filter(u8::is_ascii_digit).count() >= DIGITS;
                let replaced = if long { visit(&key, literal)? } else { None };
                push(&mut out, literal, replaced);
                at = end;
            }
            _ => {
                match byte {
                    b'{' | b'[' => labels.push(key.clone()),
                    b'}' | b']' => key = labels.pop().unwrap_or_default(),
                    _ => {}
                }
                let length = text[at..].chars().next().map_or(1, char::len_utf8);
                out.push_str(&text[at..at + length]);
                at += length;
            }
        }
    }
    Ok(Some(out))
}

fn push(out: &mut String, literal: &str, replaced: Option<String>) {
    match replaced {
        Some(value) => out.push_str(&serde_json::Value::from(value).to_string()),
        None => out.push_str(literal),
    }
}

/// Behind the closing quote of the literal that starts at `start`.
fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visits_strings_keys_and_long_numbers_and_keeps_the_rest() {
        let text = r#" { "name" : "A\u00fcb", "list": ["x", {"k": 1.50}], "n": 4111111111111111, "z": "q" } "#;
        let mut seen = Vec::new();
        let same = rewrite::<()>(text, &mut |label, value| {
            seen.push((label.to_owned(), value.to_owned()));
            Ok(None)
        });
        assert_eq!(same.unwrap().unwrap(), text);
        let seen: Vec<(&str, &str)> =
            seen.iter().map(|(label, value)| (label.as_str(), value.as_str())).collect();
        let expected = [
            ("", "name"),
            ("name", "Aüb"),
            ("", "list"),
            ("list", "x"),
            ("", "k"),
            ("", "n"),
            ("n", "4111111111111111"),
            ("", "z"),
            ("z", "q"),
        ];
        assert_eq!(seen, expected);
        let changed =
            rewrite::<()>(text, &mut |_, value| Ok((value.len() > 10).then(|| "\"".to_owned())));
        assert_eq!(changed.unwrap().unwrap(), text.replace("4111111111111111", r#""\"""#));
    }
}
