//! A document through a policy.

use documents::{Broken, Document, Format, Placed, Search};
use pii::{Finding, Mapping, TooMuch};
use transform::{Change, Context, Operator, Transformed, Transformer};
use zeroize::Zeroizing;

use crate::error::RewriteError;
use crate::form::Form;
use crate::restore::{Patch, restore};

/// Adds to the findings of a text what repeats one of them.
pub type Repeated<'a> = dyn Fn(&str, Vec<Finding>) -> Result<Vec<Finding>, TooMuch> + 'a;

/// What is to be done with a document.
pub struct Work<'a> {
    pub format: Format,
    pub search: Search<'a>,
    pub repeated: &'a Repeated<'a>,
    pub transformer: &'a Transformer,
    pub context: Context<'a>,
}

/// What the values of a document become.
pub struct Made {
    format: Format,
    positions: Vec<usize>,
    findings: Vec<Finding>,
    /// All values as one text.
    pub text: String,
    /// What becomes of it.
    pub transformed: Transformed,
}

/// A document after its policy.
pub struct Done<'d> {
    pub text: String,
    /// The document as it was.
    pub document: Document<'d>,
    pub findings: Vec<Placed>,
    /// What became of each finding, and of tokens that stood in the document, in order of it and
    /// in its own bytes.
    pub changes: Vec<Change>,
    /// What restores its placeholders.
    pub mapping: Mapping,
    /// What placeholders and tokens alone would not give back to the byte.
    pub patches: Vec<Patch>,
}

/// Finds what is personal in a document, and makes what is to stand there.
///
/// # Errors
/// When the document is not of its format, or a value does not fit its operator.
pub fn make(work: &Work<'_>, text: &str) -> Result<Made, RewriteError> {
    let document = Document::read(work.format, text)?;
    let positions = document.searched(work.search.fields);
    let form = Form::new(&document, &positions);
    let found = form.lay(document.find(&positions, &work.search));
    let findings = form.clip((work.repeated)(&form.text, found)?);
    let transformed = work.transformer.transform(&form.text, &findings, &work.context)?;
    let (format, text) = (work.format, form.text);
    Ok(Made { format, positions, findings, text, transformed })
}

impl Made {
    /// Writes it where it belongs. `open` gives back what stood behind the tokens of a value;
    /// placeholders are none of its business.
    ///
    /// # Errors
    /// When the document, which is the one this was made of, would become another.
    pub fn write<'d>(
        self,
        text: &'d str,
        open: &dyn Fn(&str) -> String,
    ) -> Result<Done<'d>, RewriteError> {
        let Self { format, positions, findings, transformed: made, .. } = self;
        let document = Document::read(format, text)?;
        let form = Form::new(&document, &positions);
        let written = document.write(form.edits(&made.text, made.changes.iter()), Vec::new());
        let new = document.same(format, &written)?;
        let after = form.after(made.text.clone(), &made.changes);
        if !after.is_of(&new) {
            return Err(Broken.into());
        }
        let placed = |change: Change| {
            let (field, range) = form.part(&change.range)?;
            let (now, output) = after.part(&change.output)?;
            let (was, is) = (document.values().get(field.value)?, new.values().get(now.value)?);
            let (range, output) = (document.place(was, &range), new.place(is, &output));
            Some(Change { range, output, ..change })
        };
        let changes = made.all(&findings).into_iter().filter_map(placed).collect();
        let trip = Trip { format, document: &document, form: &form, made: &made, new: &new };
        let patches = trip.patches(open)?;
        let parts = findings.into_iter().filter_map(|finding| {
            let (field, range) = form.part(&finding.range)?;
            Some((field.value, Finding { range, ..finding }))
        });
        let findings = document.placed(parts);
        Ok(Done { text: written, document, findings, changes, mapping: made.mapping, patches })
    }
}

/// A document, and what has become of it.
struct Trip<'a> {
    format: Format,
    document: &'a Document<'a>,
    form: &'a Form,
    made: &'a Transformed,
    new: &'a Document<'a>,
}

impl Trip<'_> {
    /// Tries the way back, and keeps what it would not give. What no operator gives back is not
    /// meant to come back this way either.
    fn patches(&self, open: &dyn Fn(&str) -> String) -> Result<Vec<Patch>, RewriteError> {
        if !self.made.changes.iter().any(comes_back) {
            return Ok(Vec::new());
        }
        let lost = self.made.changes.iter().filter(|change| !comes_back(change));
        let goal = self.document.write(self.form.edits(&self.made.text, lost), Vec::new());
        let written = self.new.whole();
        let way = |patches: &[Patch]| {
            let mut open = |text: &str| Ok::<_, Broken>(self.made.mapping.restore(&open(text)));
            restore(self.format, written, patches, &mut open).map_err(|_| Broken)
        };
        let back = way(&[])?;
        if back == goal {
            return Ok(Vec::new());
        }
        let patches = self.differing(&back, &goal).unwrap_or_default();
        if way(&patches)? == goal {
            return Ok(patches);
        }
        // Whatever it is that escapes us: all of it.
        Ok(vec![Patch { place: 0..written.len(), original: Zeroizing::new(goal) }])
    }

    /// The texts of the document that the way back does not give.
    fn differing(&self, back: &str, goal: &str) -> Option<Vec<Patch>> {
        let came = self.document.same(self.format, back).ok()?;
        let wanted = self.document.same(self.format, goal).ok()?;
        let mut patches: Vec<Patch> = Vec::new();
        let all = self.new.values().iter().zip(came.values()).zip(wanted.values());
        for ((is, came_value), wanted_value) in all {
            let place = self.new.unit(is);
            let original = goal.get(wanted.unit(wanted_value))?;
            let known = patches.last().is_some_and(|last| last.place == place);
            if !known && back.get(came.unit(came_value))? != original {
                patches.push(Patch { place, original: Zeroizing::new(original.to_owned()) });
            }
        }
        Some(patches)
    }
}

/// Not by way of the vault: who may have that back, and for how long, is the vault's business.
fn comes_back(change: &Change) -> bool {
    [Operator::Placeholder, Operator::Encrypt, Operator::FormatPreserving]
        .iter()
        .any(|operator| operator.name() == change.operator)
}
