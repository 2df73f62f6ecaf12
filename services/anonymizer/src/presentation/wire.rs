//! What messages of several services have in common.

use kernel::{Fault, Result, Timestamp};
use pii::{DEFAULT_MIN_SCORE, Engine, EntityType, Finding, Options};
use proto::anonymizer::v1::{Action, DetectionOptions, Finding as WireFinding};
use rpc::parse;
use transform::Change;

use super::rules;

/// Bytes of a text.
pub(super) const LARGEST: usize = 1024 * 1024;
const MOST_TYPES: usize = 100;
const MOST_ALLOWED: usize = 1_000;
const LONGEST_ALLOWED: usize = 1_024;

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

pub(super) fn finding(finding: &Finding) -> Result<WireFinding> {
    Ok(WireFinding {
        r#type: finding.entity.as_str().to_owned(),
        start: offset(finding.range.start)?,
        end: offset(finding.range.end)?,
        score: f64::from(finding.score),
        recognizer: finding.recognizer.to_string(),
    })
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

pub(super) fn options(engine: &Engine, given: Option<DetectionOptions>) -> Result<Options> {
    let given = given.unwrap_or_default();
    parse::within("options.types", given.types.len(), 0, MOST_TYPES, "types")?;
    parse::within("options.allow_list", given.allow_list.len(), 0, MOST_ALLOWED, "texts")?;
    for (index, text) in given.allow_list.iter().enumerate() {
        let field = format!("options.allow_list[{index}]");
        parse::within(&field, text.len(), 1, LONGEST_ALLOWED, "bytes")?;
    }
    parse::within("options.min_score", given.min_score, 0.0, 1.0, "")?;
    for (index, name) in given.types.iter().enumerate() {
        if !engine.types().iter().any(|info| info.name.as_str() == name) {
            return Err(Fault::invalid(
                format!("options.types[{index}]"),
                "is no type; see ListRecognizers",
            ));
        }
    }
    let types = given.types.iter().map(|name| EntityType::new(name)).collect::<Vec<_>>();
    Ok(Options {
        types: (!types.is_empty()).then_some(types),
        min_score: if given.min_score == 0.0 { DEFAULT_MIN_SCORE } else { given.min_score as f32 },
        allow_list: given.allow_list,
    })
}
