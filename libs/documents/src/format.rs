//! The formats, and how a file's name tells which one it is.

use crate::{Malformed, Value, csv, json};

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
}

impl Format {
    pub const ALL: [(Self, &str); 4] =
        [(Self::Text, "text"), (Self::Json, "json"), (Self::Ndjson, "ndjson"), (Self::Csv, "csv")];

    /// By the ending of a file's name; text if it is not known.
    pub fn of_file(name: &str) -> Self {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("json") => Self::Json,
            Some("ndjson" | "jsonl") => Self::Ndjson,
            Some("csv" | "tsv" | "psv") => Self::Csv,
            _ => Self::Text,
        }
    }

    /// All values of a document, in its order. A document that is not of the format has none.
    pub fn values(self, document: &str) -> Result<Vec<Value<'_>>, Malformed> {
        match self {
            Self::Text => Ok(vec![Value::plain(document)]),
            Self::Json => json::values(document),
            Self::Ndjson => json::lines(document),
            Self::Csv => csv::values(document),
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
            ("letter.txt", Format::Text),
            ("json", Format::Text),
        ] {
            assert_eq!(Format::of_file(name), format, "{name}");
        }
    }
}
