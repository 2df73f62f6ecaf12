//! `POST /analyze`.

use detection::{Asked, NewRecognizer};
use kernel::{Fault, Result};
use pii::{Explanation, Finding};
use serde::Deserialize;
use serde_json::{Value, json};

/// What is asked.
#[derive(Deserialize)]
pub struct AnalyzeRequest {
    pub text: Texts,
    language: String,
    entities: Option<Vec<String>>,
    score_threshold: Option<f64>,
    ad_hoc_recognizers: Option<Vec<AdHoc>>,
    context: Option<Vec<String>>,
    allow_list: Option<Vec<String>>,
    allow_list_match: Option<String>,
    return_decision_process: Option<bool>,
}

/// One text, or several in one request.
#[derive(Deserialize)]
#[serde(untagged)]
pub enum Texts {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
struct AdHoc {
    name: Option<String>,
    supported_entity: String,
    patterns: Option<Vec<Pattern>>,
    deny_list: Option<Vec<String>>,
    deny_list_score: Option<f64>,
    context: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Pattern {
    regex: String,
    score: f64,
}

impl AnalyzeRequest {
    pub fn explains(&self) -> bool {
        self.return_decision_process.unwrap_or_default()
    }

    /// The same as our own detection is asked.
    pub fn asked(&self) -> Result<Asked> {
        let allowed = self.allow_list.clone().unwrap_or_default();
        let (allow_list, allow_patterns) = match self.allow_list_match.as_deref() {
            None | Some("exact") => (allowed, Vec::new()),
            // Presidio searches, and so allows what holds a match anywhere.
            Some("regex") => {
                let within = |pattern: &String| format!("(?s:.*?)(?:{pattern})(?s:.*)");
                (Vec::new(), allowed.iter().map(within).collect())
            }
            Some(_) => return Err(Fault::invalid("allow_list_match", "must be exact or regex")),
        };
        let ad_hoc = self.ad_hoc_recognizers.iter().flatten();
        Ok(Asked {
            types: self.entities.clone().unwrap_or_default(),
            min_score: self.score_threshold,
            allow_list,
            allow_patterns,
            recognizers: ad_hoc.flat_map(recognizers).collect(),
            languages: vec![self.language.clone()],
            context: self.context.clone().unwrap_or_default(),
            ..Asked::default()
        })
    }
}

/// A recognizer for each score: Presidio's have one for each pattern.
fn recognizers(ad_hoc: &AdHoc) -> Vec<NewRecognizer> {
    let name = ad_hoc.name.clone().filter(|name| !name.is_empty());
    let new = |pattern: String, score| NewRecognizer {
        name: name.clone().unwrap_or_else(|| ad_hoc.supported_entity.clone()),
        entity: ad_hoc.supported_entity.clone(),
        patterns: vec![pattern],
        score,
        context: ad_hoc.context.clone().unwrap_or_default(),
    };
    // The flags that Presidio sets.
    let flagged = |pattern: &Pattern| new(format!("(?ims){}", pattern.regex), pattern.score);
    let mut all: Vec<_> = ad_hoc.patterns.iter().flatten().map(flagged).collect();
    let score = ad_hoc.deny_list_score.unwrap_or(1.0);
    let words = ad_hoc.deny_list.iter().flatten();
    all.extend(words.map(|word| new(format!("(?i){}", word_pattern(word)), score)));
    all
}

/// A text as words of its own.
fn word_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 8);
    let edge = |c: Option<char>| if c.is_some_and(char::is_alphanumeric) { r"\b" } else { "" };
    pattern.push_str(edge(text.chars().next()));
    for c in text.chars() {
        if c.is_ascii_punctuation() {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push_str(edge(text.chars().next_back()));
    pattern
}

/// The findings of one text, whose spans count code points.
pub fn analyzed<'f>(
    findings: impl Iterator<Item = (&'f Finding, Option<&'f Explanation>)>,
) -> Value {
    let told = |(finding, explanation): (&Finding, Option<&Explanation>)| {
        json!({
            "entity_type": finding.entity.as_str(),
            "start": finding.range.start,
            "end": finding.range.end,
            "score": rounded(finding.score),
            "analysis_explanation": explanation.map(|known| explained(finding, known)),
        })
    };
    findings.map(told).collect()
}

fn explained(finding: &Finding, known: &Explanation) -> Value {
    let first = known.steps.first().map_or(finding.score, |(_, score)| *score);
    json!({
        "recognizer": &*finding.recognizer,
        "pattern_name": null,
        "pattern": known.pattern,
        "original_score": rounded(first),
        "score": rounded(finding.score),
        "textual_explanation": null,
        "score_context_improvement": rounded(finding.score - first),
        "supportive_context_word": known.context.as_deref().unwrap_or_default(),
        "validation_result": known.validator.is_some().then_some(true),
    })
}

/// As people write scores: 0.85, not what a float makes of it.
fn rounded(score: f32) -> f64 {
    (f64::from(score) * 1000.0).round() / 1000.0
}
