//! What a format finds in a text: values, what they are called, where they stand.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use crate::Format;
use crate::site::Site;

/// Longer names say no more, and each value of a list would have to be searched with it.
const LONGEST_NAME: usize = 64;

/// What a value is to its document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Value,
    /// A key or a header: it may hold personal data, too.
    Name,
    Number,
}

/// What a value is called.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    /// The key or the header, in words; empty where there is none.
    pub(crate) name: Arc<str>,
    /// The column of a table, from 0.
    pub(crate) column: Option<usize>,
    /// Among the document's paths.
    pub(crate) path: usize,
}

/// A value as its format finds it.
pub(crate) struct Leaf<'t> {
    pub(crate) named: Named,
    pub(crate) kind: Kind,
    /// Without escapes.
    pub(crate) text: Cow<'t, str>,
    /// Without its quotes.
    pub(crate) place: Range<usize>,
    pub(crate) outer: Range<usize>,
    /// Byte of `text` and byte of the container, wherever the distance between both changes.
    pub(crate) steps: Vec<(usize, usize)>,
    pub(crate) site: Site,
    /// What the text itself is, where its container says so.
    pub(crate) inner: Option<Format>,
}

impl<'t> Leaf<'t> {
    /// A value that stands in its container as it is.
    pub(crate) fn at(container: &'t str, place: Range<usize>, site: Site) -> Self {
        let text = Cow::Borrowed(container.get(place.clone()).unwrap_or_default());
        let named = Named { name: Arc::from(""), column: None, path: 0 };
        let (outer, steps) = (place.clone(), Vec::new());
        Self { named, kind: Kind::Value, text, place, outer, steps, site, inner: None }
    }

    pub(crate) fn into_owned<'o>(self) -> Leaf<'o> {
        let Self { named, kind, text, place, outer, steps, site, inner } = self;
        let text = Cow::Owned(text.into_owned());
        Leaf { named, kind, text, place, outer, steps, site, inner }
    }

    /// With a name, if it has none.
    pub(crate) fn or_named(mut self, name: &Arc<str>) -> Self {
        if self.named.name.is_empty() && self.kind != Kind::Name {
            self.named.name = Arc::clone(name);
        }
        self
    }
}

/// A text that is written with escapes, read piece by piece.
pub(crate) struct Unescaped {
    pub(crate) text: String,
    pub(crate) steps: Vec<(usize, usize)>,
}

impl Unescaped {
    pub(crate) fn new(start: usize) -> Self {
        Self { text: String::new(), steps: vec![(0, start)] }
    }

    /// What stands in the container as it is.
    pub(crate) fn plain(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// What an escape stands for, which takes a range of the container.
    pub(crate) fn escape(&mut self, stands_for: &str, range: Range<usize>) {
        self.steps.push((self.text.len(), range.start));
        self.text.push_str(stands_for);
        self.steps.push((self.text.len(), range.end));
    }
}

/// A key or a header as words: `firstName`, `first_name` and `FIRST NAME` say the same.
pub(crate) fn words(name: &str) -> Arc<str> {
    let mut words = String::with_capacity(LONGEST_NAME);
    let mut before = ' ';
    for c in name.chars().take(LONGEST_NAME) {
        if before.is_lowercase() && c.is_uppercase() {
            words.push(' ');
        }
        words.push(if c.is_alphanumeric() { c } else { ' ' });
        before = c;
    }
    words.split_whitespace().collect::<Vec<_>>().join(" ").into()
}

/// Whether a name is one that programs give: those of people and their addresses are none.
pub(crate) fn is_identifier(name: &str) -> bool {
    let digits = name.bytes().filter(u8::is_ascii_digit).count();
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '$' | '@');
    digits < 5
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(is_part)
        && !name.trim_start_matches('@').contains('@')
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
            assert_eq!(&*words(name), expected);
        }
        assert_eq!(words(&"x".repeat(500)).len(), LONGEST_NAME);
    }

    #[test]
    fn names_of_programs_are_not_those_of_people() {
        for name in ["first_name", "ssn", "$ref", "@type", "x-id4", ""] {
            assert!(is_identifier(name), "{name}");
        }
        for name in ["Anna Weber", "a@example.org", "536-22-8145", "id12345", "Zoë"] {
            assert!(!is_identifier(name), "{name}");
        }
    }
}
