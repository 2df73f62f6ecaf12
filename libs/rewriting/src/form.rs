//! The values of a document as one text.

use std::ops::Range;

use documents::{Document, Edit};
use pii::Finding;
use transform::Change;

/// Between two values: no word, and no blank that a name could reach over.
const BETWEEN: &str = "\n\u{1}\n";

/// A value in the form.
pub(crate) struct Field {
    /// The position among the document's values.
    pub(crate) value: usize,
    pub(crate) range: Range<usize>,
}

pub(crate) struct Form {
    pub(crate) text: String,
    fields: Vec<Field>,
}

impl Form {
    pub(crate) fn new(document: &Document<'_>, positions: &[usize]) -> Self {
        let mut form = Self { text: String::new(), fields: Vec::with_capacity(positions.len()) };
        for position in positions {
            let Some(value) = document.values().get(*position) else { continue };
            let start = form.text.len();
            form.text.push_str(document.text(value));
            form.fields.push(Field { value: *position, range: start..form.text.len() });
            form.text.push_str(BETWEEN);
        }
        form
    }

    /// Findings of values as findings of the form.
    pub(crate) fn lay(&self, found: Vec<Vec<Finding>>) -> Vec<Finding> {
        let laid = self.fields.iter().zip(found).flat_map(|(field, found)| {
            let start = field.range.start;
            found.into_iter().map(move |finding| {
                let range = start + finding.range.start..start + finding.range.end;
                Finding { range, ..finding }
            })
        });
        laid.collect()
    }

    /// Findings that reach over several values as one in each.
    pub(crate) fn clip(&self, findings: Vec<Finding>) -> Vec<Finding> {
        let mut clipped = Vec::with_capacity(findings.len());
        for finding in findings {
            let first = self.fields.partition_point(|field| field.range.end <= finding.range.start);
            let fields = self.fields.get(first..).unwrap_or_default().iter();
            for field in fields.take_while(|field| field.range.start < finding.range.end) {
                let start = finding.range.start.max(field.range.start);
                let range = start..finding.range.end.min(field.range.end);
                if !range.is_empty() {
                    clipped.push(Finding { range, ..finding.clone() });
                }
            }
        }
        clipped
    }

    /// The value that holds a part of the form, and the part in its text.
    pub(crate) fn part(&self, range: &Range<usize>) -> Option<(&Field, Range<usize>)> {
        let at = self.fields.partition_point(|field| field.range.end < range.end);
        let field = self.fields.get(at)?;
        let start = range.start.checked_sub(field.range.start)?;
        Some((field, start..range.end - field.range.start))
    }

    /// Changes of the form, whose new text is given, as edits of values.
    pub(crate) fn edits<'c>(
        &self,
        new: &str,
        changes: impl Iterator<Item = &'c Change>,
    ) -> Vec<Edit> {
        let edit = |change: &Change| {
            let (field, range) = self.part(&change.range)?;
            let with = new.get(change.output.clone())?.to_owned();
            Some(Edit { value: field.value, range, with })
        };
        changes.filter_map(edit).collect()
    }

    /// The form after changes: the same values, where they are now.
    pub(crate) fn after(&self, text: String, changes: &[Change]) -> Self {
        let (mut next, mut from, mut to) = (changes.iter().peekable(), 0, 0);
        let mut moved = |at: usize| {
            while let Some(change) = next.next_if(|change| change.range.end <= at) {
                (from, to) = (change.range.end, change.output.end);
            }
            to + (at - from)
        };
        let fields = self.fields.iter().map(|field| {
            // A value may begin with a change, which is not behind its start.
            let start = moved(field.range.start);
            Field { value: field.value, range: start..moved(field.range.end) }
        });
        let fields = fields.collect();
        Self { text, fields }
    }

    /// Whether a document holds these values.
    pub(crate) fn is_of(&self, document: &Document<'_>) -> bool {
        self.fields.iter().all(|field| {
            let value = document.values().get(field.value);
            value.map(|value| document.text(value)) == self.text.get(field.range.clone())
        })
    }
}
