//! A value of a document: what it says, what it is called, where it stands.

use std::borrow::Cow;
use std::ops::Range;

/// A text, or a long number, of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value<'d> {
    /// The key or the header, in words; empty where there is none.
    pub name: String,
    /// The column of a table, from 0.
    pub column: Option<usize>,
    /// Without escapes.
    pub text: Cow<'d, str>,
    /// Where the document has it, without its quotes.
    pub place: Range<usize>,
    /// Byte of `text` and byte of the document, wherever the distance between both changes.
    pub(crate) steps: Vec<(usize, usize)>,
}

impl<'d> Value<'d> {
    /// A value that stands in the document as it is.
    pub(crate) fn at(document: &'d str, place: Range<usize>) -> Self {
        let text = document.get(place.clone()).unwrap_or_default();
        let (name, steps) = (String::new(), vec![(0, place.start)]);
        Self { name, column: None, text: Cow::Borrowed(text), place, steps }
    }

    pub(crate) fn plain(document: &'d str) -> Self {
        Self::at(document, 0..document.len())
    }

    /// Where a part of the text stands in the document.
    pub fn in_document(&self, part: &Range<usize>) -> Range<usize> {
        self.byte(part.start)..self.byte(part.end)
    }

    fn byte(&self, of_text: usize) -> usize {
        let after = self.steps.partition_point(|(text, _)| *text <= of_text);
        let step = after.checked_sub(1).and_then(|at| self.steps.get(at));
        let (text, document) = step.copied().unwrap_or((0, self.place.start));
        (document + (of_text - text)).min(self.place.end)
    }
}

/// A key or a header as words: `firstName`, `first_name` and `FIRST NAME` say the same.
pub(crate) fn words(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 4);
    let mut before = ' ';
    for c in name.chars() {
        if before.is_lowercase() && c.is_uppercase() {
            words.push(' ');
        }
        words.push(if c.is_alphanumeric() { c } else { ' ' });
        before = c;
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words() {
        for (name, expected) in [
            ("firstName", "first Name"),
            ("date_of-birth", "date of birth"),
            ("SSN", "SSN"),
            ("  ", ""),
            ("straßeNr", "straße Nr"),
        ] {
            assert_eq!(words(name), expected);
        }
    }
}
