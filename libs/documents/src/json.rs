//! JSON (RFC 8259): strings and long numbers, with the key that they stand under.

use std::borrow::Cow;
use std::ops::Range;

use serde::de::IgnoredAny;

use crate::value::words;
use crate::{Malformed, Value};

/// Numbers with fewer digits are quantities.
const DIGITS: usize = 7;
/// Open containers. Deeper than people or programs write.
const DEPTH: usize = 1_000;

pub(crate) fn values(document: &str) -> Result<Vec<Value<'_>>, Malformed> {
    let mut found = Vec::new();
    walk(document, 0..document.len(), &mut found)?;
    Ok(found)
}

/// A JSON text on each line; empty lines are passed over.
pub(crate) fn lines(document: &str) -> Result<Vec<Value<'_>>, Malformed> {
    let (mut found, mut at) = (Vec::new(), 0);
    for line in document.split_inclusive('\n') {
        if !line.trim().is_empty() {
            walk(document, at..at + line.len(), &mut found)?;
        }
        at += line.len();
    }
    Ok(found)
}

/// What can be trusted after the check: brackets and quotes are closed, escapes are whole.
fn check(document: &str, part: &Range<usize>) -> Result<(), Malformed> {
    let text = document.get(part.clone()).unwrap_or_default();
    serde_json::from_str::<IgnoredAny>(text).map(|_| ()).map_err(|error| {
        let before = Malformed::at(document, part.start, "not valid JSON");
        Malformed { line: before.line + error.line().saturating_sub(1), ..before }
    })
}

fn walk<'d>(
    document: &'d str,
    part: Range<usize>,
    found: &mut Vec<Value<'d>>,
) -> Result<(), Malformed> {
    check(document, &part)?;
    let bytes = document.as_bytes();
    // The key that holds for the values of each open container.
    let mut names: Vec<String> = Vec::new();
    let mut name = String::new();
    let mut at = part.start;
    while at < part.end {
        let end = match bytes.get(at) {
            Some(b'"') => {
                let end = string_end(bytes, at + 1);
                let mut value = string(document, at + 1..end)?;
                let rest = document.get(end + 1..part.end).unwrap_or_default();
                if rest.trim_start().starts_with(':') {
                    name = words(&value.text);
                } else {
                    value.name.clone_from(&name);
                    found.push(value);
                }
                end + 1
            }
            Some(b'0'..=b'9' | b'-') => {
                let end = number_end(bytes, at);
                let digits = bytes.get(at..end).unwrap_or_default();
                if digits.iter().filter(|byte| byte.is_ascii_digit()).count() >= DIGITS {
                    found.push(Value { name: name.clone(), ..Value::at(document, at..end) });
                }
                end
            }
            Some(b'{' | b'[') if names.len() == DEPTH => {
                return Err(Malformed::at(document, at, "nested deeper than 1,000"));
            }
            Some(b'{' | b'[') => {
                names.push(name.clone());
                at + 1
            }
            Some(b'}' | b']') => {
                name = names.pop().unwrap_or_default();
                at + 1
            }
            _ => at + 1,
        };
        at = end;
    }
    Ok(())
}

/// The closing quote of a string whose first byte is given.
fn string_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

fn number_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    let is_part = |byte: &u8| byte.is_ascii_digit() || b"+-.eE".contains(byte);
    from + rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len())
}

/// A string without its quotes.
fn string(document: &str, place: Range<usize>) -> Result<Value<'_>, Malformed> {
    let mut value = Value::at(document, place.clone());
    let Some(raw) = document.get(place.clone()).filter(|raw| raw.contains('\\')) else {
        return Ok(value);
    };
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(escape) = rest.find('\\') {
        text.push_str(&rest[..escape]);
        let from = place.end - rest.len() + escape;
        let length = escape_length(&rest[escape..]);
        let literal = rest.get(escape..escape + length).unwrap_or_default();
        // serde_json has checked the form of escapes, and not that surrogates come in pairs.
        let decoded: String = serde_json::from_str(&format!("\"{literal}\""))
            .map_err(|_| Malformed::at(document, from, "half of a surrogate pair"))?;
        value.steps.push((text.len(), from));
        text.push_str(&decoded);
        value.steps.push((text.len(), from + length));
        rest = rest.get(escape + length..).unwrap_or_default();
    }
    text.push_str(rest);
    value.text = Cow::Owned(text);
    Ok(value)
}

/// Bytes of the escape that a text begins with: `\n`, `\u00e9`, or a pair of surrogates.
fn escape_length(text: &str) -> usize {
    let unit = |from: usize| {
        let digits = text.get(from..from + 6)?.strip_prefix("\\u")?;
        u16::from_str_radix(digits, 16).ok()
    };
    match (unit(0), unit(6)) {
        (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
        (Some(_), _) => 6,
        (None, _) => 2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(document: &str) -> Vec<(String, String, &str)> {
        let values = values(document).unwrap().into_iter();
        values.map(|value| (value.name, value.text.into_owned(), &document[value.place])).collect()
    }

    #[test]
    fn values_have_their_keys_and_places() {
        let document = r#" {"user": {"firstName": "Zo\u00eb", "tags": ["a\nb", "c"], "n": 12},
            "ssn": 123456789, "x": null, "last": "\ud83d\ude00!"} "#;
        let expected = [
            ("first Name", "Zoë", r"Zo\u00eb"),
            ("tags", "a\nb", r"a\nb"),
            ("tags", "c", "c"),
            ("ssn", "123456789", "123456789"),
            ("last", "😀!", r"\ud83d\ude00!"),
        ];
        let expected = expected.map(|(name, text, raw)| (name.to_owned(), text.to_owned(), raw));
        assert_eq!(shown(document), expected);
    }

    #[test]
    fn parts_are_found_in_the_document() {
        let document = r#"["\"Zo\u00eb\" and \ud83d\ude00 Ann"]"#;
        let value = values(document).unwrap().remove(0);
        for (part, raw) in [("Zoë", r"Zo\u00eb"), ("Ann", "Ann"), ("😀", r"\ud83d\ude00")] {
            let at = value.text.find(part).unwrap();
            assert_eq!(&document[value.in_document(&(at..at + part.len()))], raw);
        }
    }

    #[test]
    fn what_is_not_json_says_the_line() {
        for (document, line) in
            [("{\n\"a\": }", 2), ("", 1), ("{} {}", 1), ("[\n\n\"\\ud800\"]", 3)]
        {
            assert_eq!(values(document).unwrap_err().line, line, "{document}");
        }
        assert_eq!(lines("{}\n\n[1,]\n").unwrap_err().line, 3);
        let deep = "[".repeat(1_001) + &"]".repeat(1_001);
        assert_eq!(values(&deep).unwrap_err().what, "nested deeper than 1,000");
    }
}
