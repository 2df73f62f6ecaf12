//! What messages of several services have in common.

use detection::offsets::Unit;
use detection::{Asked, Denied, InvalidWish, NewRecognizer, Wishes};
use kernel::{Fault, Result, Timestamp};
use pii::{Engine, Explanation};
use proto::anonymizer::v1::{
    Action, DetectionOptions, Explanation as WireExplanation, Finding as WireFinding, OffsetUnit,
    ScoreStep,
};
use transform::Change;

use super::rules;
use crate::application::texts::{Search, Told};

/// Bytes of a text.
pub(super) const LARGEST: usize = 1024 * 1024;

pub(super) fn time(at: Timestamp) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: at.timestamp(), nanos }
}

fn offset(at: usize) -> Result<i64> {
    i64::try_from(at).map_err(Fault::internal)
}

pub(super) fn count(number: usize) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

pub(super) fn finding(Told { finding, explanation }: &Told) -> Result<WireFinding> {
    let explained = |known: &Explanation| WireExplanation {
        pattern: known.pattern.clone().unwrap_or_default(),
        validator: known.validator.clone().unwrap_or_default(),
        context_word: known.context.clone().unwrap_or_default(),
        steps: known.steps.iter().map(step).collect(),
    };
    Ok(WireFinding {
        r#type: finding.entity.as_str().to_owned(),
        start: offset(finding.range.start)?,
        end: offset(finding.range.end)?,
        score: f64::from(finding.score),
        recognizer: finding.recognizer.to_string(),
        explanation: explanation.as_ref().map(explained),
    })
}

fn step((step, score): &(&'static str, f32)) -> ScoreStep {
    ScoreStep { step: (*step).to_owned(), score: f64::from(*score) }
}

pub(super) fn action(change: &Change) -> Result<Action> {
    Ok(Action {
        r#type: change.entity.as_str().to_owned(),
        operator: rules::named(change.operator).into(),
        start: offset(change.range.start)?,
        end: offset(change.range.end)?,
        output_start: offset(change.output.start)?,
        output_end: offset(change.output.end)?,
    })
}

/// What a call looks for in a text; fields that are wrong are named below `options`.
pub(super) fn search(
    engine: &Engine,
    given: Option<DetectionOptions>,
    text: &str,
) -> Result<Search> {
    let given = given.unwrap_or_default();
    let unit = match OffsetUnit::try_from(given.offset_unit) {
        Ok(OffsetUnit::Unspecified | OffsetUnit::Bytes) => Unit::Bytes,
        Ok(OffsetUnit::CodePoints) => Unit::CodePoints,
        Ok(OffsetUnit::Utf16) => Unit::Utf16,
        Err(_) => {
            return Err(Fault::invalid("options.offset_unit", "must be one of the enum's values"));
        }
    };
    let thresholds = given.thresholds.into_iter().map(|one| (one.r#type, one.min_score));
    let denied =
        given.deny_list.into_iter().map(|one| Denied { text: one.text, entity: one.r#type });
    let recognizers = given.ad_hoc_recognizers.into_iter().map(|one| NewRecognizer {
        name: one.name,
        entity: one.r#type,
        patterns: one.patterns,
        score: one.score,
        context: one.context,
    });
    let asked = Asked {
        types: given.types,
        min_score: (given.min_score != 0.0).then_some(given.min_score),
        thresholds: thresholds.collect(),
        allow_list: given.allow_list,
        allow_patterns: given.allow_patterns,
        deny_list: denied.collect(),
        recognizers: recognizers.collect(),
        languages: given.languages,
        ..Asked::default()
    };
    let wishes = Wishes::new(engine, &asked).map_err(invalid)?;
    wishes.affords(text).map_err(invalid)?;
    Ok(Search { wishes, unit, explain: given.explain })
}

fn invalid(wish: InvalidWish) -> Fault {
    Fault::invalid(format!("options.{}", wish.field), wish.why)
}
