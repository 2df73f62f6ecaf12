//! What a change of policy would do, on a sample.

use std::collections::BTreeMap;

use pii::{EntityType, Finding};

use super::Policy;

/// What becomes of the findings of one type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeChange {
    /// The names of the operators before and after.
    pub before: &'static str,
    pub after: &'static str,
    /// How many of the sample's findings were left as they are, and are not any more.
    pub newly_covered: usize,
    /// How many were changed, and would be left as they are.
    pub newly_uncovered: usize,
    /// How many are changed either way, but by another rule.
    pub otherwise_changed: usize,
    pub same: usize,
}

/// What a change of policy would do to a sample. Holds positions and types, no texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// Positions in the sample.
    pub newly_covered: Vec<usize>,
    pub newly_uncovered: Vec<usize>,
    pub by_type: BTreeMap<EntityType, TypeChange>,
}

/// Compares two policies on the findings of a sample. The sample must have been searched with a
/// threshold as low as the lower of the two, or what they leave out is not in it.
#[must_use]
pub fn compare(before: &Policy, after: &Policy, sample: &[Finding]) -> Comparison {
    let mut comparison = Comparison::default();
    for (index, finding) in sample.iter().enumerate() {
        let entity = &finding.entity;
        let rules = [before.rule(entity), after.rule(entity)];
        let entry = comparison.by_type.entry(entity.clone()).or_insert_with(|| TypeChange {
            before: rules[0].operator().name(),
            after: rules[1].operator().name(),
            ..TypeChange::default()
        });
        let covers = |policy: &Policy| policy.covers(entity, finding.score);
        match (covers(before), covers(after)) {
            (false, true) => {
                entry.newly_covered += 1;
                comparison.newly_covered.push(index);
            }
            (true, false) => {
                entry.newly_uncovered += 1;
                comparison.newly_uncovered.push(index);
            }
            (true, true) if rules[0] != rules[1] => entry.otherwise_changed += 1,
            _ => entry.same += 1,
        }
    }
    comparison
}
