//! A recognizer that somebody else has written: for one call, or stored.
//!
//! The engine of `regex-automata` is linear in the text, but the worst case is the product of
//! text and pattern, so both count: a pattern is compiled within a bound, and what all of them
//! together may cost on a text is one, too.

use std::ops::Range;
use std::sync::Arc;

use pii::{EntityType, Finding};
use regex_automata::meta::Regex;
use regex_automata::nfa::thompson::{Config, NFA};
use validators::Validator;

use crate::asked::{Checked, InvalidWish, few, length};
use crate::lists::is_free;

pub(crate) const MOST_PATTERNS: usize = 20;
const MOST_WORDS: usize = 50;
const LONGEST_PATTERN: usize = 1_024;
const LONGEST_WORD: usize = 64;
/// Bytes of a compiled pattern: `\w` alone, with all of Unicode, has some 50,000.
const LARGEST: usize = 4 * 1024 * 1024;
/// The same of all patterns of a list together.
const LARGEST_ALL: usize = 16 * 1024 * 1024;
/// What a context word adds to a score, and how many bytes away it may stand: as in `pii`.
const BOOST: f32 = 0.35;
const NEAR: usize = 40;

/// A pattern, and what it costs a byte of text at worst.
pub(crate) struct Compiled {
    pub(crate) regex: Regex,
    states: usize,
    bytes: usize,
}

/// What the patterns of one list may have together.
#[derive(Default)]
pub(crate) struct Room(usize);

impl Room {
    pub(crate) fn take(&mut self, field: &str, compiled: &Compiled) -> Checked<()> {
        self.0 = self.0.saturating_add(compiled.bytes);
        if self.0 > LARGEST_ALL {
            return Err(InvalidWish::new(field, "and those before it are too large together"));
        }
        Ok(())
    }
}

/// Within bounds. What is wrong with a pattern is said; it is the caller's own.
pub(crate) fn compile(field: &str, pattern: &str) -> Checked<Compiled> {
    length(field, pattern, LONGEST_PATTERN)?;
    let config = Config::new().nfa_size_limit(Some(LARGEST));
    let nfa = NFA::compiler().configure(config).build(pattern);
    let nfa = nfa.map_err(|error| {
        let too_large = error.size_limit().is_some();
        let why =
            if too_large { "is too large when it is compiled" } else { "is no regular expression" };
        InvalidWish::new(field, why)
    })?;
    let config = Regex::config().nfa_size_limit(Some(LARGEST));
    let regex = Regex::builder().configure(config).build(pattern);
    let regex = regex.map_err(|_| InvalidWish::new(field, "is too large when it is compiled"))?;
    Ok(Compiled { regex, states: nfa.states().len(), bytes: nfa.memory_usage() })
}

/// Words that speak for what stands near.
#[derive(Clone)]
pub(crate) struct Context {
    /// In lower case.
    words: Vec<String>,
    required: bool,
    after: bool,
    distance: usize,
}

impl Context {
    pub(crate) fn new(field: &str, words: &[String]) -> Checked<Self> {
        few(field, words, MOST_WORDS)?;
        for (index, word) in words.iter().enumerate() {
            length(&format!("{field}[{index}]"), word, LONGEST_WORD)?;
        }
        let words = words.iter().map(|word| word.to_lowercase()).collect();
        Ok(Self { words, required: false, after: true, distance: NEAR })
    }

    pub(crate) const fn with(mut self, required: bool, after: bool, distance: usize) -> Self {
        (self.required, self.after, self.distance) = (required, after, distance);
        self
    }

    /// A score after it; none where a word is required and stands nowhere near.
    fn score(&self, text: &str, range: &Range<usize>, score: f32) -> Option<f32> {
        if self.words.is_empty() {
            return Some(score);
        }
        let from = text.floor_char_boundary(range.start.saturating_sub(self.distance));
        let reach = if self.after { self.distance } else { 0 };
        let to = text.ceil_char_boundary((range.end + reach).min(text.len()));
        let near = [&text[from..range.start], &text[range.end..to]].map(str::to_lowercase);
        let stands = |word: &String| near.iter().any(|near| holds(near, word));
        match (self.words.iter().any(stands), self.required) {
            (true, _) => Some((score + BOOST).min(1.0)),
            (false, true) => None,
            (false, false) => Some(score),
        }
    }
}

/// Whether a word stands there as a word of its own.
fn holds(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphabetic)
    })
}

/// What becomes of a match.
#[derive(Clone)]
pub(crate) struct Rule {
    pub(crate) score: f32,
    pub(crate) validator: Option<Validator>,
    /// Whether it counts only as words of its own; a pattern with a group says itself what
    /// stands around the group, which is what is found.
    pub(crate) free: bool,
}

#[derive(Clone)]
pub(crate) struct Recognizer {
    name: Arc<str>,
    entity: EntityType,
    patterns: Vec<(Regex, Rule)>,
    context: Context,
    states: usize,
    bytes: usize,
}

impl Recognizer {
    pub(crate) fn new(name: &str, entity: EntityType, context: Context) -> Self {
        let (name, patterns) = (Arc::from(name), Vec::new());
        Self { name, entity, patterns, context, states: 0, bytes: 0 }
    }

    pub(crate) fn add(
        &mut self,
        field: &str,
        pattern: &str,
        rule: Rule,
        room: &mut Room,
    ) -> Checked<()> {
        let compiled = compile(field, pattern)?;
        room.take(field, &compiled)?;
        self.bytes = self.bytes.saturating_add(compiled.bytes);
        self.states = self.states.saturating_add(compiled.states);
        self.patterns.push((compiled.regex, rule));
        Ok(())
    }

    pub(crate) const fn entity(&self) -> &EntityType {
        &self.entity
    }

    pub(crate) const fn states(&self) -> usize {
        self.states
    }

    pub(crate) const fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn find(&self, text: &str, found: &mut Vec<Finding>) {
        for (regex, rule) in &self.patterns {
            let ranges = ranges(regex, rule, text);
            let valid = ranges.filter(|range| {
                let text = text.get(range.clone()).unwrap_or_default();
                !text.is_empty() && rule.validator.is_none_or(|valid| valid(text))
            });
            found.extend(valid.filter_map(|range| self.finding(text, range, rule.score)));
        }
    }

    /// Of something that was found with a score without context.
    pub(crate) fn finding(&self, text: &str, range: Range<usize>, score: f32) -> Option<Finding> {
        let score = self.context.score(text, &range, score)?;
        let (entity, recognizer) = (self.entity.clone(), Arc::clone(&self.name));
        Some(Finding { entity, range, score, recognizer })
    }
}

fn ranges<'a>(
    regex: &'a Regex,
    rule: &'a Rule,
    text: &'a str,
) -> Box<dyn Iterator<Item = Range<usize>> + 'a> {
    if rule.free && regex.captures_len() > 1 {
        let groups = regex.captures_iter(text).filter_map(|groups| groups.get_group(1));
        return Box::new(groups.map(|span| span.range()));
    }
    let ranges = regex.find_iter(text).map(|found| found.range());
    Box::new(ranges.filter(|range| !rule.free || is_free(text, range)))
}
