//! Looks for known originals in a text in every form that a reader would recognize: other
//! case, other spacing, other grouping of digits, tricks of spelling undone.
//!
//! Used twice: what one detector found in one place is replaced in all places, and before a
//! request leaves it is searched once more; a hit then refuses it.

use std::ops::Range;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::names::Names;
use crate::normalize::{self, View};

/// Numbers with fewer digits are compared as text only: too many things are "12".
const DIGITS: usize = 7;
/// Shorter originals are compared in their own case only: "Al", "Li".
const SHORT: usize = 4;

/// Of a longer original only the start is looked for: enough to know it, and the automaton
/// stays small whatever the text holds.
const LONGEST: usize = 256;

/// The originals to look for.
pub(crate) struct Residue {
    text: Option<AhoCorasick>,
    originals: Vec<Original>,
    digits: Option<AhoCorasick>,
    /// For each digit pattern: the original it came from.
    digit_sources: Vec<usize>,
}

struct Original {
    text: String,
    /// An ordinary word ("Rose", "Will") or a short one: only the same case is the same thing.
    exact: bool,
}

/// A text folded for comparison, with the way back.
struct Folded {
    text: String,
    map: Vec<Range<usize>>,
}

impl Residue {
    pub(crate) fn new<'o>(originals: impl Iterator<Item = &'o str>, names: &Names) -> Option<Self> {
        let originals: Vec<Original> = originals
            .map(|text| Original {
                text: text.to_owned(),
                exact: text.chars().count() < SHORT || names.is_ordinary(text),
            })
            .collect();
        let folded: Vec<String> = originals
            .iter()
            .map(|original| {
                let mut folded = fold(&normalize::view(&original.text)).text;
                folded.truncate(folded.floor_char_boundary(LONGEST));
                folded
            })
            .collect();
        let (mut numbers, mut digit_sources) = (Vec::new(), Vec::new());
        for (index, original) in originals.iter().enumerate() {
            let view = normalize::view(&original.text);
            let mut number = digits(&view).text;
            number.truncate(number.floor_char_boundary(LONGEST));
            let letters = view.text.chars().filter(|c| c.is_alphabetic()).count();
            if number.len() >= DIGITS && letters == 0 {
                numbers.push(number);
                digit_sources.push(index);
            }
        }
        // Too many patterns for an automaton would be a request far over every limit.
        Some(Self {
            text: automaton(&folded)?,
            originals,
            digits: automaton(&numbers)?,
            digit_sources,
        })
    }

    /// Where originals stand in a text, and which (by their position in the list given).
    /// Only whole words count; at an `edge` a word ends whatever stands behind it, because
    /// what stands there will be replaced.
    pub(crate) fn find(
        &self,
        text: &str,
        edge: impl Fn(usize) -> bool,
    ) -> Vec<(Range<usize>, usize)> {
        let view = normalize::view(text);
        let mut found = Vec::new();
        if let Some(automaton) = &self.text {
            let folded = fold(&view);
            for hit in automaton.find_overlapping_iter(&folded.text) {
                let range = folded.original(&view, hit.range());
                let index = hit.pattern().as_usize();
                let original = &self.originals[index];
                let same_case =
                    !original.exact || text.get(range.clone()) == Some(original.text.as_str());
                let cut = hit.range().len() + 4 > LONGEST;
                let (opens, closes) = inside_word(&folded.text, &hit.range());
                if same_case && (!opens || edge(range.start)) && (cut || !closes || edge(range.end))
                {
                    found.push((range, index));
                }
            }
        }
        if let Some(automaton) = &self.digits {
            let number = digits(&view);
            for hit in automaton.find_overlapping_iter(&number.text) {
                let range = number.original(&view, hit.range());
                let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit());
                let opens = digit(text[..range.start].chars().next_back()) && !edge(range.start);
                let closes = digit(text[range.end..].chars().next()) && !edge(range.end);
                if !opens && !closes {
                    found.push((range, self.digit_sources[hit.pattern().as_usize()]));
                }
            }
        }
        found
    }
}

