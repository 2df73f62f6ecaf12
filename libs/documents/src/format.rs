//! The formats, and how a file's name tells which one it is.

use crate::leaf::Leaf;
use crate::path::Paths;
use crate::site::Site;
use crate::{Malformed, csv, html, json, mail, markdown, xml};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// One value without a name.
    Text,
    /// RFC 8259.
    Json,
    /// A JSON text a line.
    Ndjson,
    /// RFC 4180 and its kin: `,`, `;`, tab or `|`, whichever the first line has most of.
    Csv,
    /// XML 1.0.
    Xml,
    /// One value, whose references are read as the characters that they are.
    Html,
    /// CommonMark, with tables.
    Markdown,
    /// RFC 5322 with MIME.
    Email,
}

impl Format {
    pub const ALL: [(Self, &str); 8] = [
        (Self::Text, "text"),
        (Self::Json, "json"),
        (Self::Ndjson, "ndjson"),
        (Self::Csv, "csv"),
        (Self::Xml, "xml"),
        (Self::Html, "html"),
        (Self::Markdown, "markdown"),
        (Self::Email, "email"),
    ];

    /// By the ending of a file's name; text if it is not known.
    pub fn of_file(name: &str) -> Self {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("json") => Self::Json,
            Some("ndjson" | "jsonl") => Self::Ndjson,
            Some("csv" | "tsv" | "psv") => Self::Csv,
            Some("xml") => Self::Xml,
            Some("html" | "htm") => Self::Html,
            Some("md" | "markdown") => Self::Markdown,
            Some("eml") => Self::Email,
            _ => Self::Text,
        }
    }

    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(format, _)| *format == self).map_or("text", |(_, name)| name)
    }

    /// All leaves of a document, in its order. A document that is not of the format has none.
    pub(crate) fn leaves<'t>(
        self,
        text: &'t str,
        paths: &mut Paths,
    ) -> Result<Vec<Leaf<'t>>, Malformed> {
        match self {
            Self::Text => Ok(vec![Leaf::at(text, 0..text.len(), Site::Plain)]),
            Self::Json => json::leaves(text, paths, Paths::ROOT),
            Self::Ndjson => json::lines(text, paths),
            Self::Csv => csv::leaves(text, paths),
            Self::Xml => xml::leaves(text, paths),
            Self::Html => Ok(vec![html::leaf(text)]),
            Self::Markdown => Ok(markdown::leaves(text, paths)),
            Self::Email => mail::leaves(text, paths),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_format() {
        for (name, format) in [
            ("a.json", Format::Json),
            ("b.2.JSONL", Format::Ndjson),
            ("people.tsv", Format::Csv),
            ("people.Xml", Format::Xml),
            ("page.htm", Format::Html),
            ("README.md", Format::Markdown),
            ("letter.eml", Format::Email),
            ("letter.txt", Format::Text),
            ("json", Format::Text),
        ] {
            assert_eq!(Format::of_file(name), format, "{name}");
        }
        for (format, name) in Format::ALL {
            assert_eq!(format.name(), name);
        }
    }
}
