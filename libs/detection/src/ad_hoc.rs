//! Recognizers that live as long as their call.
//!
//! Their patterns are somebody else's. The engine of `regex-automata` is linear in the text, but
//! the worst case is the product of text and pattern, so both count: a pattern is compiled within
//! a bound, and what all of them together may cost on a text is one, too.

use std::ops::Range;
use std::sync::Arc;

use pii::{EntityType, Finding};
use regex_automata::meta::Regex;
use regex_automata::nfa::thompson::{Config, NFA};

use crate::asked::{Checked, InvalidWish, NewRecognizer, few, is_type, length, score};

const MOST: usize = 50;
const MOST_PATTERNS: usize = 20;
const MOST_WORDS: usize = 50;
const LONGEST_NAME: usize = 64;
const LONGEST_PATTERN: usize = 1_024;
const LONGEST_WORD: usize = 64;
/// Bytes of a compiled pattern: `\w` alone, with all of Unicode, has some 50,000.
const LARGEST: usize = 4 * 1024 * 1024;
/// The same of all patterns of a list together.
const LARGEST_ALL: usize = 16 * 1024 * 1024;
/// States of all patterns times bytes of the text: some seconds if the worst comes.
const DEAREST: u64 = 4_000_000_000;
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
#[derive(Clone, Default)]
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

/// One of the call's recognizers.
#[derive(Clone)]
struct Recognizer {
    name: Arc<str>,
    entity: EntityType,
    patterns: Vec<Regex>,
    score: f32,
    /// In lower case.
    context: Vec<String>,
}

/// All of them.
#[derive(Clone, Default)]
pub(crate) struct AdHoc {
    recognizers: Vec<Recognizer>,
    states: usize,
    room: Room,
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

impl AdHoc {
    pub(crate) fn new(asked: &[NewRecognizer]) -> Checked<Self> {
        few("ad_hoc_recognizers", asked, MOST)?;
        let mut all = Self::default();
        for (index, new) in asked.iter().enumerate() {
            let recognizer = all.recognizer(&format!("ad_hoc_recognizers[{index}]"), new)?;
            all.recognizers.push(recognizer);
        }
        Ok(all)
    }

    fn recognizer(&mut self, field: &str, new: &NewRecognizer) -> Checked<Recognizer> {
        length(&format!("{field}.name"), &new.name, LONGEST_NAME)?;
        if !is_type(&new.entity) {
            let why = "must be 1 to 64 of A-Z, 0-9 and _";
            return Err(InvalidWish::new(format!("{field}.type"), why));
        }
        if new.patterns.is_empty() {
            return Err(InvalidWish::new(format!("{field}.patterns"), "must have one at least"));
        }
        few(&format!("{field}.patterns"), &new.patterns, MOST_PATTERNS)?;
        few(&format!("{field}.context"), &new.context, MOST_WORDS)?;
        for (index, word) in new.context.iter().enumerate() {
            length(&format!("{field}.context[{index}]"), word, LONGEST_WORD)?;
        }
        let mut patterns = Vec::with_capacity(new.patterns.len());
        for (index, pattern) in new.patterns.iter().enumerate() {
            let field = format!("{field}.patterns[{index}]");
            let compiled = compile(&field, pattern)?;
            self.room.take(&field, &compiled)?;
            self.states = self.states.saturating_add(compiled.states);
            patterns.push(compiled.regex);
        }
        Ok(Recognizer {
            name: Arc::from(&*new.name),
            entity: EntityType::new(&new.entity),
            patterns,
            score: score(&format!("{field}.score"), new.score)?,
            context: new.context.iter().map(|word| word.to_lowercase()).collect(),
        })
    }

    /// The types that they find.
    pub(crate) fn types(&self) -> impl Iterator<Item = &EntityType> {
        self.recognizers.iter().map(|recognizer| &recognizer.entity)
    }

    /// Whether texts of so many bytes may be searched by them.
    pub(crate) fn affords(&self, bytes: usize) -> Checked<()> {
        let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        if number(self.states).saturating_mul(number(bytes)) > DEAREST {
            let why = "together cost too much on a text of this length";
            return Err(InvalidWish::new("ad_hoc_recognizers", why));
        }
        Ok(())
    }

    pub(crate) fn find(&self, text: &str) -> Vec<Finding> {
        let mut found = Vec::new();
        for recognizer in &self.recognizers {
            for pattern in &recognizer.patterns {
                let ranges = pattern.find_iter(text).map(|found| found.range());
                found.extend(ranges.filter(|range| !range.is_empty()).map(|range| Finding {
                    entity: recognizer.entity.clone(),
                    score: recognizer.score(text, &range),
                    range,
                    recognizer: Arc::clone(&recognizer.name),
                }));
            }
        }
        found
    }
}

impl Recognizer {
    fn score(&self, text: &str, range: &Range<usize>) -> f32 {
        if self.context.is_empty() {
            return self.score;
        }
        let from = text.floor_char_boundary(range.start.saturating_sub(NEAR));
        let to = text.ceil_char_boundary((range.end + NEAR).min(text.len()));
        let near = [&text[from..range.start], &text[range.end..to]].map(str::to_lowercase);
        let stands = |word: &String| near.iter().any(|near| holds(near, word));
        if self.context.iter().any(stands) { (self.score + BOOST).min(1.0) } else { self.score }
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
