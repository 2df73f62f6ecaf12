//! How a container writes a text that it holds.

use crate::mail::{self, Charset};

/// Where a text stands, as far as writing it goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Site {
    /// As it is.
    Plain,
    /// Between the quotes of a JSON string; `ascii` documents stay so.
    JsonString {
        ascii: bool,
    },
    /// A JSON number: what is none any more becomes a string.
    JsonNumber,
    /// A cell between quotes.
    Quoted,
    /// A cell without: one that needs quotes gets them.
    Bare {
        delimiter: u8,
    },
    /// Between tags.
    XmlText,
    /// Between the quotes of an attribute.
    XmlAttribute {
        quote: u8,
    },
    /// A cell of a table in Markdown.
    MarkdownCell,
    /// The value of a header field, with encoded words or without.
    Header {
        encoded: bool,
    },
    QuotedPrintable {
        charset: Charset,
        crlf: bool,
    },
    /// In lines of so many digits; the last one has an end, too, or not.
    Base64 {
        charset: Charset,
        width: u16,
        crlf: bool,
        ends: bool,
    },
}

impl Site {
    /// Whether a change of a part needs all of it to be written anew.
    pub(crate) const fn is_whole(self) -> bool {
        matches!(
            self,
            Self::JsonNumber
                | Self::Bare { .. }
                | Self::Header { encoded: true }
                | Self::Base64 { .. }
        )
    }

    /// A part of a text as it stands in the container.
    pub(crate) fn part(self, text: &str) -> String {
        match self {
            Self::JsonString { ascii } => json(text, ascii),
            Self::Quoted => text.replace('"', "\"\""),
            Self::XmlText => xml(text, None),
            Self::XmlAttribute { quote } => xml(text, Some(quote)),
            Self::MarkdownCell => text.replace('|', "\\|"),
            Self::Header { .. } => mail::header_value(text),
            Self::QuotedPrintable { charset, crlf } => mail::quoted_printable(text, charset, crlf),
            Self::Base64 { charset, width, crlf, ends } => {
                mail::base64_lines(text, charset, width, crlf, ends)
            }
            Self::Plain | Self::JsonNumber | Self::Bare { .. } => text.to_owned(),
        }
    }

    /// All of a text, with what encloses it, where it is written as a whole.
    pub(crate) fn whole(self, text: &str) -> String {
        match self {
            Self::JsonNumber if serde_json::from_str::<serde_json::Number>(text).is_err() => {
                format!("\"{}\"", json(text, false))
            }
            Self::Bare { delimiter } if needs_quotes(text, delimiter) => {
                format!("\"{}\"", Self::Quoted.part(text))
            }
            _ => self.part(text),
        }
    }
}

/// RFC 8259, section 7: quotes, backslashes and control characters are escaped.
fn json(text: &str, ascii: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '"' => escaped.push_str("\\\""),
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            c if c < ' ' || (ascii && !c.is_ascii()) => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// XML 1.0, section 2.4, and 3.3.3 for blanks in attributes.
fn xml(text: &str, quote: Option<u8>) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match (c, quote) {
            ('&', _) => escaped.push_str("&amp;"),
            ('<', _) => escaped.push_str("&lt;"),
            ('>', _) => escaped.push_str("&gt;"),
            ('"', Some(b'"')) => escaped.push_str("&quot;"),
            ('\'', Some(b'\'')) => escaped.push_str("&apos;"),
            ('\n' | '\r' | '\t', Some(_)) => escaped.push_str(&format!("&#{};", u32::from(c))),
            (c, _) => escaped.push(c),
        }
    }
    escaped
}

/// RFC 4180, section 2: what would end the cell, or begin a quoted one.
fn needs_quotes(text: &str, delimiter: u8) -> bool {
    text.starts_with('"') || text.contains(['\n', '\r', char::from(delimiter)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_container_has_its_escapes() {
        let json = Site::JsonString { ascii: false };
        assert_eq!(json.part("a\"\\\n\u{1}é"), r#"a\"\\\n\u0001é"#);
        assert_eq!(Site::JsonString { ascii: true }.part("é😀"), r"\u00e9\ud83d\ude00");
        for (text, written) in [("12e3", "12e3"), ("012", "\"012\""), ("**", "\"**\"")] {
            assert_eq!(Site::JsonNumber.whole(text), written);
        }
        let bare = Site::Bare { delimiter: b';' };
        for (text, written) in [("a,b", "a,b"), ("a;b", "\"a;b\""), ("\"a", "\"\"\"a\"")] {
            assert_eq!(bare.whole(text), written);
        }
        assert_eq!(Site::Quoted.part("a\"b"), "a\"\"b");
        assert_eq!(Site::XmlText.part("<P> & \"x\""), "&lt;P&gt; &amp; \"x\"");
        let attribute = Site::XmlAttribute { quote: b'"' };
        assert_eq!(attribute.part("a\"b'\n"), "a&quot;b'&#10;");
    }
}
