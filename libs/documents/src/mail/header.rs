//! Header fields (RFC 5322, section 2.2), their parameters (RFC 2045, 2183) and encoded words
//! (RFC 2047).

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::charset::Charset;
use crate::Malformed;
use crate::leaf::{Leaf, Unescaped};
use crate::site::Site;

/// Bytes of an encoded word, at most.
const WORD: usize = 75;

/// A field with all its lines.
pub(super) struct Field<'t> {
    pub(super) name: &'t str,
    pub(super) value: &'t str,
    /// Of the value, without the blank in front and the end of its line.
    pub(super) place: Range<usize>,
}

/// The fields of a header, and where the body begins.
pub(super) fn fields(
    text: &str,
    range: Range<usize>,
) -> Result<(Vec<Field<'_>>, usize), Malformed> {
    let mut fields: Vec<Field<'_>> = Vec::new();
    let mut at = range.start;
    for line in text.get(range.clone()).unwrap_or_default().split_inclusive('\n') {
        let (start, content) = (at, line.trim_end_matches(['\r', '\n']));
        at += line.len();
        if content.is_empty() {
            return Ok((fields, at));
        }
        let end = start + content.len();
        if content.starts_with([' ', '\t']) {
            let Some(field) = fields.last_mut() else {
                return Err(Malformed::at(text, start, "a header that begins in the middle"));
            };
            field.place.end = end;
            field.value = text.get(field.place.clone()).unwrap_or_default();
            continue;
        }
        let name = content
            .split_once(':')
            .map(|(name, _)| name)
            .filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()));
        let Some(name) = name else {
            return Err(Malformed::at(text, start, "a header line without a name"));
        };
        let behind = content.get(name.len() + 1..).unwrap_or_default();
        let value = behind.trim_start_matches([' ', '\t']);
        fields.push(Field { name, value, place: end - value.len()..end });
    }
    // A part may be nothing but its header.
    Ok((fields, range.end))
}

/// What a body is.
#[derive(Default)]
pub(super) struct ContentType {
    pub(super) kind: String,
    pub(super) charset: String,
    pub(super) boundary: Option<String>,
}

impl ContentType {
    pub(super) fn parse(value: &str) -> Self {
        let kind = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let named = |wanted: &str| {
            let mut found = pairs(value).into_iter();
            found.find(|(name, _)| name == wanted).and_then(|(_, place)| value.get(place))
        };
        let charset = named("charset").unwrap_or_default().to_owned();
        let boundary = named("boundary").filter(|boundary| !boundary.is_empty());
        Self { kind, charset, boundary: boundary.map(str::to_owned) }
    }
}

/// Where a field has the values of a parameter: `filename`, `filename*`, `filename*0`, ….
pub(super) fn parameters(field: &Field<'_>, name: &str) -> Vec<Range<usize>> {
    let is_it = |found: &str| found.split('*').next() == Some(name);
    let start = field.place.start;
    let found = pairs(field.value).into_iter().filter(|(found, _)| is_it(found));
    found.map(|(_, place)| start + place.start..start + place.end).collect()
}

/// The parameters of a value, in lower case, and where theirs stand, without quotes.
fn pairs(value: &str) -> Vec<(String, Range<usize>)> {
    let (mut pairs, mut at) = (Vec::new(), value.find(';').unwrap_or(value.len()));
    while at < value.len() {
        let rest = value.get(at + 1..).unwrap_or_default();
        let Some(equals) = rest.find(['=', ';']) else { break };
        let start = at + 1 + equals + 1;
        if rest.as_bytes().get(equals) == Some(&b';') {
            at = start - 1;
            continue;
        }
        let name = rest.get(..equals).unwrap_or_default().trim().to_ascii_lowercase();
        let behind = value.get(start..).unwrap_or_default();
        let blanks = behind.len() - behind.trim_start().len();
        let from = start + blanks;
        let (place, end) = match value.get(from..).and_then(|value| value.strip_prefix('"')) {
            Some(quoted) => {
                let close = quoted.find('"').unwrap_or(quoted.len());
                (from + 1..from + 1 + close, from + close + 2)
            }
            None => {
                let bare = value.get(from..).unwrap_or_default();
                let length = bare.find([';', ' ', '\t', '\r', '\n']).unwrap_or(bare.len());
                (from..from + length, from + length)
            }
        };
        pairs.push((name, place));
        at = value.get(end..).and_then(|rest| rest.find(';')).map_or(value.len(), |at| end + at);
    }
    pairs
}

/// The value of a field, with its encoded words as what they stand for.
pub(super) fn value(container: &str, place: Range<usize>) -> Result<Leaf<'_>, Malformed> {
    let raw = container.get(place.clone()).unwrap_or_default();
    if !raw.contains("=?") {
        return Ok(Leaf::at(container, place, Site::Header { encoded: false }));
    }
    let mut text = Unescaped::new(place.start);
    let (mut rest, mut behind_word) = (raw, false);
    while let Some(start) = rest.find("=?") {
        let (before, word) = rest.split_at(start);
        let from = place.end - word.len();
        let Some((length, decoded)) = word_of(container, from, word)? else {
            text.plain(before);
            text.plain("=?");
            rest = word.get(2..).unwrap_or_default();
            behind_word = false;
            continue;
        };
        // Blanks between two encoded words are none of the text (section 6.2).
        if behind_word && before.trim().is_empty() {
            text.escape("", from - before.len()..from);
        } else {
            text.plain(before);
        }
        text.escape(&decoded, from..from + length);
        rest = word.get(length..).unwrap_or_default();
        behind_word = true;
    }
    text.plain(rest);
    let leaf = Leaf::at(container, place, Site::Header { encoded: true });
    Ok(Leaf { text: Cow::Owned(text.text), steps: text.steps, ..leaf })
}

