//! What a call asks for, as it was sent, and what can be wrong with it.

use std::sync::Arc;

use crate::custom::Custom;

/// What a call asks for. Nothing in it has been checked.
#[derive(Clone, Default)]
pub struct Asked {
    /// Only these types and their children; empty: all.
    pub types: Vec<String>,
    /// Findings below are left out; none: the engine's own threshold.
    pub min_score: Option<f64>,
    /// Other thresholds for single types and their children.
    pub thresholds: Vec<(String, f64)>,
    /// Texts that are never findings, exactly.
    pub allow_list: Vec<String>,
    /// Regular expressions: a finding that one of them matches as a whole is none.
    pub allow_patterns: Vec<String>,
    /// Texts that are always findings.
    pub deny_list: Vec<Denied>,
    pub recognizers: Vec<NewRecognizer>,
    /// Stored ones: those that it names, and those that are always on.
    pub custom: Vec<Arc<Custom>>,
    /// Whether nothing else counts: to try one.
    pub only_custom: bool,
    /// ISO 639-1 codes of the languages that the text may be in; empty: any.
    pub languages: Vec<String>,
    /// Words that count as if they stood before the text: the name of a column, a question.
    pub context: Vec<String>,
    /// Types that the caller itself finds, with the field that names each: known ones, or new.
    pub given_types: Vec<(String, String)>,
}

/// A text that is personal wherever it stands as words of its own.
#[derive(Clone)]
pub struct Denied {
    pub text: String,
    pub entity: String,
}

/// A recognizer that lives as long as its call.
#[derive(Clone)]
pub struct NewRecognizer {
    pub name: String,
    pub entity: String,
    pub patterns: Vec<String>,
    pub score: f64,
    /// Words that raise the score when they stand near.
    pub context: Vec<String>,
}

/// What is wrong with what was asked. Holds nothing of a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {why}")]
pub struct InvalidWish {
    /// `deny_list[3].type` and the like.
    pub field: String,
    pub why: String,
}

impl InvalidWish {
    pub(crate) fn new(field: impl Into<String>, why: impl Into<String>) -> Self {
        Self { field: field.into(), why: why.into() }
    }
}

pub(crate) type Checked<T> = Result<T, InvalidWish>;

/// At most so many items.
pub(crate) fn few<T>(field: &str, items: &[T], most: usize) -> Checked<()> {
    if items.len() > most {
        return Err(InvalidWish::new(field, format!("must have at most {most} items")));
    }
    Ok(())
}

/// Bytes of a text.
pub(crate) fn length(field: &str, text: &str, most: usize) -> Checked<()> {
    if text.is_empty() || text.len() > most {
        return Err(InvalidWish::new(field, format!("must have 1 to {most} bytes")));
    }
    Ok(())
}

/// From 0 to 1.
pub(crate) fn score(field: &str, score: f64) -> Checked<f32> {
    if (0.0..=1.0).contains(&score) {
        return Ok(score as f32);
    }
    Err(InvalidWish::new(field, "must be 0 to 1"))
}

/// The name of a type: what every operator can write.
pub(crate) fn is_type(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    (1..=64).contains(&name.len()) && name.bytes().all(legal)
}
