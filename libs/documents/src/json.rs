//! JSON (RFC 8259): keys, strings and numbers, with the key that they stand under.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use serde::de::IgnoredAny;

use crate::Malformed;
use crate::leaf::{Kind, Leaf, Named, Unescaped, words};
use crate::path::{Paths, Segment};
use crate::site::Site;

const BOM: &str = "\u{feff}";
/// Open containers. Deeper than people or programs write.
const DEPTH: usize = 1_000;

/// The leaves of one JSON text, whose paths begin with one that is known.
pub(crate) fn leaves<'t>(
    text: &'t str,
    paths: &mut Paths,
    path: usize,
) -> Result<Vec<Leaf<'t>>, Malformed> {
    let start = if text.starts_with(BOM) { BOM.len() } else { 0 };
    let mut walk = Walk::new(text, paths);
    walk.part(start..text.len(), path)?;
    Ok(walk.found)
}

/// A JSON text on each line; empty lines are passed over.
pub(crate) fn lines<'t>(text: &'t str, paths: &mut Paths) -> Result<Vec<Leaf<'t>>, Malformed> {
    let mut at = if text.starts_with(BOM) { BOM.len() } else { 0 };
    let mut walk = Walk::new(text, paths);
    for line in text.get(at..).unwrap_or_default().split_inclusive('\n') {
        if !line.trim().is_empty() {
            walk.part(at..at + line.len(), Paths::ROOT)?;
        }
        at += line.len();
    }
    Ok(walk.found)
}

/// What can be trusted after the check: brackets and quotes are closed, escapes are whole.
fn check(text: &str, part: &Range<usize>) -> Result<(), Malformed> {
    let checked = serde_json::from_str::<IgnoredAny>(text.get(part.clone()).unwrap_or_default());
    checked.map(|_| ()).map_err(|error| {
        let before = Malformed::at(text, part.start, "not valid JSON");
        Malformed { line: before.line + error.line().saturating_sub(1), ..before }
    })
}

/// An open container.
struct Open {
    path: usize,
    /// That of the key which it stands under.
    name: Arc<str>,
    /// Of an array: how many values have come.
    count: Option<usize>,
    /// Of an object: the last key.
    key: (Arc<str>, usize),
}

struct Walk<'t, 'p> {
    text: &'t str,
    paths: &'p mut Paths,
    ascii: bool,
    /// The path of the whole.
    root: usize,
    open: Vec<Open>,
    found: Vec<Leaf<'t>>,
}

impl<'t, 'p> Walk<'t, 'p> {
    fn new(text: &'t str, paths: &'p mut Paths) -> Self {
        let (open, found) = (Vec::new(), Vec::new());
        let ascii = text.strip_prefix(BOM).unwrap_or(text).is_ascii();
        Self { text, paths, ascii, root: Paths::ROOT, open, found }
    }

    fn part(&mut self, part: Range<usize>, root: usize) -> Result<(), Malformed> {
        check(self.text, &part)?;
        self.root = root;
        let bytes = self.text.as_bytes();
        let mut at = part.start;
        while at < part.end {
            at = match bytes.get(at) {
                Some(b'"') => self.string(at, part.end)?,
                Some(b'0'..=b'9' | b'-') => self.number(at),
                Some(b'{' | b'[') if self.open.len() == DEPTH => {
                    return Err(Malformed::at(self.text, at, "nested deeper than 1,000"));
                }
                Some(b'{') => self.opens(None, at),
                Some(b'[') => self.opens(Some(0), at),
                Some(b'}' | b']') => {
                    self.open.pop();
                    at + 1
                }
                Some(b't' | b'f' | b'n') => {
                    self.named();
                    word_end(bytes, at)
                }
                _ => at + 1,
            };
        }
        Ok(())
    }

    fn opens(&mut self, count: Option<usize>, at: usize) -> usize {
        let Named { name, path, .. } = self.named();
        let key = (Arc::from(""), path);
        self.open.push(Open { path, name, count, key });
        at + 1
    }

    /// What the value is called that comes now.
    fn named(&mut self) -> Named {
        let (name, path) = match self.open.last_mut() {
            None => (Arc::from(""), self.root),
            Some(Open { count: Some(count), path, name, .. }) => {
                *count += 1;
                (Arc::clone(name), self.paths.push(*path, Segment::Index(*count - 1)))
            }
            Some(Open { key: (name, path), .. }) => (Arc::clone(name), *path),
        };
        Named { name, column: None, path }
    }

