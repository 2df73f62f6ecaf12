//! What messages of several services have in common.

use std::sync::Arc;

use detection::custom::Custom;
use detection::offsets::Unit;
use detection::{Asked, Denied, NewRecognizer, Wishes};
use documents::{FieldRule, Format, NoPath};
use kernel::{Fault, Result, Timestamp};
use pii::{Engine, EntityType, Explanation};
use prost::Message as _;
use proto::anonymizer::v1::{
    Action, DetectionOptions, DocumentFormat, Explanation as WireExplanation,
    FieldRule as WireField, Finding as WireFinding, OffsetUnit, ScoreStep,
};
use proto::google::rpc::Status;
use rpc::parse;
use transform::Change;

use super::rules;
use crate::application::texts::{Search, Told, invalid};

const MOST_FIELDS: usize = 100;
/// Values of a document, about: each costs some hundred bytes while it is read.
const MOST_VALUES: usize = 300_000;
/// Bytes of a text.
pub(super) const LARGEST: usize = 1024 * 1024;

pub(super) fn time(at: Timestamp) -> prost_types::Timestamp {
    let nanos = i32::try_from(at.timestamp_subsec_nanos()).unwrap_or_default();
    prost_types::Timestamp { seconds: at.timestamp(), nanos }
}

pub(super) fn offset(at: usize) -> Result<i64> {
    i64::try_from(at).map_err(Fault::internal)
}

/// The public half of a fault, as a part of an answer.
pub(super) fn status(fault: &Fault) -> Status {
    // Our own encoding: it decodes.
    Status::decode(rpc::status_of(fault, "").details()).unwrap_or_default()
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

/// What a text is. One that is nearly nothing but separators is refused: each value takes room.
pub(super) fn format(format: i32, text: &str) -> Result<Format> {
    let separates = |byte: &u8| b",;:|<\t\n".contains(byte);
    let format = known_format(format)?;
    if format != Format::Text
        && text.as_bytes().iter().filter(|byte| separates(byte)).count() > MOST_VALUES
    {
        return Err(Fault::invalid("text", "has too many values: send it in pieces"));
    }
    Ok(format)
}

fn known_format(format: i32) -> Result<Format> {
    match DocumentFormat::try_from(format) {
        Ok(DocumentFormat::Unspecified | DocumentFormat::Text) => Ok(Format::Text),
        Ok(DocumentFormat::Json) => Ok(Format::Json),
        Ok(DocumentFormat::Ndjson) => Ok(Format::Ndjson),
        Ok(DocumentFormat::Csv) => Ok(Format::Csv),
        Ok(DocumentFormat::Xml) => Ok(Format::Xml),
        Ok(DocumentFormat::Html) => Ok(Format::Html),
        Ok(DocumentFormat::Markdown) => Ok(Format::Markdown),
        Ok(DocumentFormat::Email) => Ok(Format::Email),
        Err(_) => Err(Fault::invalid("format", "must be one of the enum's values")),
    }
}

fn fields(given: &[WireField], format: Format) -> Result<Vec<FieldRule>> {
    if format == Format::Text && !given.is_empty() {
        return Err(Fault::invalid("options.fields", "is for documents: a text has none"));
    }
    parse::within("options.fields", given.len(), 0, MOST_FIELDS, "rules")?;
    let rule = |(index, one): (usize, &WireField)| {
        let field = format!("options.fields[{index}]");
        if one.exclude != one.r#type.is_empty() {
            return Err(Fault::invalid(field, "must have either type or exclude"));
        }
        let selector = one.path.parse();
        let selector = selector
            .map_err(|error: NoPath| Fault::invalid(format!("{field}.path"), error.to_string()))?;
        let entity = (!one.exclude).then(|| EntityType::new(&one.r#type));
        Ok(FieldRule { selector, entity })
    };
    given.iter().enumerate().map(rule).collect()
}

/// The unit that a field names.
pub(super) fn unit(field: &str, given: i32) -> Result<Unit> {
    match OffsetUnit::try_from(given) {
        Ok(OffsetUnit::Unspecified | OffsetUnit::Bytes) => Ok(Unit::Bytes),
        Ok(OffsetUnit::CodePoints) => Ok(Unit::CodePoints),
        Ok(OffsetUnit::Utf16) => Ok(Unit::Utf16),
        Err(_) => Err(Fault::invalid(field, "must be one of the enum's values")),
    }
}

/// What a call names of the tenant's recognizers.
pub(super) fn names(given: Option<&DetectionOptions>) -> &[String] {
    given.map_or(&[], |options| &options.recognizers)
}

/// What a call looks for in so many bytes of text; fields that are wrong are named below `options`.
pub(super) fn search(
    engine: &Engine,
    given: Option<DetectionOptions>,
    length: usize,
    (format, custom): (Format, Vec<Arc<Custom>>),
) -> Result<Search> {
    let given = given.unwrap_or_default();
    let fields = fields(&given.fields, format)?;
    let named = given.fields.iter().enumerate().filter(|(_, one)| !one.exclude);
    let given_types =
        named.map(|(index, one)| (format!("fields[{index}].type"), one.r#type.clone())).collect();
    let unit = unit("options.offset_unit", given.offset_unit)?;
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
        custom,
        languages: given.languages,
        given_types,
        ..Asked::default()
    };
    let wishes = Wishes::new(engine, &asked).map_err(invalid)?;
    if format == Format::Text {
        wishes.affords_bytes(length).map_err(invalid)?;
    }
    Ok(Search { wishes, unit, explain: given.explain, format, fields })
}
