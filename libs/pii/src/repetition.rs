//! What was found in one place is personal in every place.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use crate::anonymize::{Form, Slot, TooMuch};
use crate::engine::Engine;
use crate::entity::{EntityType, Finding};
use crate::residue::Residue;

/// Score of a finding that repeats another.
const REPEATED: f32 = 0.6;
/// Rounds of looking for repetitions; each starts at what the last one replaced.
const ROUNDS: usize = 8;
/// Recognizer name of such a finding.
pub(crate) const REPETITION: &str = "repetition";

impl Engine {
    /// The findings of a text, and with them whatever repeats one of them, in other case, spacing
    /// or grouping too. What is `allowed` is no repetition.
    pub fn repeated(
        &self,
        text: &str,
        findings: Vec<Finding>,
        allowed: &dyn Fn(&str) -> bool,
    ) -> Result<Vec<Finding>, TooMuch> {
        let mut found = [findings];
        spread(self, &[Slot { label: "", form: Form::Text, text }], &mut found, allowed)?;
        let [findings] = found;
        Ok(findings)
    }
}

/// Adds to the findings of texts that belong together what repeats any of them.
pub(crate) fn spread(
    engine: &Engine,
    slots: &[Slot<'_>],
    found: &mut [Vec<Finding>],
    allowed: &dyn Fn(&str) -> bool,
) -> Result<(), TooMuch> {
    let mut types: Vec<EntityType> = Vec::new();
    let mut originals: Vec<&str> = Vec::new();
    let mut seen: HashSet<&str> = HashSet::new();
    for (slot, findings) in
        slots.iter().zip(found.iter()).filter(|(slot, _)| slot.form != Form::Opaque)
    {
        for finding in findings.iter().filter(|found| !engine.is_common(&found.entity)) {
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
    let residue = Residue::new(originals.into_iter(), engine.names()).ok_or(TooMuch)?;
    let search = Search { engine, residue, types, allowed };
    for (slot, findings) in slots.iter().zip(found.iter_mut()) {
        // A replacement uncovers what stood against it without a gap, hence the rounds; the
        // check before sending refuses whatever should be left after the last.
        for _ in 0..ROUNDS {
            if !search.once(slot.text, findings) {
                break;
            }
        }
    }
    Ok(())
}

/// What is looked for again.
struct Search<'a> {
    engine: &'a Engine,
    residue: Residue,
    /// Of each original.
    types: Vec<EntityType>,
    allowed: &'a dyn Fn(&str) -> bool,
}

impl Search<'_> {
    /// Adds the repetitions in one text; says whether there were any.
    fn once(&self, text: &str, findings: &mut Vec<Finding>) -> bool {
        let edges: HashSet<usize> =
            findings.iter().flat_map(|finding| [finding.range.start, finding.range.end]).collect();
        let before = findings.len();
        for (range, source) in self.residue.find(text, |at| edges.contains(&at)) {
            if !covered(findings, before, &range) && !(self.allowed)(&text[range.clone()]) {
                let (entity, recognizer) = (self.types[source].clone(), Arc::from(REPETITION));
                findings.push(Finding { entity, range, score: REPEATED, recognizer });
            }
        }
        let more = findings.len() > before;
        if more {
            *findings = self.engine.resolve(std::mem::take(findings));
        }
        more
    }
}

/// Whether one of the first `known` findings, which are sorted, holds the whole range.
fn covered(findings: &[Finding], known: usize, range: &Range<usize>) -> bool {
    let after = findings[..known].partition_point(|finding| finding.range.start <= range.start);
    after.checked_sub(1).is_some_and(|at| findings[at].range.end >= range.end)
}
