//! Policies: which operator for which type.

mod compare;
mod node;
mod operators;
mod read;
mod ready;
mod section;

use std::collections::BTreeMap;

use pii::{EntityInfo, EntityType};

pub use self::compare::{Comparison, TypeChange, compare};
pub use self::ready::READY;
pub use self::section::PolicyError;
use crate::operator::{Operator, Otherwise};

/// A parent of a parent and so on, at most.
const DEEPEST: usize = 8;

/// An operator, and when it is used.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    operator: Operator,
    otherwise: Otherwise,
    min_score: Option<f32>,
}

impl Rule {
    #[must_use]
    pub const fn operator(&self) -> &Operator {
        &self.operator
    }

    /// What becomes of a value that the operator does not fit.
    #[must_use]
    pub const fn otherwise(&self) -> &Otherwise {
        &self.otherwise
    }
}

/// A named set of rules. What a version of it does never changes: another rule is another
/// version.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    name: String,
    version: u32,
    description: String,
    min_score: Option<f32>,
    default: Rule,
    rules: BTreeMap<EntityType, Rule>,
    parents: BTreeMap<EntityType, EntityType>,
}

impl Policy {
    /// Reads a document, TOML or JSON: one that begins with `{` is JSON. `types` are those that
    /// detection knows; a rule for any other is an error.
    ///
    /// # Errors
    /// They name the field by its path.
    pub fn parse(document: &str, types: &[EntityInfo]) -> Result<Self, PolicyError> {
        read::policy(document, types, read::Unknown::Refused)
    }

    /// A policy that comes with Signet: one of [`READY`].
    ///
    /// # Errors
    /// When there is none of this name.
    pub fn ready(name: &str, types: &[EntityInfo]) -> Result<Self, PolicyError> {
        ready::policy(name, types)
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub const fn version(&self) -> u32 {
        self.version
    }

    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// The rule of a type: its own, that of the nearest parent, or the default.
    #[must_use]
    pub fn rule(&self, entity: &EntityType) -> &Rule {
        self.ancestors(entity).find_map(|known| self.rules.get(known)).unwrap_or(&self.default)
    }

    /// Findings below this stay as they are.
    #[must_use]
    pub fn min_score(&self, entity: &EntityType) -> f32 {
        self.threshold(entity).unwrap_or(0.0)
    }

    /// The same, if the policy itself says anything about it.
    #[must_use]
    pub fn threshold(&self, entity: &EntityType) -> Option<f32> {
        self.ancestors(entity)
            .find_map(|known| self.rules.get(known).and_then(|rule| rule.min_score))
            .or(self.default.min_score)
            .or(self.min_score)
    }

    /// Whether anything becomes of a finding.
    #[must_use]
    pub fn covers(&self, entity: &EntityType, score: f32) -> bool {
        *self.rule(entity).operator() != Operator::Keep && score >= self.min_score(entity)
    }

    /// Whether every text can be had back.
    #[must_use]
    pub fn is_reversible(&self) -> bool {
        self.operators().all(Operator::is_reversible)
    }

    /// Whether it does anything with the tenant's keys.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        self.operators().any(Operator::is_keyed)
    }

    /// Whether it makes placeholders: a text then has to have a conversation.
    #[must_use]
    pub fn makes_placeholders(&self) -> bool {
        self.operators().any(|operator| *operator == Operator::Placeholder)
    }

    /// Whether it shifts dates, by the subject of the text.
    #[must_use]
    pub fn shifts_dates(&self) -> bool {
        self.operators().any(|operator| matches!(operator, Operator::DateShift { .. }))
    }

    /// Whether values may keep their format: they come back only in the unaltered text.
    #[must_use]
    pub fn keeps_formats(&self) -> bool {
        self.operators().any(|operator| *operator == Operator::FormatPreserving)
    }

    /// All that its rules may come to.
    fn operators(&self) -> impl Iterator<Item = &Operator> {
        self.rules.values().chain([&self.default]).flat_map(|rule| {
            let other = match &rule.otherwise {
                Otherwise::Use(other) if !rule.operator.fits_all() => Some(other),
                _ => None,
            };
            [&rule.operator].into_iter().chain(other)
        })
    }

    /// A type and its parents, nearest first.
    pub(crate) fn lineage<'a>(&'a self, entity: &'a str) -> Vec<&'a str> {
        let parent_of = |child: &&str| {
            let found = self.parents.iter().find(|(known, _)| known.as_str() == *child);
            found.map(|(_, parent)| parent.as_str())
        };
        std::iter::successors(Some(entity), parent_of).take(DEEPEST).collect()
    }

    fn ancestors<'a>(&'a self, entity: &'a EntityType) -> impl Iterator<Item = &'a EntityType> {
        std::iter::successors(Some(entity), move |known| self.parents.get(*known)).take(DEEPEST)
    }
}
