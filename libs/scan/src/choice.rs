//! What to look for, checked as the service checks it; and what was found, as rows.

use std::ops::Range;

use pii::{Engine, EntityType, Finding, Options};
use serde_json::{Value, json};

use crate::offsets::{self, Unit};

/// Why nothing can be looked for.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    #[error("--type: there is no type {unknown}; there are {known}.")]
    Type { unknown: String, known: String },
    #[error("--min-score: must be 0 to 1.")]
    Score,
}

/// Options of one search. Without types: all; a least score of 0: the engine's own.
pub fn options(
    engine: &Engine,
    types: &[String],
    min_score: f64,
    allow_list: Vec<String>,
) -> Result<Options, ChoiceError> {
    let names: Vec<&str> = engine.types().iter().map(|info| info.name.as_str()).collect();
    if let Some(unknown) = types.iter().find(|name| !names.contains(&name.as_str())) {
        return Err(ChoiceError::Type { unknown: unknown.clone(), known: names.join(", ") });
    }
    if !(0.0..=1.0).contains(&min_score) {
        return Err(ChoiceError::Score);
    }
    let mut options = Options { allow_list, ..Options::default() };
    if !types.is_empty() {
        options.types = Some(types.iter().map(|name| EntityType::new(name)).collect());
    }
    if min_score > 0.0 {
        options.min_score = min_score as f32;
    }
    Ok(options)
}

/// A row for each finding, with its text.
pub fn rows(text: &str, findings: &[Finding], unit: Unit) -> Vec<Value> {
    let ranges: Vec<_> = findings.iter().map(|finding| finding.range.clone()).collect();
    let row = |(finding, range): (&Finding, Range<usize>)| {
        json!({
            "type": finding.entity.as_str(),
            "start": range.start,
            "end": range.end,
            "score": (f64::from(finding.score) * 100.0).round() / 100.0,
            "recognizer": &*finding.recognizer,
            "text": text.get(finding.range.clone()),
        })
    };
    findings.iter().zip(offsets::convert(text, &ranges, unit)).map(row).collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn rows_count_as_asked() {
        let (entity, recognizer) = (EntityType::new("PERSON"), Arc::from("x"));
        let found = Finding { entity, range: 5..9, score: 0.9, recognizer };
        let row = &rows("😀 Zoë", &[found], Unit::Utf16)[0];
        assert_eq!((&row["start"], &row["end"]), (&json!(3), &json!(6)));
        assert_eq!((&row["text"], &row["score"]), (&json!("Zoë"), &json!(0.9)));
    }

    #[test]
    fn what_is_asked_for_must_be_there() {
        let engine = Engine::standard().unwrap();
        let asked = |types: &[&str], score| {
            let types: Vec<_> = types.iter().map(|name| (*name).to_owned()).collect();
            options(&engine, &types, score, vec!["x".to_owned()])
        };
        let all = asked(&[], 0.0).unwrap();
        assert!(all.types.is_none() && all.min_score == pii::DEFAULT_MIN_SCORE);
        assert_eq!(all.allow_list, ["x"]);
        let some = asked(&["PERSON"], 0.9).unwrap();
        assert_eq!((some.types.map(|types| types.len()), some.min_score), (Some(1), 0.9));
        let unknown = asked(&["PERSON", "PERSONS"], 0.0).err().unwrap().to_string();
        assert!(unknown.contains("no type PERSONS") && unknown.contains("EMAIL_ADDRESS"));
        for wrong in [-0.1, 1.1, f64::NAN] {
            assert_eq!(asked(&[], wrong).err(), Some(ChoiceError::Score), "{wrong}");
        }
    }
}
