//! Transfer encodings (RFC 2045, section 6).

use std::borrow::Cow;
use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::charset::Charset;
use crate::Malformed;
use crate::leaf::Leaf;
use crate::site::Site;

const NOT_OF_SET: &str = "bytes that are not of the character set";
/// Of a line of base64, unless the part has shorter or longer ones.
const LINE: usize = 76;

/// Bytes with the place of each.
struct Bytes {
    bytes: Vec<u8>,
    /// Where the container has each, and where it ends.
    places: Vec<(usize, usize)>,
}

impl Bytes {
    fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity), places: Vec::with_capacity(capacity) }
    }

    fn push(&mut self, byte: u8, start: usize, end: usize) {
        self.bytes.push(byte);
        self.places.push((start, end));
    }

    /// As characters.
    fn leaf<'t>(
        &self,
        container: &'t str,
        range: Range<usize>,
        charset: Charset,
        site: Site,
    ) -> Result<Leaf<'t>, Malformed> {
        let mut leaf = Leaf::at(container, range.clone(), site);
        let (mut text, mut steps, mut at) = (String::new(), vec![(0, range.start)], 0);
        let mut expected = range.start;
        while let Some(rest) = self.bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let (start, _) = self.places.get(at).copied().unwrap_or((range.end, range.end));
            let Some((c, length)) = charset.first(rest) else {
                return Err(Malformed::at(container, start, NOT_OF_SET));
            };
            if start != expected {
                steps.push((text.len(), start));
            }
            let end = self.places.get(at + length - 1).map_or(range.end, |(_, end)| *end);
            text.push(c);
            if end != start + c.len_utf8() {
                steps.push((text.len(), end));
            }
            expected = end;
            at += length;
        }
        (leaf.text, leaf.steps) = (Cow::Owned(text), steps);
        Ok(leaf)
    }
}

/// RFC 2045, section 6.7.
pub(super) fn of_quoted_printable(
    container: &str,
    range: Range<usize>,
    charset: Charset,
) -> Result<Leaf<'_>, Malformed> {
    let raw = container.as_bytes().get(range.clone()).unwrap_or_default();
    let crlf = raw.windows(2).any(|pair| pair == b"\r\n");
    let mut bytes = Bytes::with_capacity(raw.len());
    let mut at = 0;
    while let Some(byte) = raw.get(at) {
        let start = range.start + at;
        if *byte != b'=' {
            bytes.push(*byte, start, start + 1);
            at += 1;
            continue;
        }
        let rest = raw.get(at + 1..).unwrap_or_default();
        let blanks = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        match rest.get(blanks..).unwrap_or_default() {
            [b'\r', b'\n', ..] => at += blanks + 3,
            [b'\n', ..] => at += blanks + 2,
            [] => at += blanks + 1,
            _ => {
                let hex = rest.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
                let byte = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok());
                let byte = byte.ok_or_else(|| {
                    Malformed::at(container, start, "quoted-printable that is not well-formed")
                })?;
                bytes.push(byte, start, start + 3);
                at += 3;
            }
        }
    }
    bytes.leaf(container, range, charset, Site::QuotedPrintable { charset, crlf })
}

/// What stands in a text of quoted-printable, on lines of its own: those around it stay short
/// enough.
pub(crate) fn quoted_printable(text: &str, charset: Charset, crlf: bool) -> String {
    let soft = if crlf { "=\r\n" } else { "=\n" };
    let (mut out, mut column) = (soft.to_owned(), 0);
    for byte in charset.bytes(text) {
        let length = if is_literal(byte) { 1 } else { 3 };
        if byte == b'\n' || byte == b'\r' {
            out.push(char::from(byte));
            column = 0;
            continue;
        }
        if column + length > LINE - 1 {
            out.push_str(soft);
            column = 0;
        }
        match length {
            1 => out.push(char::from(byte)),
            _ => out.push_str(&format!("={byte:02X}")),
        }
        column += length;
    }
    out.push_str(soft);
    out
}

