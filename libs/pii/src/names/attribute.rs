//! What stands beside a name: a title before it, an age behind it.

use std::ops::Range;

use super::{Gap, Hit, Shape, Source, Token, Words, role};
use tagger::{Class, fold};

/// Ages are written so behind a name: `Anna Weber, 37, …`, `Anna Weber (37)`.
const OPENS: [(&str, &[char]); 2] = [(", ", &[',', ';', '.', ')', '\n']), (" (", &[')', ','])];

/// Titles, each with what it consists of: `Prof. Dr.`, `Sig.ra`.
pub(crate) fn titles(words: &Words<'_>, hits: &mut Vec<Hit>) {
    let mut index = 0;
    while index < words.tokens.len() {
        let Some(mut end) = title_at(words, index) else {
            index += 1;
            continue;
        };
        let start = words.tokens[index].start;
        let lower = words.tokens[index].shape == Shape::Lower;
        let mut next = behind(words, index, end);
        // A title may follow a title.
        while let Some(more) = title_at(words, next).filter(|_| follows(words, end, next)) {
            end = more;
            next = behind(words, next, end);
        }
        let called = follows(words, end, next) && named(words, next, lower);
        if called || labelled(words, index) {
            let end = end + usize::from(called && words.text[end..].starts_with('.'));
            hits.push(Hit { source: Source::Title, range: start..end, score: 0.9 });
        }
        index = next;
    }
}

/// Where the title that starts at a word ends, if one does.
fn title_at(words: &Words<'_>, index: usize) -> Option<usize> {
    let token = words.at(index)?;
    let rest = &words.text[token.start..];
    let compound =
        words.names.compound_titles.iter().filter(|_| token.is(role::COMPOUND_HEAD)).find(
            |title| {
                rest.get(..title.len()).is_some_and(|start| start.eq_ignore_ascii_case(title))
                    && !rest[title.len()..].starts_with(char::is_alphanumeric)
            },
        );
    if let Some(title) = compound {
        return Some(token.start + title.len());
    }
    let written = match token.shape {
        Shape::Capital => true,
        Shape::Upper => token.end - token.start <= 4 || words.at(index + 1)?.shape == Shape::Upper,
        Shape::Lower => !token.known.has(Class::WORD) || token.end - token.start <= 4,
        // "M. Dupont" is an initial everywhere but in French.
        Shape::Initial => return initial(words, token).then_some(token.end),
        _ => false,
    };
    (written && !token.glued && token.is(role::HONORIFIC)).then_some(token.end)
}

fn initial(words: &Words<'_>, token: &Token) -> bool {
    const FRENCH: [&str; 14] = [
        "le", "les", "des", "du", "est", "une", "et", "pour", "par", "au", "dans", "avec", "vous",
        "bonjour",
    ];
    token.text(words.text) == "M"
        && words.text[token.end..].starts_with(". ")
        && words
            .tokens
            .iter()
            .filter(|word| FRENCH.contains(&&*fold(word.text(words.text))))
            .take(2)
            .count()
            == 2
}

/// The first word behind the title that starts at `index`.
fn behind(words: &Words<'_>, index: usize, end: usize) -> usize {
    (index + 1..).find(|at| words.at(*at).is_none_or(|token| token.start >= end)).unwrap_or(index)
}

/// Whether nothing but a stop and a blank stands between the title and the word.
fn follows(words: &Words<'_>, end: usize, next: usize) -> bool {
    words.at(next).is_some_and(|token| {
        let between = &words.text[end..token.start];
        matches!(between, " " | ". " | "." | "  ")
    })
}

/// Whether a word can be the name behind a title.
fn named(words: &Words<'_>, index: usize, lower: bool) -> bool {
    words.at(index).is_some_and(|token| {
        let listed = token.known.has(Class::FIRST) || token.known.has(Class::LAST);
        match token.shape {
            Shape::Capital | Shape::Upper => {
                !token.glued
                    && (!token.is(role::STOP) || listed)
                    && (listed || !lower || !token.known.has(Class::WORD))
            }
            Shape::Initial => words.text[token.end..].starts_with(['.', ' ']),
            // A text without capitals: "mr. smith".
            Shape::Lower => {
                lower && !token.is(role::STOP) && listed || particle(words, index, token)
            }
            _ => false,
        }
    })
}

/// `Mr. van der Berg`.
fn particle(words: &Words<'_>, index: usize, token: &Token) -> bool {
    token.is(role::PARTICLE)
        && (index + 1..index + 3).any(|at| words.at(at).is_some_and(Token::is_capital))
}

/// `Title: Mrs` in a form.
fn labelled(words: &Words<'_>, index: usize) -> bool {
    let (Some(token), Some(before)) = (words.at(index), words.before(index)) else { return false };
    token.gap == Gap::Colon
        && words.names.title_labels.contains(&words.folded(index - 1))
        && before.shape != Shape::Lower
}

/// Ages in commas or brackets directly behind the name of a person.
pub(crate) fn ages(words: &Words<'_>, hits: &mut Vec<Hit>) {
    let found: Vec<Hit> = hits
        .iter()
        .filter(|hit| hit.source == Source::Person && hit.score >= 0.5)
        .filter_map(|hit| {
            let range = age_behind(words.text, hit.range.end)?;
            Some(Hit { source: Source::Age, range, score: 0.75 })
        })
        .collect();
    hits.extend(found);
}

fn age_behind(text: &str, end: usize) -> Option<Range<usize>> {
    OPENS.iter().find_map(|(open, closes)| {
        let rest = text[end..].strip_prefix(open)?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let closed = rest[digits..].starts_with(*closes)
            && !rest[digits + 1..].starts_with(|c: char| c.is_ascii_digit());
        // A day of the month, a page or a room has one digit or three as often as two.
        let start = end + open.len();
        (digits == 2 && closed && !rest.starts_with('0')).then_some(start..start + digits)
    })
}
