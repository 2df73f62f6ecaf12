//! Patterns over a text: where one may begin, which of them match there, and what each finds.

//! One pass over the text with all patterns at once, then a closer look where one matched.

use std::cell::OnceCell;
use std::ops::Range;

use regex_automata::meta::{BuildError, Config, Regex};
use regex_automata::nfa::thompson::WhichCaptures;
use regex_automata::util::syntax;
use regex_automata::{Anchored, Input};

use crate::context::{Contexts, Words};
use crate::prefix::{self, Starts};
use crate::recognizer::{Catalogue, RecognizerError};
use crate::which::Which;

/// What the automaton of one pattern may grow to.
const CACHE: usize = 1 << 20;
/// A candidate this good ends the search at its place.
const SETTLED: f32 = 0.5;
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
    /// Where may any pattern match?
    starts: Starts,
    /// Which patterns match here? One pass, where trying each would take hundreds.
    which: Which,
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
            each.push(build(&pattern.regex).map_err(|error| failed(error.to_string()))?);
            together.push(prefix::at_word_start(&pattern.regex, syntax()).map_err(failed)?);
        }
        let failed =
            |message: String| RecognizerError::Pattern { recognizer: "all".to_owned(), message };
        let patterns = catalogue.patterns.iter().map(|pattern| pattern.regex.as_str());
        let starts = Starts::new(patterns, syntax()).map_err(failed)?;
        let which = Which::new(&together).map_err(failed)?;
        Ok(Self { starts, which, each, contexts: Contexts::new(catalogue)? })
    }

    /// All candidates. Patterns are bounded in length or end at a blank, and the search goes
    /// on behind the word it looked at, so the work grows with the text and not faster.
    pub(crate) fn find(&self, text: &str, catalogue: &Catalogue) -> Vec<Candidate> {
        let mut candidates = Vec::new();
        let mut matching = Vec::new();
        let mut which = self.which.on(text.as_bytes());
        let whole = Text { text, words: OnceCell::new() };
        let (mut at, mut run_end) = (0, 0);
        while let Some(start) = self.starts.next(text.as_bytes(), at, &mut run_end) {
            which.at(start, &mut matching);
            if matching.is_empty() {
                at = start + 1;
                continue;
            }
            let mut settled = None;
            for pattern in &matching {
                let found = self.try_pattern(&whole, start, *pattern, catalogue);
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

pub(crate) fn syntax() -> syntax::Config {
    // Byte classes: Unicode classes cost speed, Unicode \b costs the DFA.
    syntax::Config::new().unicode(false).utf8(false)
}

fn build(pattern: &str) -> Result<Regex, Box<BuildError>> {
    let config = Config::new()
        .hybrid_cache_capacity(CACHE)
        .which_captures(WhichCaptures::All)
        .nfa_size_limit(Some(64 << 20));
    Regex::builder().configure(config).syntax(syntax()).build(pattern).map_err(Box::new)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::string::string_regex;

    use super::*;
    use crate::engine::Engine;

    /// Pieces of what patterns look for, and what stands between.
    const PIECES: &str = "[a-z0-9]{1,3}|[A-Z]{1,3}|anna|Müller|€|ü|@|mail\\.de|\\.|_|-|\\+|\\+49 89|%|'| |  |, |\n|:         |\\(|\\)|/|4111 1111|536-22-8765|[0-9]{2}\\.[0-9]{2}\\.[0-9]{4}|DE89 3704|born on |card |IBAN |sk-|8Q~|\\[at\\]| dot com";

    /// What matches at a place, each pattern on its own.
    fn matching(scanner: &Scanner, text: &str, place: usize) -> Vec<usize> {
        let here = Input::new(text).span(place..text.len()).anchored(Anchored::Yes);
        (0..scanner.each.len())
            .filter(|index| scanner.each[*index].is_match(here.clone()))
            .collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        /// The table and the automaton say what each pattern says on its own. Where they say
        /// nothing a match would begin inside a word, or is a part of one that begins before it.
        #[test]
        fn no_match_is_passed_over(text in string_regex(&format!("({PIECES}){{1,16}}")).unwrap()) {
            let engine = Engine::standard().unwrap();
            let scanner = engine.scanner();
            let bytes = text.as_bytes();
            let word = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_alphanumeric);
            let mut walk = scanner.which.on(bytes);
            let (mut at, mut run_end) = (0, 0);
            for (place, _) in text.char_indices() {
                let found = matching(scanner, &text, place);
                if scanner.starts.next(bytes, at, &mut run_end) == Some(place) {
                    let mut told = Vec::new();
                    walk.at(place, &mut told);
                    // Those that begin a word begin nowhere else.
                    let inside = place > 0 && (word(place - 1) || bytes[place - 1] == b'_');
                    prop_assert!(told.iter().all(|index| found.contains(index)));
                    prop_assert!(inside || told == found, "{told:?} {found:?} at {place}");
                    at = place + 1;
                } else if !(word(place) && place > 0 && (word(place - 1) || bytes[place - 1] == b'_')) {
                    let before = text.floor_char_boundary(place.saturating_sub(1));
                    let whole = matching(scanner, &text, before);
                    prop_assert!(found.iter().all(|index| whole.contains(index)), "{found:?} at {place}");
                }
            }
        }
    }
}