const fn is_literal(byte: u8) -> bool {
    matches!(byte, b' '..=b'<' | b'>'..=b'~')
}

/// RFC 2045, section 6.8.
pub(super) fn of_base64(
    container: &str,
    range: Range<usize>,
    charset: Charset,
) -> Result<Leaf<'_>, Malformed> {
    let raw = container.get(range.clone()).unwrap_or_default();
    let digits: Vec<(usize, u8)> =
        raw.bytes().enumerate().filter(|(_, byte)| !byte.is_ascii_whitespace()).collect();
    let packed: Vec<u8> = digits.iter().map(|(_, byte)| *byte).collect();
    let decoded = STANDARD
        .decode(&packed)
        .map_err(|_| Malformed::at(container, range.start, "base64 that is not well-formed"))?;
    let mut bytes = Bytes::with_capacity(decoded.len());
    let place = |digit: usize| digits.get(digit).map_or(range.end, |(at, _)| range.start + at);
    for (at, byte) in decoded.into_iter().enumerate() {
        let digit = at / 3 * 4 + at % 3;
        bytes.push(byte, place(digit), place(digit + 1) + 1);
    }
    let first = raw.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let width = u16::try_from(first.trim().len()).ok().filter(|_| raw.trim().contains('\n'));
    let site = Site::Base64 {
        charset,
        width: width.unwrap_or(LINE as u16),
        crlf: raw.contains("\r\n"),
        ends: raw.ends_with('\n'),
    };
    bytes.leaf(container, range, charset, site)
}

/// A text in lines of base64.
pub(crate) fn base64_lines(
    text: &str,
    charset: Charset,
    width: u16,
    crlf: bool,
    ends: bool,
) -> String {
    let line_end = if crlf { "\r\n" } else { "\n" };
    let packed = STANDARD.encode(charset.bytes(text));
    let width = usize::from(width).max(4);
    let mut out = String::with_capacity(packed.len() + packed.len() / 30);
    let mut rest = packed.as_str();
    while !rest.is_empty() {
        let (line, behind) = rest.split_at(width.min(rest.len()));
        out.push_str(line);
        rest = behind;
        if ends || !rest.is_empty() {
            out.push_str(line_end);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_decoded_where_they_stand() {
        let raw = "Zo=C3=\r\n=AB = =3D=20\r\nAnn=\n";
        let refused = of_quoted_printable(raw, 0..raw.len(), Charset::Utf8);
        assert_eq!(refused.err().unwrap().line, 2);
        let raw = raw.replace("= =3D", "=3D");
        let leaf = of_quoted_printable(&raw, 0..raw.len(), Charset::Utf8).unwrap();
        assert_eq!(leaf.text, "Zoë = \r\nAnn");
        assert!(of_quoted_printable("=FF", 0..3, Charset::Utf8).is_err());
        let leaf = of_quoted_printable("=FF", 0..3, Charset::Latin1).unwrap();
        assert_eq!(leaf.text, "ÿ");

        let raw = "Wm/DqyBI\r\nYXJ0bWFu\r\nbg==\r\n";
        let leaf = of_base64(raw, 0..raw.len(), Charset::Utf8).unwrap();
        assert_eq!(leaf.text, "Zoë Hartmann");
        assert_eq!(leaf.site.whole(&leaf.text), raw);
        assert!(of_base64("Wm/Dq", 0..5, Charset::Utf8).is_err());
    }

    #[test]
    fn lines_stay_short() {
        let text = "ë=x ".repeat(60);
        let written = quoted_printable(&text, Charset::Utf8, true);
        assert!(written.lines().all(|line| line.len() <= 76));
        let leaf = of_quoted_printable(&written, 0..written.len(), Charset::Utf8).unwrap();
        assert_eq!(leaf.text, text);
        let written = base64_lines(&text, Charset::Utf8, 60, false, true);
        assert!(written.ends_with('\n') && written.lines().all(|line| line.len() <= 60));
    }
}
