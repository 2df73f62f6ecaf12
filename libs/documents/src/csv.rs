//! Tables with delimiters (RFC 4180), and what programs write in its name: other delimiters,
//! line feeds alone, a byte order mark.

use std::borrow::Cow;
use std::ops::Range;

use crate::value::words;
use crate::{Malformed, Value};

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];
const BOM: &str = "\u{feff}";

/// The values of all rows, with the headers as names if the first row looks like headers. The
/// headers themselves are no values.
pub(crate) fn values(document: &str) -> Result<Vec<Value<'_>>, Malformed> {
    let delimiter = delimiter(document);
    let mut rest = Rest { document, at: if document.starts_with(BOM) { BOM.len() } else { 0 } };
    let mut headers: Option<Vec<String>> = None;
    let mut found = Vec::new();
    while rest.at < document.len() {
        let row = rest.row(delimiter)?;
        match &headers {
            None if are_headers(&row) => {
                headers = Some(row.iter().map(|value| words(&value.text)).collect());
            }
            None => {
                headers = Some(Vec::new());
                found.extend(row);
            }
            Some(headers) => found.extend(row.into_iter().enumerate().map(|(column, value)| {
                Value { name: headers.get(column).cloned().unwrap_or_default(), ..value }
            })),
        }
    }
    found.retain(|value| !value.text.trim().is_empty());
    Ok(found)
}

/// Whichever the first line has most of; a comma if it has none.
fn delimiter(document: &str) -> u8 {
    let first = document.lines().next().unwrap_or_default().as_bytes();
    let count = |delimiter: &u8| first.iter().filter(|byte| *byte == delimiter).count();
    // Of equals the last is the greatest: the comma has to come last.
    let most = DELIMITERS.into_iter().rev().max_by_key(count);
    most.unwrap_or(b',')
}

/// Headers are short words: no digits to begin with, no addresses, none twice, none empty.
fn are_headers(row: &[Value<'_>]) -> bool {
    let texts: Vec<String> = row.iter().map(|value| value.text.trim().to_lowercase()).collect();
    let is_header = |text: &String| {
        text.len() <= 64
            && text.starts_with(char::is_alphabetic)
            && !text.contains('@')
            && text.chars().filter(char::is_ascii_digit).count() <= 2
    };
    let twice = |(at, text)| texts.iter().take(at).any(|before| before == text);
    row.len() > 1 && texts.iter().all(is_header) && !texts.iter().enumerate().any(twice)
}

struct Rest<'d> {
    document: &'d str,
    at: usize,
}

impl<'d> Rest<'d> {
    fn row(&mut self, delimiter: u8) -> Result<Vec<Value<'d>>, Malformed> {
        let mut row = Vec::new();
        loop {
            let column = Some(row.len());
            row.push(Value { column, ..self.field(delimiter)? });
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
        self.document.as_bytes().get(self.at).copied()
    }

    fn field(&mut self, delimiter: u8) -> Result<Value<'d>, Malformed> {
        if self.peek() == Some(b'"') {
            return self.quoted(delimiter);
        }
        let rest = self.document.as_bytes().get(self.at..).unwrap_or_default();
        let ends = |byte: &u8| *byte == delimiter || *byte == b'\n' || *byte == b'\r';
        let length = rest.iter().position(ends).unwrap_or(rest.len());
        let place = self.at..self.at + length;
        self.at = place.end;
        Ok(Value::at(self.document, place))
    }

    fn quoted(&mut self, delimiter: u8) -> Result<Value<'d>, Malformed> {
        let open = self.at;
        let mut at = open + 1;
        let bytes = self.document.as_bytes();
        let mut doubled = Vec::new();
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let Some(quote) = rest.iter().position(|byte| *byte == b'"') else {
                return Err(Malformed::at(self.document, open, "a quote that is never closed"));
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
                Err(Malformed::at(self.document, self.at, "text behind a closing quote"))
            }
            _ => Ok(unquoted(self.document, open + 1..at, &doubled)),
        }
    }
}

/// A field without its quotes, and each doubled quote as one.
fn unquoted<'d>(document: &'d str, place: Range<usize>, doubled: &[usize]) -> Value<'d> {
    let mut value = Value::at(document, place.clone());
    if doubled.is_empty() {
        return value;
    }
    let (mut text, mut from) = (String::with_capacity(place.len()), place.start);
    for quote in doubled {
        text.push_str(document.get(from..=*quote).unwrap_or_default());
        from = quote + 2;
        value.steps.push((text.len(), from));
    }
    text.push_str(document.get(from..place.end).unwrap_or_default());
    value.text = Cow::Owned(text);
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(document: &str) -> Vec<(String, usize, String)> {
        let values = values(document).unwrap().into_iter();
        values.map(|value| (value.name, value.column.unwrap(), value.text.into_owned())).collect()
    }

    fn row<const N: usize>(expected: [(&str, usize, &str); N]) -> Vec<(String, usize, String)> {
        expected.map(|(name, column, text)| (name.to_owned(), column, text.to_owned())).into()
    }

    #[test]
    fn values_have_headers_and_columns() {
        let table = "\u{feff}first_name;Note;id\r\nZoë;\"a \"\"b\"\"; c\r\nd\";\r\n;x;7\r\n";
        let expected = row([
            ("first name", 0, "Zoë"),
            ("Note", 1, "a \"b\"; c\r\nd"),
            ("Note", 1, "x"),
            ("id", 2, "7"),
        ]);
        assert_eq!(shown(table), expected);
        let bare = row([("", 0, "Ann"), ("", 1, "a@b.org"), ("", 0, "Bob"), ("", 1, "c@d.org")]);
        assert_eq!(shown("Ann,a@b.org\nBob,c@d.org"), bare);
        assert_eq!(shown(""), []);
    }

    #[test]
    fn parts_are_found_in_the_document() {
        let table = "name,said\nx,\"\"\"Ann\"\" and \"\"Zoë\"\"\"\n";
        let value = values(table).unwrap().pop().unwrap();
        for (part, raw) in [("Ann", "Ann"), ("Zoë", "Zoë"), ("\"Zoë", "\"\"Zoë")] {
            let at = value.text.find(part).unwrap();
            assert_eq!(&table[value.in_document(&(at..at + part.len()))], raw);
        }
    }

    #[test]
    fn quotes_that_do_not_fit_say_the_line() {
        for (table, line) in [("a,b\nc,\"d", 2), ("a,b\nc,\"d\"e\n", 2), ("\"\"\"", 1)] {
            assert_eq!(values(table).unwrap_err().line, line, "{table}");
        }
    }
}
