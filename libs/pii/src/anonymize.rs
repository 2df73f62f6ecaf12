//! Replaces findings: in one text, or in all texts of one request at once.

use std::sync::Arc;

use crate::engine::{Engine, Options};
use crate::entity::{EntityType, Finding};
use crate::mapping::Mapping;
use crate::placeholder::{Assigner, PlaceholderKey};
use crate::repetition;

/// A text without its personal data.
pub struct Anonymized {
    pub text: String,
    pub mapping: Mapping,
    /// What was replaced, in offsets of the input.
    pub findings: Vec<Finding>,
}

/// The originals cannot be compared with the text any more: there are too many of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the text holds more personal data than can be handled at once")]
pub struct TooMuch;

/// Finds and replaces.
pub struct Anonymizer<'e> {
    engine: &'e Engine,
    options: Options,
}

/// What a replacement must look like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Form {
    /// Free text.
    Text,
    /// A name or id of limited characters: replaced as a whole if it holds anything personal.
    Token,
    /// The name of a participant: always replaced.
    Name,
    /// An identifier of the end user: always replaced, never needed back.
    Opaque,
}

/// One text of a request, with the name of its field, which is context for what it holds.
pub(crate) struct Slot<'t> {
    pub(crate) label: &'t str,
    pub(crate) form: Form,
    pub(crate) text: &'t str,
}

/// What becomes of the texts of one request.
pub(crate) struct Batch {
    /// For each slot: its findings and, where there are any, its new text.
    pub(crate) results: Vec<(Vec<Finding>, Option<String>)>,
    pub(crate) mapping: Mapping,
}

impl<'e> Anonymizer<'e> {
    pub const fn new(engine: &'e Engine, options: Options) -> Self {
        Self { engine, options }
    }

    /// Anonymizes one text. Restoring gives it back byte for byte.
    pub fn anonymize(&self, key: &PlaceholderKey, text: &str) -> Result<Anonymized, TooMuch> {
        let mut batch =
            self.anonymize_all(Assigner::new(key), &[Slot { label: "", form: Form::Text, text }])?;
        let (findings, replaced) = batch.results.pop().unwrap_or_default();
        Ok(Anonymized {
            text: replaced.unwrap_or_else(|| text.to_owned()),
            mapping: batch.mapping,
            findings,
        })
    }

    /// Anonymizes texts that belong together: one subject has one placeholder in all of them.
    pub(crate) fn anonymize_all(
        &self,
        mut assigner: Assigner,
        slots: &[Slot<'_>],
    ) -> Result<Batch, TooMuch> {
        let mut found: Vec<Vec<Finding>> = slots.iter().map(|slot| self.detect(slot)).collect();
        repetition::spread(self.engine, slots, &mut found, &|text| {
            self.options.allow_list.iter().any(|allowed| allowed == text)
        })?;
        for (slot, findings) in slots.iter().zip(&mut found) {
            widen(slot, findings);
            assigner.reserve_all(slot.text, findings.iter().map(|finding| finding.range.clone()));
        }
        let mut results = Vec::with_capacity(slots.len());
        for (slot, findings) in slots.iter().zip(found) {
            let replaced = (!findings.is_empty()).then(|| replaced(slot, &findings, &mut assigner));
            results.push((findings, replaced));
        }
        Ok(Batch { results, mapping: assigner.finish() })
    }

    /// Detection with the field's name in front, as if the text were a line of a form.
    fn detect(&self, slot: &Slot<'_>) -> Vec<Finding> {
        match slot.form {
            Form::Name => return whole(slot, "PERSON"),
            Form::Opaque => return whole(slot, "ID_NUMBER"),
            Form::Text | Form::Token => {}
        }
        if slot.label.is_empty() {
            return self.engine.detect(slot.text, &self.options);
        }
        let prefix = format!("{}: ", slot.label);
        let mut findings = self.engine.detect(&format!("{prefix}{}", slot.text), &self.options);
        findings.retain(|finding| finding.range.end > prefix.len());
        for finding in &mut findings {
            finding.range =
                finding.range.start.saturating_sub(prefix.len())..finding.range.end - prefix.len();
        }
        findings
    }
}

fn replaced(slot: &Slot<'_>, findings: &[Finding], assigner: &mut Assigner) -> String {
    let text = slot.text;
    match (slot.form, findings) {
        (Form::Text, _) | (_, []) => {}
        // The characters of names and ids are limited: no brackets.
        (Form::Opaque, _) => return assigner.opaque(text),
        (Form::Token | Form::Name, [first, ..]) => return assigner.assign(&first.entity, text),
    }
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for finding in findings {
        out.push_str(&text[at..finding.range.start]);
        out.push_str(&assigner.placeholder(&finding.entity, &text[finding.range.clone()]));
        at = finding.range.end;
    }
    out.push_str(&text[at..]);
    out
}

/// A field that is personal by what it is.
fn whole(slot: &Slot<'_>, entity: &str) -> Vec<Finding> {
    let range = 0..slot.text.len();
    let recognizer = Arc::from("field");
    if range.is_empty() {
        Vec::new()
    } else {
        vec![Finding { entity: EntityType::new(entity), range, score: 1.0, recognizer }]
    }
}

/// A token is replaced as a whole or not at all.
fn widen(slot: &Slot<'_>, findings: &mut Vec<Finding>) {
    if slot.form == Form::Token && !findings.is_empty() {
        findings.truncate(1);
        findings[0].range = 0..slot.text.len();
    }
}
