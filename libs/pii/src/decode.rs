//! Text in disguise: percent signs, HTML entities, quoted-printable, letters with blanks between
//! them, base64. Each disguise that a text wears is taken off in a text of its own, in which is
//! searched once more; what is found there maps back to exactly what stands for it.
//!
//! Ordinary text is not slowed: a disguise is looked for only where its mark stands.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Letters of base64 in a row before anybody tries to decode them: twelve bytes.
const SHORTEST_RUN: usize = 16;
/// Single characters with blanks between them before they are one word.
const SHORTEST_SPACED: usize = 6;
/// The longest name of an entity, with a margin.
const LONGEST_ENTITY: usize = 10;

/// A text without its disguise.
pub(crate) struct Decoded {
    pub(crate) text: String,
    /// For every byte of `text`: what stands for its character in the original.
    map: Vec<(u32, u32)>,
    /// The bytes of `text` that were in disguise, in order.
    changed: Vec<Range<usize>>,
}

impl Decoded {
    fn with_capacity(capacity: usize) -> Self {
        Self {
            text: String::with_capacity(capacity),
            map: Vec::with_capacity(capacity),
            changed: Vec::new(),
        }
    }

    /// The span of the original that a span of the text stands for, if it was in disguise.
    pub(crate) fn original(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let next = self.changed.partition_point(|changed| changed.end <= range.start);
        self.changed.get(next).filter(|changed| changed.start < range.end)?;
        let start = self.map.get(range.start)?.0 as usize;
        let end = self.map.get(range.end.checked_sub(1)?)?.1 as usize;
        Some(start..end)
    }

    fn put(&mut self, text: &str, original: Range<usize>) {
        self.text.push_str(text);
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let entry = (offset(original.start), offset(original.end));
        self.map.extend(std::iter::repeat_n(entry, text.len()));
    }

    /// A piece of the original as it is.
    fn keep(&mut self, original: &str, range: Range<usize>) {
        let piece = &original[range.clone()];
        for (at, c) in piece.char_indices() {
            let start = range.start + at;
            let end = start + c.len_utf8();
            self.put(&piece[at..at + c.len_utf8()], start..end);
        }
    }

    fn reveal(&mut self, text: &str, original: Range<usize>) {
        let start = self.text.len();
        self.put(text, original);
        // What vanished (a soft line break) shows at the character behind it.
        let end = self.text.len().max(start + 1);
        match self.changed.last_mut() {
            Some(last) if last.end >= start => last.end = last.end.max(end),
            _ => self.changed.push(start..end),
        }
    }
}

/// The text with escapes and blanks taken out, if it has any.
pub(crate) fn escapes(text: &str) -> Option<Decoded> {
    let bytes = text.as_bytes();
    let mut marks = memchr::memchr3_iter(b'%', b'&', b'=', bytes).peekable();
    let mut spaced = spaced_runs(bytes).peekable();
    let mut decoded: Option<Decoded> = None;
    let mut at = 0;
    loop {
        // The next disguise: a mark, or a run of single letters.
        while marks.next_if(|mark| *mark < at).is_some() {}
        while spaced.next_if(|run| run.start < at).is_some() {}
        let mark = marks.peek().copied();
        let run = spaced.peek().cloned().filter(|run| mark.is_none_or(|mark| run.start < mark));
        let (start, end, shown) = match (run, mark) {
            (Some(run), _) => (run.start, run.end, None),
            (None, Some(mark)) => {
                marks.next();
                let Some((end, shown)) = escape(text, mark) else { continue };
                (mark, end, Some(shown))
            }
            (None, None) => break,
        };
        let into = decoded.get_or_insert_with(|| Decoded::with_capacity(text.len()));
        into.keep(text, at..start);
        match shown {
            Some(shown) => into.reveal(&shown, start..end),
            None => {
                for (offset, c) in text[start..end].char_indices().filter(|(_, c)| *c != ' ') {
                    let from = start + offset;
                    into.reveal(c.encode_utf8(&mut [0; 4]), from..from + c.len_utf8());
                }
            }
        }
        at = end;
    }
    if let Some(into) = &mut decoded {
        into.keep(text, at..text.len());
    }
    decoded
}

/// Where the escape that starts at a mark ends, and what it stands for.
fn escape(text: &str, at: usize) -> Option<(usize, String)> {
    match text.as_bytes().get(at)? {
        b'&' => entity(text, at),
        b'=' => soft_break(text, at).or_else(|| hexadecimal(text, at, b'=')),
        mark => hexadecimal(text, at, *mark),
    }
}

