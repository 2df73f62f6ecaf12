//! Findings in a document: each value searched beside its name, each column as a whole, and what
//! the caller knows of its fields.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use pii::{EntityType, Finding};

use crate::leaf::{Kind, is_identifier};
use crate::{Document, Selector, Value};

/// A column is of a type if so many of ten of its values are, and there are enough to say so.
const OF_TEN: usize = 6;
const ENOUGH: usize = 5;
/// What a value is worth that only its column tells about.
const BY_COLUMN: f32 = 0.6;
const RECOGNIZER: &str = "column";
/// Name of what finds values whose type the caller knows.
const FIELD: &str = "field";
/// Numbers with fewer digits are quantities.
const DIGITS: usize = 7;
/// Values that are searched once when they are there again: short ones repeat.
const REPEATING: usize = 64;

/// What the caller knows of the values that a path selects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FieldRule {
    pub selector: Selector,
    /// Each of them is of this type, whatever it looks like; None: they are not personal.
    pub entity: Option<EntityType>,
}

/// How values are searched.
pub struct Search<'a> {
    /// Everything personal in a text: sorted, without overlaps.
    pub detect: &'a dyn Fn(&str) -> Vec<Finding>,
    /// Whether a finding that only its column tells about counts, and its text.
    pub accepts: &'a dyn Fn(&Finding, &str) -> bool,
    /// The first that selects a value holds.
    pub fields: &'a [FieldRule],
}

impl Document<'_> {
    /// What is searched of a document: the position of each value.
    #[must_use]
    pub fn searched(&self, fields: &[FieldRule]) -> Vec<usize> {
        let rules = self.rules(fields);
        let all = self.values().iter().enumerate();
        let searched = all.filter(|(_, value)| match rules.get(value.named.path) {
            Some(Some(FieldRule { entity, .. })) if value.kind != Kind::Name => entity.is_some(),
            _ => self.is_searched(value),
        });
        searched.map(|(at, _)| at).collect()
    }

    /// How many bytes searching these values reads, their names included.
    #[must_use]
    pub fn weight(&self, positions: &[usize]) -> usize {
        let values = positions.iter().filter_map(|at| self.values().get(*at));
        values.map(|value| value.named.name.len() + 2 + self.text(value).len()).sum()
    }

    fn is_searched(&self, value: &Value) -> bool {
        let text = self.text(value);
        match value.kind {
            Kind::Value => !text.trim().is_empty(),
            Kind::Name => !is_identifier(text),
            Kind::Number => text.bytes().filter(u8::is_ascii_digit).count() >= DIGITS,
        }
    }

    fn rules<'f>(&self, fields: &'f [FieldRule]) -> Vec<Option<&'f FieldRule>> {
        if fields.is_empty() {
            return Vec::new();
        }
        let selectors: Vec<&Selector> = fields.iter().map(|field| &field.selector).collect();
        let selected = self.paths.selected(&selectors).into_iter();
        selected.map(|chosen| chosen.and_then(|at| fields.get(at))).collect()
    }

    /// The findings of the values at these positions, each in offsets of its value's text.
    #[must_use]
    pub fn find(&self, positions: &[usize], search: &Search<'_>) -> Vec<Vec<Finding>> {
        let rules = self.rules(search.fields);
        let mut known: HashMap<(&str, &str), Vec<Finding>> = HashMap::new();
        let values: Vec<&Value> =
            positions.iter().filter_map(|at| self.values().get(*at)).collect();
        let mut found: Vec<Vec<Finding>> = Vec::with_capacity(values.len());
        for value in &values {
            let text = self.text(value);
            let rule = rules.get(value.named.path).copied().flatten();
            found.push(match rule.and_then(|rule| rule.entity.as_ref()) {
                Some(entity) if value.kind != Kind::Name => whole(entity, text, 1.0, FIELD),
                _ if text.len() > REPEATING => self.in_value(value, search),
                _ => known
                    .entry((&value.named.name, text))
                    .or_insert_with(|| self.in_value(value, search))
                    .clone(),
            });
        }
        self.complete_columns(&values, &mut found, search);
        found
    }

    /// A value with its name in front, as in a form, and how long the name makes it.
    #[must_use]
    pub fn named(&self, value: &Value) -> (String, usize) {
        let text = self.text(value);
        if value.named.name.is_empty() {
            return (text.to_owned(), 0);
        }
        let named = format!("{}: {text}", value.named.name);
        let before = named.len() - text.len();
        (named, before)
    }

    /// What is found in the name is not the value's.
    fn in_value(&self, value: &Value, search: &Search<'_>) -> Vec<Finding> {
        let (named, before) = self.named(value);
        let inside = |finding: Finding| {
            let Range { start, end } = finding.range;
            let range =
                start.max(before) - before..end.checked_sub(before).filter(|end| *end > 0)?;
            Some(Finding { range, ..finding })
        };
        (search.detect)(&named).into_iter().filter_map(inside).collect()
    }

    /// Whether one finding is the value.
    fn is_all(&self, value: &Value, found: &[Finding]) -> Option<EntityType> {
        let [one] = found else { return None };
        let text = self.text(value);
        let part = text.get(one.range.clone())?;
        (part.trim() == text.trim()).then(|| one.entity.clone())
    }

    /// Where most values of a column are of one type, the others are too: a name that is in no
    /// list, a number whose check digit somebody has mistyped.
    fn complete_columns(&self, values: &[&Value], found: &mut [Vec<Finding>], search: &Search<'_>) {
        let mut columns: BTreeMap<usize, Column> = BTreeMap::new();
        for (value, found) in values.iter().zip(found.iter()) {
            let Some(column) = value.named.column else { continue };
            let column = columns.entry(column).or_default();
            column.values += 1;
            if let Some(entity) = self.is_all(value, found) {
                *column.types.entry(entity).or_default() += 1;
            }
        }
        let kinds: BTreeMap<usize, EntityType> = columns
            .into_iter()
            .filter_map(|(number, column)| Some((number, column.kind()?)))
            .collect();
        for (value, found) in values.iter().zip(found) {
            let kind = value.named.column.and_then(|column| kinds.get(&column));
            // A part of it that looks like something else is no better than nothing.
            if let Some(entity) = kind.filter(|_| self.is_all(value, found).is_none()) {
                let mut all = whole(entity, self.text(value), BY_COLUMN, RECOGNIZER);
                all.retain(|finding| (search.accepts)(finding, self.text(value)));
                if !all.is_empty() {
                    *found = all;
                }
            }
        }
    }
}

fn whole(entity: &EntityType, text: &str, score: f32, recognizer: &str) -> Vec<Finding> {
    if text.is_empty() {
        return Vec::new();
    }
    let (entity, recognizer) = (entity.clone(), Arc::from(recognizer));
    vec![Finding { entity, range: 0..text.len(), score, recognizer }]
}

#[derive(Default)]
struct Column {
    values: usize,
    types: BTreeMap<EntityType, usize>,
}

impl Column {
    fn kind(self) -> Option<EntityType> {
        let (entity, count) = self.types.into_iter().max_by_key(|(_, count)| *count)?;
        (count >= ENOUGH && count * 10 >= self.values * OF_TEN).then_some(entity)
    }
}
