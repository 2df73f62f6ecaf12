//! Large documents in pieces that can each be read by itself.

use std::ops::Range;

use crate::{Format, Malformed, csv};

/// Whole records, in order; behind the first piece, each is read with the head in front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pieces {
    /// The headers of a table, at the beginning of the document.
    pub head: usize,
    pub parts: Vec<Range<usize>>,
}

impl Format {
    /// How many bytes the headers of a table take, with the end of their line.
    ///
    /// # Errors
    /// When it is not of the format.
    pub fn head(self, text: &str) -> Result<usize, Malformed> {
        if self == Self::Csv { csv::head(text).map(|(head, _)| head) } else { Ok(0) }
    }

    /// The same, whether its first row looks like headers or not.
    ///
    /// # Errors
    /// When it is not of the format.
    pub fn first_record(self, text: &str) -> Result<usize, Malformed> {
        if self == Self::Csv { csv::head(text).map(|(_, row)| row) } else { Ok(0) }
    }

    /// Cuts a document at its records, so that no piece with its head has more than `most` bytes.
    ///
    /// # Errors
    /// When it is larger and has no records, or one of them is larger.
    pub fn pieces(self, text: &str, most: usize) -> Result<Pieces, Malformed> {
        if text.len() <= most {
            return Ok(Pieces { head: 0, parts: std::iter::once(0..text.len()).collect() });
        }
        let (head, ends) = match self {
            Self::Ndjson => {
                let ends = text.match_indices('\n').map(|(at, _)| at + 1);
                (0, ends.chain([text.len()]).collect())
            }
            Self::Csv => csv::rows(text)?,
            _ => {
                return Err(Malformed::at(text, 0, "too large, and not made of records to cut at"));
            }
        };
        let (mut parts, mut start, mut last) = (Vec::new(), 0, 0);
        for end in ends {
            let room = if start == 0 { most } else { most.saturating_sub(head) };
            if end - start > room && last > start {
                parts.push(start..last);
                start = last;
            }
            let room = if start == 0 { most } else { most.saturating_sub(head) };
            if end - start > room {
                return Err(Malformed::at(text, start, "a record that is larger than a piece"));
            }
            last = end;
        }
        parts.push(start..text.len());
        parts.retain(|part| !part.is_empty());
        Ok(Pieces { head, parts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(format: Format, text: &str, most: usize) -> Vec<&str> {
        let pieces = format.pieces(text, most).unwrap();
        pieces.parts.into_iter().map(|part| &text[part]).collect()
    }

    #[test]
    fn pieces_are_whole_records() {
        let table = "a,b\n1,\"x\ny\"\n2,z\n3,5\"\n4,\n";
        assert_eq!(cut(Format::Csv, table, 99), [table]);
        assert_eq!(cut(Format::Csv, table, 13), ["a,b\n1,\"x\ny\"\n", "2,z\n3,5\"\n", "4,\n"]);
        assert_eq!(Format::Csv.pieces(table, 13).unwrap().head, 4);
        assert_eq!(
            (Format::Csv.head(table), Format::Csv.first_record("1,2\n3,4\n")),
            (Ok(4), Ok(4))
        );
        assert_eq!((Format::Csv.head("1,2\n3,4\n"), Format::Json.head("[]")), (Ok(0), Ok(0)));
        assert_eq!(cut(Format::Ndjson, "{}\n{}\n\n{}", 6), ["{}\n{}\n", "\n{}"]);
    }

    #[test]
    fn what_cannot_be_cut_says_where() {
        assert_eq!(Format::Json.pieces("[1,2]", 3).unwrap_err().line, 1);
        assert_eq!(Format::Ndjson.pieces("{}\n{   }\n{}\n", 4).unwrap_err().line, 2);
        assert_eq!(Format::Csv.pieces("a,b\n1,\"2\n", 4).unwrap_err().line, 2);
    }
}