/// `=` at the end of a line joins it to the next one (RFC 2045, 6.7).
fn soft_break(text: &str, at: usize) -> Option<(usize, String)> {
    let rest = &text[at + 1..];
    let length = if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
    (length > 0).then(|| (at + 1 + length, String::new()))
}

/// `%C3%BC`, `=C3=BC`: as many bytes as a character has (RFC 3986, 2.1; RFC 2045, 6.7).
fn hexadecimal(text: &str, at: usize, mark: u8) -> Option<(usize, String)> {
    let (mut bytes, mut end) = ([0; 4], at);
    let value = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    for count in 0..bytes.len() {
        let [start, high, low] = *text.as_bytes().get(end..end + 3)? else { return None };
        if start != mark {
            return None;
        }
        bytes[count] = value(high)? << 4 | value(low)?;
        end += 3;
        match std::str::from_utf8(&bytes[..=count]) {
            Ok(character) => {
                // A control character is nothing that anybody writes.
                let shown = !character.chars().any(char::is_control);
                return shown.then(|| (end, character.to_owned()));
            }
            // So far it is the start of a longer character.
            Err(error) if error.error_len().is_none() => {}
            Err(_) => return None,
        }
    }
    None
}

/// `&#64;`, `&#x40;`, `&commat;` (HTML, 13.5).
fn entity(text: &str, at: usize) -> Option<(usize, String)> {
    let length =
        text.as_bytes()[at..].iter().take(LONGEST_ENTITY).position(|byte| *byte == b';')?;
    let name = text.get(at + 1..at + length)?;
    let end = at + length + 1;
    let number = name.strip_prefix('#').map(|digits| {
        let hexadecimal = digits.strip_prefix(['x', 'X']);
        hexadecimal.map_or_else(|| digits.parse(), |digits| u32::from_str_radix(digits, 16)).ok()
    });
    let character = match number {
        Some(number) => char::from_u32(number?).filter(|c| !c.is_control())?,
        None => named(name)?,
    };
    Some((end, character.to_string()))
}

/// The names of HTML 4 for what stands in names and addresses: Latin-1 from À on, and marks.
fn named(name: &str) -> Option<char> {
    const LATIN: &str = "Agrave Aacute Acirc Atilde Auml Aring AElig Ccedil Egrave Eacute Ecirc Euml Igrave \
        Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave Uacute Ucirc Uuml \
        Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml \
        igrave iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute \
        ucirc uuml yacute thorn yuml";
    Some(match name {
        "amp" => '&',
        "commat" => '@',
        "period" => '.',
        "hyphen" | "dash" | "ndash" | "mdash" | "shy" => '-',
        "lowbar" => '_',
        "plus" => '+',
        "colon" => ':',
        "sol" => '/',
        "nbsp" | "ensp" | "emsp" | "thinsp" => ' ',
        "apos" | "rsquo" | "lsquo" => '\'',
        "quot" => '"',
        "lt" => '<',
        "gt" => '>',
        _ => {
            let at = LATIN.split_ascii_whitespace().position(|known| known == name)?;
            char::from_u32(0xc0 + u32::try_from(at).ok()?)?
        }
    })
}

/// Runs of single characters with one blank between them: `j o h n @ m a i l . d e`.
fn spaced_runs(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let single = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_graphic);
    let blank = |at: usize| bytes.get(at).is_none_or(|byte| *byte == b' ');
    let mut done = 0;
    memchr::memchr_iter(b' ', bytes).filter_map(move |at| {
        let start = at.checked_sub(1)?;
        let opens = start == 0 || bytes.get(start - 1).is_some_and(u8::is_ascii_whitespace);
        if at < done || !opens || !single(start) || !single(at + 1) || !blank(at + 2) {
            return None;
        }
        let mut last = start;
        while bytes.get(last + 1) == Some(&b' ') && single(last + 2) {
            let behind = bytes.get(last + 3);
            if behind.is_some_and(|byte| !byte.is_ascii_whitespace()) {
                break;
            }
            last += 2;
        }
        done = last + 1;
        ((last - start) / 2 + 1 >= SHORTEST_SPACED).then_some(start..last + 1)
    })
}

