//! Tables with delimiters (RFC 4180), and what programs write in its name: other delimiters,
//! line feeds alone, a byte order mark.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::Malformed;
use crate::leaf::{Kind, Leaf, Named, words};
use crate::path::{Paths, Segment};
use crate::site::Site;

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
const BOM: &str = "\u{feff}";

/// The cells of all rows, with the headers as names if the first row looks like headers.
pub(crate) fn leaves<'t>(text: &'t str, paths: &mut Paths) -> Result<Vec<Leaf<'t>>, Malformed> {
    let delimiter = delimiter(text);
    let mut rest = Rest { text, at: if text.starts_with(BOM) { BOM.len() } else { 0 } };
    let mut columns = Columns::default();
    let mut found = Vec::new();
    while rest.at < text.len() {
        let mut row = rest.row(delimiter)?;
        if found.is_empty() && are_headers(&row) {
            columns.read(&row);
            row.iter_mut().for_each(|leaf| leaf.kind = Kind::Name);
        } else {
            for (column, leaf) in row.iter_mut().enumerate() {
                leaf.named = columns.named(column, paths);
            }
        }
        found.append(&mut row);
    }
    Ok(found)
}

/// Where the headers end, or 0, and where the first row does.
pub(crate) fn head(text: &str) -> Result<(usize, usize), Malformed> {
    let mut rest = Rest { text, at: if text.starts_with(BOM) { BOM.len() } else { 0 } };
    if rest.at == text.len() {
        return Ok((0, rest.at));
    }
    let row = rest.row(delimiter(text))?;
    Ok((if are_headers(&row) { rest.at } else { 0 }, rest.at))
}

/// Where the headers end, if there are any, and where each row does.
pub(crate) fn rows(text: &str) -> Result<(usize, Vec<usize>), Malformed> {
    let delimiter = delimiter(text);
    let mut rest = Rest { text, at: if text.starts_with(BOM) { BOM.len() } else { 0 } };
    let (mut head, mut ends) = (0, Vec::new());
    while rest.at < text.len() {
        let row = rest.row(delimiter)?;
        if ends.is_empty() && are_headers(&row) {
            head = rest.at;
        }
        ends.push(rest.at);
    }
    Ok((head, ends))
}

/// What the columns are called.
#[derive(Default)]
struct Columns {
    /// In words, and as they stand there.
    headers: Vec<(Arc<str>, Box<str>)>,
    /// Of each column; all rows are alike.
    paths: Vec<usize>,
}

impl Columns {
    fn read(&mut self, row: &[Leaf<'_>]) {
        let header = |leaf: &Leaf<'_>| (words(&leaf.text), leaf.text.trim().into());
        self.headers = row.iter().map(header).collect();
    }

    fn named(&mut self, column: usize, paths: &mut Paths) -> Named {
        while self.paths.len() <= column {
            let header = self.headers.get(self.paths.len()).map(|(_, header)| header.clone());
            let cell = Segment::Cell(header.unwrap_or_default(), self.paths.len());
            self.paths.push(paths.push(Paths::ROOT, cell));
        }
        let path = self.paths.get(column).copied().unwrap_or(Paths::ROOT);
        let name = self.headers.get(column).map(|(name, _)| Arc::clone(name));
        Named { name: name.unwrap_or_else(|| Arc::from("")), column: Some(column), path }
    }
}

/// Whichever the first line has most of outside quotes; a comma if it has none.
fn delimiter(text: &str) -> u8 {
    let mut counts = [0_usize; DELIMITERS.len()];
    let mut quoted = false;
    for byte in text.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\r' | b'\n' if !quoted => break,
            _ if quoted => {}
            byte => {
                let place = DELIMITERS.iter().position(|delimiter| *delimiter == byte);
                place.and_then(|at| counts.get_mut(at)).into_iter().for_each(|count| *count += 1);
            }
        }
    }
    // Of equals the last is the greatest: the comma has to come last.
    let most = DELIMITERS.into_iter().zip(counts).rev().max_by_key(|(_, count)| *count);
    most.map_or(b',', |(delimiter, _)| delimiter)
}

