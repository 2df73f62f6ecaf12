//! One pass over the text with all patterns at once, then a closer look where one matched.

use std::ops::Range;

use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use crate::context;
use crate::recognizer::{Catalogue, RecognizerError};

/// A lazy DFA smaller than this thrashes on varied text (facts/privacy-detection.md).
const CACHE: usize = 32 << 20;
/// A candidate this good ends the search at its place.
const SETTLED: f32 = 0.5;

/// A match that passed its validator and context.
pub(crate) struct Candidate {
    pub(crate) recognizer: usize,
    pub(crate) range: Range<usize>,
    pub(crate) score: f32,
}

pub(crate) struct Scanner {
    all: Regex,
    each: Vec<Regex>,
}

impl Scanner {
    pub(crate) fn new(catalogue: &Catalogue) -> Result<Self, RecognizerError> {
        let sources: Vec<&str> =
            catalogue.patterns.iter().map(|pattern| pattern.regex.as_str()).collect();
        let mut each = Vec::with_capacity(sources.len());
        for pattern in &catalogue.patterns {
            let built =
                build(std::slice::from_ref(&pattern.regex.as_str()), 1 << 20).map_err(|error| {
                    RecognizerError::Pattern {
                        recognizer: catalogue.recognizers[pattern.recognizer].name.to_string(),
                        message: error.to_string(),
                    }
                })?;
            each.push(built);
        }
        let all = build(&sources, CACHE).map_err(|error| RecognizerError::Pattern {
            recognizer: "all".to_owned(),
            message: error.to_string(),
        })?;
        Ok(Self { all, each })
    }

    /// All candidates. Patterns are bounded in length or end at a blank, and the search goes
    /// on behind the word it looked at, so the work grows with the text and not faster.
    pub(crate) fn find(&self, text: &str, catalogue: &Catalogue) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let mut at = 0;
        while at < text.len() {
            let Some(found) = self.all.search(&Input::new(text).span(at..text.len())) else {
                break;
            };
            let start = found.start();
            let mut settled = None;
            for index in 0..self.each.len() {
                let Some(candidate) = self.try_pattern(text, start, index, catalogue) else {
                    continue;
                };
                if candidate.score >= SETTLED {
                    settled = settled.max(Some(candidate.range.end));
                }
                candidates.push(candidate);
            }
            at = settled.unwrap_or_else(|| next_word(text, start));
        }
        candidates
    }

    fn try_pattern(
        &self,
        text: &str,
        start: usize,
        index: usize,
        catalogue: &Catalogue,
    ) -> Option<Candidate> {
        let input = Input::new(text).span(start..text.len()).anchored(Anchored::Yes);
        let found = self.each[index].search(&input)?;
        let pattern = &catalogue.patterns[index];
        let range = tidy(text, start..found.end());
        let matched = text.get(range.clone())?;
        if !free_standing(text, &range) || pattern.validator.is_some_and(|valid| !valid(matched)) {
            return None;
        }
        let recognizer = &catalogue.recognizers[pattern.recognizer];
        let score = context::score(text, &range, recognizer, pattern.score)?;
        Some(Candidate { recognizer: pattern.recognizer, range, score })
    }
}

fn build(patterns: &[&str], cache: usize) -> Result<Regex, Box<BuildError>> {
    // Byte classes: Unicode classes cost speed, Unicode \b costs the DFA.
    Regex::builder()
        .configure(
            Config::new()
                .hybrid_cache_capacity(cache)
                .utf8_empty(true)
                .nfa_size_limit(Some(64 << 20)),
        )
        .syntax(syntax::Config::new().unicode(false).utf8(false))
        .build_many(patterns)
        .map_err(Box::new)
}

/// Marks at the end belong to the sentence, not to the address.
fn tidy(text: &str, range: Range<usize>) -> Range<usize> {
    let end = text.ceil_char_boundary(range.end);
    let start = text.floor_char_boundary(range.start);
    if text[start..end].ends_with(".m.") || text[start..end].ends_with(".M.") {
        return start..end;
    }
    let mut matched = text[start..end]
        .trim_end_matches(['.', ',', ';', ':', '!', '?', '\'', ' ', '-', '/', '*', '\n']);
    // A closing bracket without its opening one.
    if matched.ends_with(')') && !matched.contains('(') {
        matched = matched.trim_end_matches(')');
    }
    start..start + matched.len()
}

/// Neither end stands inside a word or a longer number.
fn free_standing(text: &str, range: &Range<usize>) -> bool {
    let bytes = text.as_bytes();
    let edge = |at: usize| bytes.get(at).is_some_and(|byte| byte.is_ascii_alphanumeric());
    let before = text[..range.start].chars().next_back();
    let after = text[range.end..].chars().next();
    let second = text[range.end..].chars().nth(1);
    let back = range.start.checked_sub(2).and_then(|at| bytes.get(at));
    if bytes.get(range.start) == Some(&b'+') && before.is_some_and(char::is_alphanumeric) {
        return false;
    }
    if edge(range.start) && before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return false;
    }
    if edge(range.end.saturating_sub(1)) && after.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return false;
    }
    // 1.2.3.4.5, 12-34: the match is a piece of something longer.
    let digit_start = bytes.get(range.start).is_some_and(u8::is_ascii_digit);
    let digit_end =
        range.end.checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_digit);
    let continued =
        matches!(after, Some('.' | '-' | '/' | ':')) && second.is_some_and(|c| c.is_ascii_digit());
    let continues =
        matches!(before, Some('.' | '-' | '/' | ',')) && back.is_some_and(u8::is_ascii_digit);
    !(digit_start && continues || digit_end && continued && after != Some(':'))
}

/// The start of the next word behind `start`.
fn next_word(text: &str, start: usize) -> usize {
    let rest = &text[start..];
    let word = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
    let skip = if word == 0 { rest.chars().next().map_or(1, char::len_utf8) } else { word };
    start + skip
}
