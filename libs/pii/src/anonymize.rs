//! Replaces findings: in one text, or in all texts of one request at once.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use crate::engine::{Engine, Options};
use crate::entity::{EntityType, Finding};
use crate::mapping::Mapping;
use crate::placeholder::{Assigner, PlaceholderKey};
use crate::residue::Residue;

/// Score of a finding that repeats another.
const REPEATED: f32 = 0.6;
/// Rounds of looking for repetitions; each starts at what the last one replaced.
const ROUNDS: usize = 8;
/// Recognizer name of such a finding.
const REPETITION: &str = "repetition";

/// What happens to a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// A placeholder that can be restored.
    Placeholder,
    /// Nothing is left.
    Redact,
    /// Letters and digits become this character, except the last `keep_last`.
    Mask { with: char, keep_last: usize },
    /// Always this text.
    Replace(String),
}

/// Which operator for which type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    pub default: Operator,
    /// A child without an entry has its parent's.
    pub by_type: BTreeMap<EntityType, Operator>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { default: Operator::Placeholder, by_type: BTreeMap::new() }
    }
}

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
    policy: Policy,
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
    pub const fn new(engine: &'e Engine, options: Options, policy: Policy) -> Self {
        Self { engine, options, policy }
    }

    /// Anonymizes one text. With placeholders only, restoring gives it back byte for byte.
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
        mut assigner: Assigner<'_>,
        slots: &[Slot<'_>],
    ) -> Result<Batch, TooMuch> {
        let mut found: Vec<Vec<Finding>> = slots.iter().map(|slot| self.detect(slot)).collect();
        self.spread(slots, &mut found)?;
        for (slot, findings) in slots.iter().zip(&mut found) {
            widen(slot, findings);
            assigner.reserve(slot.text);
            gaps(slot.text, &findings[..]).for_each(|gap| assigner.reserve(gap));
        }
        let mut results = Vec::with_capacity(slots.len());
        for (slot, findings) in slots.iter().zip(found) {
            let replaced =
                (!findings.is_empty()).then(|| self.replace(slot, &findings, &mut assigner));
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

    /// What was found in one place is personal in every place.
    fn spread(&self, slots: &[Slot<'_>], found: &mut [Vec<Finding>]) -> Result<(), TooMuch> {
        let mut types: Vec<EntityType> = Vec::new();
        let mut originals: Vec<&str> = Vec::new();
        let mut seen: HashSet<&str> = HashSet::new();
        for (slot, findings) in
            slots.iter().zip(found.iter()).filter(|(slot, _)| slot.form != Form::Opaque)
        {
            for finding in findings {
                let original = &slot.text[finding.range.clone()];
                if seen.insert(original) {
                    originals.push(original);
                    types.push(finding.entity.clone());
                }
            }
        }
        if originals.is_empty() {
            return Ok(());
        }
        let residue = Residue::new(originals.into_iter(), self.engine.names()).ok_or(TooMuch)?;
        for (slot, findings) in slots.iter().zip(found.iter_mut()) {
            // A replacement uncovers what stood against it without a gap, hence the rounds; the
            // check before sending refuses whatever should be left after the last.
            for _ in 0..ROUNDS {
                if !self.spread_once(slot.text, findings, &residue, &types) {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Adds the repetitions in one text; says whether there were any.
    fn spread_once(
        &self,
        text: &str,
        findings: &mut Vec<Finding>,
        residue: &Residue,
        types: &[EntityType],
    ) -> bool {
        let edges: HashSet<usize> =
            findings.iter().flat_map(|finding| [finding.range.start, finding.range.end]).collect();
        let before = findings.len();
        for (range, source) in residue.find(text, |at| edges.contains(&at)) {
            let found = &text[range.clone()];
            if !covered(findings, before, &range)
                && !self.options.allow_list.iter().any(|allowed| allowed == found)
            {
                let (entity, recognizer) = (types[source].clone(), Arc::from(REPETITION));
                findings.push(Finding { entity, range, score: REPEATED, recognizer });
            }
        }
        let more = findings.len() > before;
        if more {
            *findings = self.engine.resolve(std::mem::take(findings));
        }
        more
    }

    fn replace(
        &self,
        slot: &Slot<'_>,
        findings: &[Finding],
        assigner: &mut Assigner<'_>,
    ) -> String {
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
            let original = &text[finding.range.clone()];
            match self.operator(&finding.entity) {
                Operator::Placeholder => {
                    out.push('<');
                    out.push_str(&assigner.assign(&finding.entity, original));
                    out.push('>');
                }
                Operator::Redact => {}
                Operator::Mask { with, keep_last } => {
                    out.push_str(&mask(original, *with, 0, *keep_last));
                }
                Operator::Replace(replacement) => out.push_str(replacement),
            }
            at = finding.range.end;
        }
        out.push_str(&text[at..]);
        out
    }

    fn operator(&self, entity: &EntityType) -> &Operator {
        let by_type = &self.policy.by_type;
        std::iter::successors(Some(entity), |entity| self.engine.parent(entity))
            .find_map(|entity| by_type.get(entity))
            .unwrap_or(&self.policy.default)
    }
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

/// Whether one of the first `known` findings, which are sorted, holds the whole range.
fn covered(findings: &[Finding], known: usize, range: &Range<usize>) -> bool {
    let after = findings[..known].partition_point(|finding| finding.range.start <= range.start);
    after.checked_sub(1).is_some_and(|at| findings[at].range.end >= range.end)
}

/// The pieces of a text between its findings.
fn gaps<'t>(text: &'t str, findings: &'t [Finding]) -> impl Iterator<Item = &'t str> {
    let starts = std::iter::once(0).chain(findings.iter().map(|finding| finding.range.end));
    let ends =
        findings.iter().map(|finding| finding.range.start).chain(std::iter::once(text.len()));
    starts.zip(ends).map(|(start, end)| &text[start..end])
}

/// Letters and digits become `with`, but for the first and the last ones; what groups them stays.
pub fn mask(original: &str, with: char, keep_first: usize, keep_last: usize) -> String {
    let count = original.chars().filter(|c| c.is_alphanumeric()).count();
    let hidden = keep_first..count.saturating_sub(keep_last);
    let mut place = 0;
    let masked = |c: char| {
        if !c.is_alphanumeric() {
            return c;
        }
        place += 1;
        if hidden.contains(&(place - 1)) { with } else { c }
    };
    original.chars().map(masked).collect()
}