/// What stands in base64 (RFC 4648, 4 and 5) and is text. Not more than a piece for each run.
pub(crate) fn base64(text: &str) -> impl Iterator<Item = Decoded> {
    base64_runs(text.as_bytes()).filter_map(|run| {
        let piece = &text[run.clone()];
        let config = GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let letters =
            if piece.contains(['-', '_']) { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
        let bytes = GeneralPurpose::new(letters, config).decode(piece).ok()?;
        let inside = std::str::from_utf8(&bytes).ok()?;
        if inside.chars().any(|c| c.is_control() && !c.is_whitespace()) {
            return None;
        }
        let mut decoded = Decoded::with_capacity(bytes.len());
        for (at, c) in inside.char_indices() {
            let (start, end) = (at, at + c.len_utf8());
            // Six bits a letter: those that hold any bit of the character.
            let last = run.start + (end * 8).div_ceil(6);
            // The padding goes with the last one.
            let last = if end == inside.len() { run.end } else { last };
            let letters = run.start + start * 8 / 6..last;
            decoded.reveal(&inside[start..end], letters);
        }
        Some(decoded)
    })
}

/// Long runs of the letters of base64. Looks at one byte in sixteen of what is none.
fn base64_runs(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let letter =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_');
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let probe = at + SHORTEST_RUN - 1;
            if !letter(bytes.get(probe)?) {
                at = probe + 1;
                continue;
            }
            let start =
                probe - bytes[at..probe].iter().rev().take_while(|byte| letter(byte)).count();
            let letters = bytes[start..].iter().take_while(|byte| letter(byte)).count();
            let padding =
                bytes[start + letters..].iter().take(2).take_while(|byte| **byte == b'=').count();
            at = start + letters + padding;
            if letters >= SHORTEST_RUN {
                return Some(start..at);
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        escapes(text).map_or_else(|| "-".to_owned(), |decoded| decoded.text)
    }

    #[test]
    fn escapes_are_taken_out() {
        for (text, expected) in [
            ("anna%40mail.example", "anna@mail.example"),
            ("M%C3%BCller 100%", "Müller 100%"),
            ("M&uuml;ller &amp; S&#246;hne &#x26;", "Müller & Söhne &"),
            ("anna=40mail.=\r\nexample", "anna@mail.example"),
            ("m j o h n @ x . d e m", "mjohn@x.dem"),
            ("100 % of A & B = 5, %zz &nothing; =\t %00", "-"),
            ("a b c d", "-"),
            ("it is a b c d e or", "-"),
            ("%C3%", "-"),
            ("%F0%9F%98%80", "😀"),
        ] {
            assert_eq!(shown(text), expected, "{text}");
        }
    }

    #[test]
    fn what_was_disguised_maps_back() {
        let text = "ü to anna%40mail.example, ok";
        let decoded = escapes(text).unwrap();
        let found = decoded.text.find("anna@mail.example").unwrap();
        let range = decoded.original(&(found..found + 17)).unwrap();
        assert_eq!(&text[range], "anna%40mail.example");
        assert_eq!(decoded.original(&(found + 19..found + 21)), None, "it was never disguised");
    }

    #[test]
    fn base64_is_read_where_it_is_text() {
        let text = "id YW5uYUBtYWlsLmV4YW1wbGU= and 9f86d081884c7d659a2feaa0c55ad015, internationalization";
        let found: Vec<Decoded> = base64(text).collect();
        assert_eq!(found.iter().map(|one| &*one.text).collect::<Vec<_>>(), ["anna@mail.example"]);
        let range = found[0].original(&(0..4)).unwrap();
        assert_eq!(&text[range], "YW5uYU", "32 bits are in six letters");
    }

    proptest! {
        /// Whatever the text: the map never goes back and cuts no character.
        #[test]
        fn maps_are_monotone_and_on_boundaries(
            text in "([a-z]|ü|%|&|=|;|#|4|0|C3|BC|amp| |\n|=\r\n|YW5uYUBtYWlsLmV4YW1wbGU=){0,40}"
        ) {
            for decoded in escapes(&text).into_iter().chain(base64(&text)) {
                prop_assert_eq!(decoded.map.len(), decoded.text.len());
                prop_assert!(decoded.map.is_sorted_by_key(|entry| entry.0));
                for (at, c) in decoded.text.char_indices() {
                    let (start, end) = decoded.map[at];
                    prop_assert!(start < end && text.get(start as usize..end as usize).is_some());
                    prop_assert_eq!(decoded.map[at + c.len_utf8() - 1], (start, end));
                }
            }
        }
    }
}
