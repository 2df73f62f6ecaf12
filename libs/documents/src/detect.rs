//! Findings in the bytes of a document.

use std::ops::Range;

use pii::{Engine, Finding, Options};

use crate::{Document, FieldRule, Format, Malformed, Search};

/// Everything personal in a document, in its own bytes: sorted, without overlaps.
pub fn detect(
    engine: &Engine,
    options: &Options,
    format: Format,
    fields: &[FieldRule],
    text: &str,
) -> Result<Vec<Finding>, Malformed> {
    let document = Document::read(format, text)?;
    let search = Search {
        detect: &|text| engine.detect(text, options),
        accepts: &|finding, text| {
            finding.score >= options.min_score && !options.allow_list.iter().any(|one| one == text)
        },
        fields,
    };
    let positions = document.searched(fields);
    let found = document.find(&positions, &search);
    let parts = positions.into_iter().zip(found);
    let parts = parts.flat_map(|(at, found)| found.into_iter().map(move |finding| (at, finding)));
    Ok(document.placed(parts).into_iter().map(|placed| placed.finding).collect())
}

/// A finding in the bytes of a document, and in which value.
#[derive(Debug, Clone)]
pub struct Placed {
    pub finding: Finding,
    /// The position in [`Document::values`].
    pub value: usize,
    /// In the value's text.
    pub part: Range<usize>,
}

impl Document<'_> {
    /// Findings of values, in order, as findings of the document.
    #[must_use]
    pub fn placed(&self, found: impl Iterator<Item = (usize, Finding)>) -> Vec<Placed> {
        let mut end = 0;
        let place = |(value, finding): (usize, Finding)| {
            let part = finding.range.clone();
            let mut range = self.place(self.values().get(value)?, &part);
            // Of an encoding that packs characters together, two may share one.
            range.start = range.start.max(end);
            end = end.max(range.end);
            let finding = Finding { range, ..finding };
            (!finding.range.is_empty()).then_some(Placed { finding, value, part })
        };
        found.filter_map(place).collect()
    }
}
