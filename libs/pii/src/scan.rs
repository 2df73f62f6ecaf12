//! One pass over the text with all patterns at once, then a closer look where one matched.

use std::cell::OnceCell;
use std::ops::Range;

use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input, MatchKind, PatternSet};

use crate::context::{Contexts, Words};
use crate::prefix;
use crate::recognizer::{Catalogue, RecognizerError};

/// A lazy DFA smaller than this thrashes on varied text (facts/privacy-detection.md).
const CACHE: usize = 32 << 20;
/// A candidate this good ends the search at its place.
const SETTLED: f32 = 0.5;
/// How far ahead it is decided which patterns match at a place. Every pattern has matched
/// something by then; what goes on after it (an address, a key) is found by the pattern alone.
const REACH: usize = 512;

/// A match that passed its validator and context.
pub(crate) struct Candidate {
    pub(crate) recognizer: usize,
    pub(crate) pattern: usize,
    /// Its score without context.
    pub(crate) base: f32,
    pub(crate) range: Range<usize>,
    pub(crate) score: f32,
}

pub(crate) struct Scanner {
    /// Where does any pattern match?
    any: Regex,
    /// Which patterns match here? One pass, where trying each would take hundreds.
    which: Regex,
    each: Vec<Regex>,
    contexts: Contexts,
}

/// A text in which patterns are tried, and its context words once somebody asks for them.
struct Text<'a> {
    text: &'a str,
    words: OnceCell<Words>,
}

impl Scanner {
    pub(crate) fn new(catalogue: &Catalogue) -> Result<Self, RecognizerError> {
        let mut each = Vec::with_capacity(catalogue.patterns.len());
        let mut together = Vec::with_capacity(catalogue.patterns.len());
        for pattern in &catalogue.patterns {
            let failed = |message: String| RecognizerError::Pattern {
                recognizer: catalogue.recognizers[pattern.recognizer].name.to_string(),
                message,
            };
            let config = config(1 << 20).which_captures(WhichCaptures::All);
            each.push(
                build(&[pattern.regex.as_str()], config)
                    .map_err(|error| failed(error.to_string()))?,
            );
            together.push(prefix::at_word_start(&pattern.regex, syntax()).map_err(failed)?);
        }
        let failed = |error: Box<BuildError>| RecognizerError::Pattern {
            recognizer: "all".to_owned(),
            message: error.to_string(),
        };
        let implicit = || config(CACHE).which_captures(WhichCaptures::Implicit);
        let any = build(&together, implicit()).map_err(failed)?;
        let which = build(&together, implicit().match_kind(MatchKind::All)).map_err(failed)?;
        Ok(Self { any, which, each, contexts: Contexts::new(catalogue)? })
    }

    /// All candidates. Patterns are bounded in length or end at a blank, and the search goes
    /// on behind the word it looked at, so the work grows with the text and not faster.
    pub(crate) fn find(&self, text: &str, catalogue: &Catalogue) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let mut matching = PatternSet::new(self.each.len());
        let whole = Text { text, words: OnceCell::new() };
        let mut at = 0;
        while at < text.len() {
            let Some(found) = self.any.search(&Input::new(text).span(at..text.len())) else {
                break;
            };
            let start = found.start();
            let reach = (start + REACH).min(text.len());
            let here = Input::new(text).span(start..reach).anchored(Anchored::Yes);
            matching.clear();
            self.which.which_overlapping_matches(&here, &mut matching);
            let mut settled = None;
            for pattern in matching.iter() {
                let found = self.try_pattern(&whole, start, pattern.as_usize(), catalogue);
                for candidate in found {
                    if candidate.score >= SETTLED {
                        // Behind a label the value itself may be something better known.
                        let next = if candidate.range.start > start {
                            candidate.range.start
                        } else {
                            candidate.range.end
                        };
                        settled = settled.max(Some(next));
                    }
                    candidates.push(candidate);
                }
            }
            at = settled.unwrap_or_else(|| next_word(text, start));
        }
        candidates
    }

    /// What a pattern finds at a place: a candidate of its recognizer and of each finer one.
    fn try_pattern(
        &self,
        whole: &Text<'_>,
        start: usize,
        index: usize,
        catalogue: &Catalogue,
    ) -> Vec<Candidate> {
        let text = whole.text;
        let pattern = &catalogue.patterns[index];
        let matched =
            self.span(text, start, index).and_then(|range| Some((text.get(range.clone())?, range)));
        let Some((matched, range)) = matched else { return Vec::new() };
        if pattern.validator.is_some_and(|valid| !valid(matched)) {
            return Vec::new();
        }
        let words = whole.words.get_or_init(|| self.contexts.find(text));
        let finer = &catalogue.recognizers[pattern.recognizer].finer;
        std::iter::once(&(pattern.recognizer, pattern.score))
            .chain(finer)
            .filter_map(|&(recognizer, base)| {
                let known = (&catalogue.recognizers[recognizer], base);
                let score = self.contexts.score(text, words, &range, recognizer, known)?;
                Some(Candidate { recognizer, pattern: index, base, range: range.clone(), score })
            })
            .collect()
    }

    /// What a pattern finds at a place: its group, if it has one, since then the pattern itself
    /// says what stands around it; else all of it, where that is free-standing.
    fn span(&self, text: &str, start: usize, index: usize) -> Option<Range<usize>> {
        let regex = &self.each[index];
        let input = Input::new(text).span(start..text.len()).anchored(Anchored::Yes);
        if regex.captures_len() > 1 {
            // A label is no label inside a word.
            let before = text[..start].chars().next_back();
            if text[start..].starts_with(char::is_alphanumeric)
                && before.is_some_and(char::is_alphanumeric)
            {
                return None;
            }
            let mut captures = regex.create_captures();
            regex.search_captures(&input, &mut captures);
            let group = captures.get_group(1)?;
            return Some(text.floor_char_boundary(group.start)..text.ceil_char_boundary(group.end));
        }
        let range = tidy(text, start..regex.search(&input)?.end());
        free_standing(text, &range).then_some(range)
    }
}

fn syntax() -> syntax::Config {
    // Byte classes: Unicode classes cost speed, Unicode \b costs the DFA.
    syntax::Config::new().unicode(false).utf8(false)
}

fn config(cache: usize) -> Config {
    Config::new().hybrid_cache_capacity(cache).utf8_empty(true).nfa_size_limit(Some(64 << 20))
}

fn build<P: AsRef<str>>(patterns: &[P], config: Config) -> Result<Regex, Box<BuildError>> {
    Regex::builder().configure(config).syntax(syntax()).build_many(patterns).map_err(Box::new)
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