/// The encoded word that a text begins with: its length, and what it stands for.
fn word_of(container: &str, at: usize, text: &str) -> Result<Option<(usize, String)>, Malformed> {
    let mut parts = text.get(2..).unwrap_or_default().splitn(4, '?');
    let (Some(charset), Some(encoding), Some(encoded), Some(behind)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Ok(None);
    };
    let blank = |part: &str| part.contains(char::is_whitespace);
    if !behind.starts_with('=') || blank(charset) || blank(encoding) || blank(encoded) {
        return Ok(None);
    }
    // RFC 2231 adds a language.
    let charset = charset.split('*').next().unwrap_or_default();
    let wrong = || Malformed::at(container, at, "an encoded word that cannot be read");
    let charset = Charset::named(charset).ok_or_else(wrong)?;
    let bytes = match encoding {
        "b" | "B" => STANDARD.decode(encoded).map_err(|_| wrong())?,
        "q" | "Q" => q_bytes(encoded).ok_or_else(wrong)?,
        _ => return Err(wrong()),
    };
    let (mut decoded, mut rest) = (String::new(), bytes.as_slice());
    while !rest.is_empty() {
        let (c, length) = charset.first(rest).ok_or_else(wrong)?;
        decoded.push(c);
        rest = rest.get(length..).unwrap_or_default();
    }
    Ok(Some((text.len() - behind.len() + 1, decoded)))
}

/// RFC 2047, section 4.2.
fn q_bytes(encoded: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::new(), encoded.as_bytes());
    while let Some((first, behind)) = rest.split_first() {
        rest = behind;
        bytes.push(match first {
            b'_' => b' ',
            b'=' => {
                let (hex, behind) = rest.split_at_checked(2)?;
                rest = behind;
                u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?
            }
            byte => *byte,
        });
    }
    Some(bytes)
}

/// A text as the value of a field: runs of words that are not ASCII as encoded words.
pub(crate) fn written(text: &str) -> String {
    if text.is_ascii() && !text.contains("=?") {
        return text.to_owned();
    }
    let needs = |word: &str| !word.is_ascii() || word.contains("=?");
    let mut out = String::with_capacity(text.len() * 2);
    let mut run: Vec<&str> = Vec::new();
    for word in text.split(' ').chain([""]) {
        if needs(word) {
            run.push(word);
            continue;
        }
        if !run.is_empty() {
            blank(&mut out);
            encode(&run.join(" "), &mut out);
            run.clear();
        }
        blank(&mut out);
        out.push_str(word);
    }
    // The one that was added, and the blank in front.
    out.pop();
    out
}

fn blank(out: &mut String) {
    if !out.is_empty() {
        out.push(' ');
    }
}

fn encode(text: &str, out: &mut String) {
    const ROOM: usize = (WORD - "=?utf-8?B??=".len()) / 4 * 3;
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, behind) = rest.split_at(rest.floor_char_boundary(ROOM.min(rest.len())));
        out.push_str(&format!("=?utf-8?B?{}?=", STANDARD.encode(piece)));
        rest = behind;
        if !rest.is_empty() {
            out.push(' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(raw: &str) -> String {
        value(raw, 0..raw.len()).unwrap().text.into_owned()
    }

    #[test]
    fn encoded_words_are_read_and_written() {
        for (raw, expected) in [
            ("=?utf-8?Q?Zo=C3=AB_H?= <z@example.org>", "Zoë H <z@example.org>"),
            ("=?UTF-8?B?Wm/Dqw==?=\r\n =?iso-8859-1?q?_=DCnal?= x", "Zoë Ünal x"),
            ("a =? b ?= c", "a =? b ?= c"),
        ] {
            assert_eq!(read(raw), expected);
            assert_eq!(read(&written(expected)), expected, "{}", written(expected));
        }
        assert_eq!(written("Ann <a@example.org>"), "Ann <a@example.org>");
        let long = "Zoë ".repeat(60);
        assert!(written(&long).split(' ').all(|word| word.len() <= WORD));
        assert_eq!(read(&written(&long)), long);
        for wrong in ["=?utf-8?Q?=F?=", "=?klingon?Q?x?=", "=?utf-8?B?x?=", "=?utf-8?Q?=FF?="] {
            assert!(value(wrong, 0..wrong.len()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn parameters_are_found() {
        let value = "Text/Plain; charset=\"UTF-8\"; name*0=\"Anna Weber\";\r\n boundary=a-b ; x";
        let kind = ContentType::parse(value);
        assert_eq!((kind.kind.as_str(), kind.charset.as_str()), ("text/plain", "UTF-8"));
        assert_eq!(kind.boundary.as_deref(), Some("a-b"));
        let field = Field { name: "x", value, place: 0..value.len() };
        let names: Vec<_> = parameters(&field, "name").into_iter().map(|at| &value[at]).collect();
        assert_eq!(names, ["Anna Weber"]);
    }
}