    fn string(&mut self, quote: usize, end: usize) -> Result<usize, Malformed> {
        let close = string_end(self.text.as_bytes(), quote + 1);
        let mut leaf = string(self.text, quote + 1..close, self.ascii)?;
        let rest = self.text.get(close + 1..end).unwrap_or_default();
        let is_key = rest.trim_start().starts_with(':');
        match self.open.last_mut().filter(|_| is_key) {
            Some(object) => {
                let path = self.paths.push(object.path, Segment::Key(leaf.text.as_ref().into()));
                object.key = (words(&leaf.text), path);
                (leaf.kind, leaf.named.path) = (Kind::Name, path);
            }
            None => leaf.named = self.named(),
        }
        self.found.push(leaf);
        Ok(close + 1)
    }

    fn number(&mut self, at: usize) -> usize {
        let end = number_end(self.text.as_bytes(), at);
        let mut leaf = Leaf::at(self.text, at..end, Site::JsonNumber);
        (leaf.kind, leaf.named) = (Kind::Number, self.named());
        self.found.push(leaf);
        end
    }
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

/// The end of `true`, `false` or `null`.
fn word_end(bytes: &[u8], from: usize) -> usize {
    let rest = bytes.get(from..).unwrap_or_default();
    from + rest.iter().position(|byte| !byte.is_ascii_lowercase()).unwrap_or(rest.len())
}

/// A string without its quotes.
fn string(container: &str, place: Range<usize>, ascii: bool) -> Result<Leaf<'_>, Malformed> {
    let site = Site::JsonString { ascii };
    let outer = place.start - 1..place.end + 1;
    let leaf = Leaf { outer, ..Leaf::at(container, place.clone(), site) };
    let Some(raw) = container.get(place.clone()).filter(|raw| raw.contains('\\')) else {
        return Ok(leaf);
    };
    let mut unescaped = Unescaped::new(place.start);
    let mut rest = raw;
    while let Some(escape) = rest.find('\\') {
        unescaped.plain(rest.get(..escape).unwrap_or_default());
        let from = place.end - rest.len() + escape;
        let length = escape_length(rest.get(escape..).unwrap_or_default());
        let literal = rest.get(escape..escape + length).unwrap_or_default();
        // serde_json has checked the form of escapes, and not that surrogates come in pairs.
        let decoded: String = serde_json::from_str(&format!("\"{literal}\""))
            .map_err(|_| Malformed::at(container, from, "half of a surrogate pair"))?;
        unescaped.escape(&decoded, from..from + length);
        rest = rest.get(escape + length..).unwrap_or_default();
    }
    unescaped.plain(rest);
    Ok(Leaf { text: Cow::Owned(unescaped.text), steps: unescaped.steps, ..leaf })
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

    fn shown(text: &str) -> Vec<(String, String, String)> {
        let mut paths = Paths::new();
        let found = leaves(text, &mut paths, Paths::ROOT).unwrap().into_iter();
        let shown = |leaf: Leaf<'_>| {
            let name = leaf.named.name.to_string();
            (name, leaf.text.into_owned(), text[leaf.outer].to_owned())
        };
        found.filter(|leaf| leaf.kind != Kind::Name).map(shown).collect()
    }

    #[test]
    fn values_have_their_keys_and_places() {
        let text = r#" {"user": {"firstName": "Zo\u00eb", "tags": ["a\nb", "c"], "n": 12},
            "ssn": 123456789, "x": null, "last": "\ud83d\ude00!"} "#;
        let expected = [
            ("first Name", "Zoë", r#""Zo\u00eb""#),
            ("tags", "a\nb", r#""a\nb""#),
            ("tags", "c", "\"c\""),
            ("n", "12", "12"),
            ("ssn", "123456789", "123456789"),
            ("last", "😀!", r#""\ud83d\ude00!""#),
        ];
        let expected = expected.map(|(name, text, raw)| (name.to_owned(), text.into(), raw.into()));
        assert_eq!(shown(text), expected);
    }

    #[test]
    fn what_is_not_json_says_the_line() {
        let line = |text| leaves(text, &mut Paths::new(), Paths::ROOT).err().unwrap().line;
        for (text, expected) in
            [("{\n\"a\": }", 2), ("", 1), ("{} {}", 1), ("[\n\n\"\\ud800\"]", 3)]
        {
            assert_eq!(line(text), expected, "{text}");
        }
        assert_eq!(lines("{}\n\n[1,]\n", &mut Paths::new()).err().unwrap().line, 3);
        let deep = "[".repeat(1_001) + &"]".repeat(1_001);
        let refused = leaves(&deep, &mut Paths::new(), Paths::ROOT).err().unwrap();
        assert_eq!(refused.what, "nested deeper than 1,000");
    }
}