/// Headers are short words: no digits to begin with, no addresses, none twice, none empty.
fn are_headers(row: &[Leaf<'_>]) -> bool {
    let texts: Vec<String> = row.iter().map(|leaf| leaf.text.trim().to_lowercase()).collect();
    let is_header = |text: &String| {
        text.len() <= 64
            && text.starts_with(char::is_alphabetic)
            && !text.contains('@')
            && text.chars().filter(char::is_ascii_digit).count() <= 2
    };
    let distinct: std::collections::HashSet<&String> = texts.iter().collect();
    row.len() > 1 && texts.iter().all(is_header) && distinct.len() == texts.len()
}

struct Rest<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Rest<'t> {
    fn row(&mut self, delimiter: u8) -> Result<Vec<Leaf<'t>>, Malformed> {
        let mut row = Vec::new();
        loop {
            row.push(self.field(delimiter)?);
            match self.peek() {
                Some(byte) if byte == delimiter => self.at += 1,
                _ => break,
            }
        }
        // The end of the row: CRLF, LF, or that of the document.
        if self.peek() == Some(b'\r') {
            self.at += 1;
        }
        if self.peek() == Some(b'\n') {
            self.at += 1;
        }
        Ok(row)
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn field(&mut self, delimiter: u8) -> Result<Leaf<'t>, Malformed> {
        if self.peek() == Some(b'"') {
            return self.quoted(delimiter);
        }
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        let ends = |byte: &u8| *byte == delimiter || *byte == b'\n' || *byte == b'\r';
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        let place = self.at..self.at + length;
        self.at = place.end;
        Ok(Leaf::at(self.text, place, Site::Bare { delimiter }))
    }

    fn quoted(&mut self, delimiter: u8) -> Result<Leaf<'t>, Malformed> {
        let open = self.at;
        let mut at = open + 1;
        let bytes = self.text.as_bytes();
        let mut doubled = Vec::new();
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(quote) = rest.iter().position(|byte| *byte == b'"') else {
                return Err(Malformed::at(self.text, open, "a quote that is never closed"));
            };
            at += quote;
            if bytes.get(at + 1) != Some(&b'"') {
                break;
            }
            doubled.push(at);
            at += 2;
        }
        self.at = at + 1;
        match self.peek() {
            Some(byte) if byte != delimiter && byte != b'\r' && byte != b'\n' => {
                Err(Malformed::at(self.text, self.at, "text behind a closing quote"))
            }
            _ => Ok(unquoted(self.text, open + 1..at, &doubled)),
        }
    }
}

/// A field without its quotes, and each doubled quote as one.
fn unquoted<'t>(container: &'t str, place: Range<usize>, doubled: &[usize]) -> Leaf<'t> {
    let outer = place.start - 1..place.end + 1;
    let mut leaf = Leaf { outer, ..Leaf::at(container, place.clone(), Site::Quoted) };
    if doubled.is_empty() {
        return leaf;
    }
    let (mut text, mut from) = (String::with_capacity(place.len()), place.start);
    for quote in doubled {
        text.push_str(container.get(from..=*quote).unwrap_or_default());
        from = quote + 2;
        leaf.steps.push((text.len(), from));
    }
    text.push_str(container.get(from..place.end).unwrap_or_default());
    leaf.text = Cow::Owned(text);
    leaf
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Result<Vec<Leaf<'_>>, Malformed> {
        leaves(text, &mut Paths::new())
    }

    fn shown(text: &str) -> Vec<(String, Option<usize>, String)> {
        let found = found(text).unwrap().into_iter();
        let shown = |leaf: Leaf<'_>| {
            (leaf.named.name.to_string(), leaf.named.column, leaf.text.into_owned())
        };
        found.filter(|leaf| leaf.kind == Kind::Value).map(shown).collect()
    }

    fn row<const N: usize>(
        expected: [(&str, usize, &str); N],
    ) -> Vec<(String, Option<usize>, String)> {
        expected.map(|(name, column, text)| (name.to_owned(), Some(column), text.into())).into()
    }

    #[test]
    fn values_have_headers_and_columns() {
        let table = "\u{feff}first_name;Note;id\r\nZoë;\"a \"\"b\"\"; c\r\nd\";\r\n;x;7\r\n";
        let expected = row([
            ("first name", 0, "Zoë"),
            ("Note", 1, "a \"b\"; c\r\nd"),
            ("id", 2, ""),
            ("first name", 0, ""),
            ("Note", 1, "x"),
            ("id", 2, "7"),
        ]);
        assert_eq!(shown(table), expected);
        assert_eq!(rows(table), Ok((23, vec![23, 46, 52])));
        let bare = row([("", 0, "Ann"), ("", 1, "a@b.org"), ("", 0, "Bob"), ("", 1, "c@d.org")]);
        assert_eq!(shown("Ann,a@b.org\nBob,c@d.org"), bare);
        assert_eq!((shown(""), rows("")), (Vec::new(), Ok((0, Vec::new()))));
        assert_eq!(shown("\"a, b, c\";1\n"), row([("", 0, "a, b, c"), ("", 1, "1")]));
    }

    #[test]
    fn quotes_that_do_not_fit_say_the_line() {
        for (table, line) in [("a,b\nc,\"d", 2), ("a,b\nc,\"d\"e\n", 2), ("\"\"\"", 1)] {
            assert_eq!(found(table).err().unwrap().line, line, "{table}");
        }
    }
}
