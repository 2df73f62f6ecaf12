//! `POST /anonymize`.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use kernel::{Fault, Result};
use pii::{Engine, EntityType, Finding};
use serde::{Deserialize, Serialize};

use crate::operator::Operator;

const MOST_RESULTS: usize = 100_000;
const MOST_OPERATORS: usize = 500;
/// Names an operator for types without one.
const DEFAULT: &str = "DEFAULT";

/// What is asked.
#[derive(Deserialize)]
pub struct AnonymizeRequest {
    pub text: String,
    anonymizers: Option<BTreeMap<String, Operator>>,
    analyzer_results: Vec<AnalyzerResult>,
}

#[derive(Deserialize)]
struct AnalyzerResult {
    start: usize,
    end: usize,
    score: f32,
    entity_type: String,
}

/// The answer.
#[derive(Serialize)]
pub struct Anonymized {
    text: String,
    /// The last first, as Presidio gives them.
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Item {
    start: usize,
    end: usize,
    entity_type: String,
    text: String,
    operator: &'static str,
}

/// The text with every finding replaced. Findings that overlap become one.
pub fn anonymized(engine: &Engine, request: &AnonymizeRequest) -> Result<Anonymized> {
    let usual = Operator::Replace { new_value: None };
    let no_operators = BTreeMap::new();
    let operators = request.anonymizers.as_ref().unwrap_or(&no_operators);
    if operators.len() > MOST_OPERATORS {
        return Err(Fault::invalid("anonymizers", "must have at most 500 members"));
    }
    for (entity, operator) in operators {
        operator.check(&format!("anonymizers.{entity}"))?;
    }
    let usual = operators.get(DEFAULT).unwrap_or(&usual);
    let findings = engine.resolve(findings(request)?);
    let (mut text, mut items) = (String::with_capacity(request.text.len()), Vec::new());
    let (mut at, mut written) = (0, 0);
    for finding in &findings {
        let between = &request.text[at..finding.range.start];
        let entity = finding.entity.as_str();
        let operator = operators.get(entity).unwrap_or(usual);
        let made = operator.apply(entity, &request.text[finding.range.clone()])?;
        text.push_str(between);
        text.push_str(&made);
        let start = written + between.chars().count();
        written = start + made.chars().count();
        items.push(Item {
            start,
            end: written,
            entity_type: entity.to_owned(),
            text: made,
            operator: operator.name(),
        });
        at = finding.range.end;
    }
    text.push_str(&request.text[at..]);
    items.reverse();
    Ok(Anonymized { text, items })
}

/// What was found, in bytes.
fn findings(request: &AnonymizeRequest) -> Result<Vec<Finding>> {
    if request.analyzer_results.len() > MOST_RESULTS {
        return Err(Fault::invalid("analyzer_results", "must have at most 100000 items"));
    }
    let mut places: Vec<usize> = request.text.char_indices().map(|(at, _)| at).collect();
    places.push(request.text.len());
    let span = |found: &AnalyzerResult| -> Option<Range<usize>> {
        let range = *places.get(found.start)?..*places.get(found.end)?;
        (!range.is_empty()).then_some(range)
    };
    let finding = |(index, found): (usize, &AnalyzerResult)| {
        let field = || format!("analyzer_results[{index}]");
        let range = span(found).ok_or_else(|| Fault::invalid(field(), "is no span of the text"))?;
        let entity = EntityType::new(&found.entity_type);
        Ok(Finding { entity, range, score: found.score, recognizer: Arc::from("caller") })
    };
    request.analyzer_results.iter().enumerate().map(finding).collect()
}