#[expect(clippy::option_option, reason = "nothing to look for is not a failure")]
fn automaton(patterns: &[String]) -> Option<Option<AhoCorasick>> {
    if patterns.iter().all(String::is_empty) {
        return Some(None);
    }
    AhoCorasick::builder().match_kind(MatchKind::Standard).build(patterns).ok().map(Some)
}

impl Folded {
    fn original(&self, view: &View<'_>, range: Range<usize>) -> Range<usize> {
        let start = self.map.get(range.start).map_or(0, |span| span.start);
        let end = range
            .end
            .checked_sub(1)
            .and_then(|last| self.map.get(last))
            .map_or(start, |span| span.end);
        view.original(&(start..end.max(start)))
    }

    fn push(&mut self, c: char, span: Range<usize>) {
        self.text.push(c);
        self.map.extend(std::iter::repeat_n(span, c.len_utf8()));
    }
}

/// Lower case, each run of blanks one space.
fn fold(view: &View<'_>) -> Folded {
    let mut folded = Folded {
        text: String::with_capacity(view.text.len()),
        map: Vec::with_capacity(view.text.len()),
    };
    for (at, c) in view.text.char_indices() {
        let span = at..at + c.len_utf8();
        if !c.is_whitespace() {
            c.to_lowercase().for_each(|lower| folded.push(lower, span.clone()));
        } else if folded.text.ends_with(' ') {
            if let Some(last) = folded.map.last_mut() {
                last.end = span.end;
            }
        } else {
            folded.push(' ', span);
        }
    }
    folded
}

/// Only the digits; a break where more than grouping stands between two of them.
fn digits(view: &View<'_>) -> Folded {
    let mut folded = Folded { text: String::new(), map: Vec::new() };
    let mut last_end = 0;
    for (at, digit) in view.text.char_indices().filter(|(_, c)| c.is_ascii_digit()) {
        let between = &view.text[last_end..at];
        let grouping = between.len() <= 3
            && between.chars().all(|c| matches!(c, ' ' | '-' | '.' | '/' | '(' | ')' | '+'));
        if !folded.text.is_empty() && !grouping {
            folded.push('|', last_end..at);
        }
        folded.push(digit, at..at + 1);
        last_end = at + 1;
    }
    folded
}

/// Whether a longer word goes on before and behind: "Anna" in "Annabelle".
fn inside_word(text: &str, range: &Range<usize>) -> (bool, bool) {
    let inside = &text[range.clone()];
    let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let opens = word(inside.chars().next()) && word(text[..range.start].chars().next_back());
    let closes = word(inside.chars().next_back()) && word(text[range.end..].chars().next());
    (opens, closes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Engine;

    fn found(originals: &[&str], text: &str) -> Vec<String> {
        let engine = Engine::standard().unwrap();
        let residue = Residue::new(originals.iter().copied(), engine.names()).unwrap();
        residue.find(text, |_| false).into_iter().map(|(range, _)| text[range].to_owned()).collect()
    }

    #[test]
    fn knows_an_original_in_other_clothes() {
        assert_eq!(found(&["Anna Weber"], "x ANNA\n  weber y"), ["ANNA\n  weber"]);
        assert_eq!(found(&["4111 1111 1111 1111"], "4111-1111-11111111."), ["4111-1111-11111111"]);
        assert_eq!(found(&["anna@x.de"], "an\u{200b}na@x.de"), ["an\u{200b}na@x.de"]);
    }

    #[test]
    fn leaves_other_things_alone() {
        assert_eq!(
            found(&["Anna", "Rose", "12:30"], "Annabelle rose at 112:30"),
            Vec::<String>::new()
        );
        assert_eq!(found(&["Rose"], "a Rose"), ["Rose"]);
        assert_eq!(found(&["0171 2345678"], "90171234567812"), Vec::<String>::new());
    }
}
