//! Findings in a document, each value searched beside its name, and each column as a whole.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use pii::{Engine, EntityType, Finding, Options};

use crate::{Format, Malformed, Value};

/// A column is of a type if so many of ten of its values are, and there are enough to say so.
const OF_TEN: usize = 6;
const ENOUGH: usize = 5;
/// What a value is worth that only its column tells about.
const BY_COLUMN: f32 = 0.6;
const RECOGNIZER: &str = "column";

/// Everything personal in a document, in its own bytes: sorted, without overlaps.
pub fn detect(
    engine: &Engine,
    options: &Options,
    format: Format,
    document: &str,
) -> Result<Vec<Finding>, Malformed> {
    let values = format.values(document)?;
    let mut found: Vec<Vec<Finding>> =
        values.iter().map(|value| in_value(engine, options, value)).collect();
    if options.min_score <= BY_COLUMN {
        complete_columns(&values, &mut found);
    }
    let placed = values.iter().zip(found).flat_map(|(value, found)| {
        found
            .into_iter()
            .map(|finding| Finding { range: value.in_document(&finding.range), ..finding })
    });
    Ok(placed.collect())
}

/// The name is in front, as in a form; what is found in it is not the value's.
fn in_value(engine: &Engine, options: &Options, value: &Value<'_>) -> Vec<Finding> {
    if value.name.is_empty() {
        return engine.detect(&value.text, options);
    }
    let named = format!("{}: {}", value.name, value.text);
    let before = named.len() - value.text.len();
    let inside = |finding: Finding| {
        let Range { start, end } = finding.range;
        let range = start.max(before) - before..end.checked_sub(before).filter(|end| *end > 0)?;
        Some(Finding { range, ..finding })
    };
    engine.detect(&named, options).into_iter().filter_map(inside).collect()
}

/// Whether one finding is the value.
fn is_all(value: &Value<'_>, found: &[Finding]) -> Option<EntityType> {
    let [one] = found else { return None };
    let text = value.text.get(one.range.clone())?;
    (text.trim() == value.text.trim()).then(|| one.entity.clone())
}

/// Where most values of a column are of one type, the others are too: a name that is in no
/// list, a number whose check digit somebody has mistyped.
fn complete_columns(values: &[Value<'_>], found: &mut [Vec<Finding>]) {
    let mut columns: BTreeMap<usize, Column> = BTreeMap::new();
    for (value, found) in values.iter().zip(found.iter()) {
        let Some(column) = value.column else { continue };
        let column = columns.entry(column).or_default();
        column.values += 1;
        if let Some(entity) = is_all(value, found) {
            *column.types.entry(entity).or_default() += 1;
        }
    }
    let kinds: BTreeMap<usize, EntityType> =
        columns.into_iter().filter_map(|(number, column)| Some((number, column.kind()?))).collect();
    for (value, found) in values.iter().zip(found) {
        let Some(entity) = value.column.and_then(|column| kinds.get(&column)) else { continue };
        // A part of it that looks like something else is no better than nothing.
        if is_all(value, found).is_none() {
            let (entity, range) = (entity.clone(), 0..value.text.len());
            let recognizer = Arc::from(RECOGNIZER);
            *found = vec![Finding { entity, range, score: BY_COLUMN, recognizer }];
        }
    }
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
