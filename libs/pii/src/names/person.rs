//! Names of persons: word lists first, then what stands around them, then repetition.

use std::collections::HashMap;

use super::cue::cued;
use super::weight::{around, several, single};
use super::{Gap, Hit, Shape, Source, Token, Words, role};
use crate::lexicon::Known;

/// The most words a name has.
const LONGEST: usize = 5;

/// A name found: token indices, both included.
#[derive(Clone, Copy)]
pub(super) struct Name {
    pub(super) first: usize,
    pub(super) last: usize,
    pub(super) score: f32,
}

pub(crate) fn find(words: &Words<'_>, hits: &mut Vec<Hit>) {
    let mut found: Vec<Name> = Vec::new();
    let mut index = 0;
    while index < words.tokens.len() {
        match name_at(words, index) {
            Some(name) => {
                index = name.last + 1;
                found.push(name);
            }
            None => index += 1,
        }
    }
    let repeated = repetitions(words, &found);
    hits.extend(
        found
            .iter()
            .chain(&repeated)
            .filter_map(|name| words.hit(Source::Person, name.first, name.last, name.score)),
    );
}

/// The best reading of a name that starts exactly here.
fn name_at(words: &Words<'_>, index: usize) -> Option<Name> {
    let token = words.at(index)?;
    if token.shape == Shape::Number || token.glued {
        return None;
    }
    cued(words, index)
        .or_else(|| listed(words, index))
        .or_else(|| reversed(words, index))
        .or_else(|| lower_case(words, index))
}

/// The last word of the name that starts at `first`. With `certain`, ordinary words count for
/// the word after the first, too, if a list knows them as names.
pub(super) fn extend(words: &Words<'_>, first: usize, certain: bool) -> usize {
    let mut last = first;
    while last + 1 - first < LONGEST {
        let (Some(this), Some(next)) = (words.at(last), words.at(last + 1)) else { break };
        let joined =
            next.gap == Gap::Space || (next.gap == Gap::Stop && this.shape == Shape::Initial);
        if !joined {
            break;
        }
        if next.is(role::PARTICLE) && (certain || given(words, first)) {
            let skipped = particles(words, last + 1);
            if skipped > 0 {
                last += skipped;
                continue;
            }
        }
        let listed = next.known.has(Known::FIRST) || next.known.has(Known::LAST);
        let unknown = !next.known.has(Known::WORD)
            && next.shape == Shape::Capital
            && !next.is(role::STREET_SUFFIX);
        let accepted = match next.shape {
            Shape::Initial => {
                !next.glued
                    && words.text[next.end..].starts_with(['.', ' ', ','])
                    && !next.text(words.text).eq("I")
            }
            Shape::Capital | Shape::Upper => {
                !next.glued
                    && !barred(words, first, next)
                    && shape_agrees(words, first, next)
                    && (unknown
                        || (listed
                            && (certain
                                || !next.known.has(Known::WORD)
                                || next.known.has(Known::LAST_STRONG))))
            }
            _ => false,
        };
        if !accepted {
            break;
        }
        last += 1;
    }
    // An initial at the end belongs to the name only with its stop or as a middle name.
    last
}

/// A particle belongs to a name only behind a first name: "Flug von Tobias" is none.
fn given(words: &Words<'_>, first: usize) -> bool {
    words.at(first).is_some_and(|head| head.known.has(Known::FIRST) || head.shape == Shape::Initial)
}

/// How many words `van Gogh` or `van der Berg` has, from its first particle on.
fn particles(words: &Words<'_>, at: usize) -> usize {
    let follows = |index: usize| words.at(index).filter(|token| token.gap == Gap::Space);
    let surname = |index: usize| {
        follows(index).is_some_and(|token| token.is_capital() && !token.is(role::STOP))
    };
    if surname(at + 1) {
        2
    } else if follows(at + 1).is_some_and(|token| token.is(role::PARTICLE)) && surname(at + 2) {
        3
    } else {
        0
    }
}

/// Words that end a name. A surname that is also a function word counts behind a sure first name.
fn barred(words: &Words<'_>, first: usize, next: &Token) -> bool {
    let surname = next.known.has(Known::LAST_STRONG)
        && next.shape == Shape::Capital
        && next.end - next.start > 3;
    let sure = words
        .at(first)
        .is_some_and(|head| head.known.has(Known::FIRST_STRONG) && !head.known.has(Known::WORD));
    next.is(role::TITLE) || (next.is(role::STOP) && !(surname && sure))
}

/// A name is not half in capitals, except for a surname in capitals: "Anna WEBER".
fn shape_agrees(words: &Words<'_>, first: usize, next: &Token) -> bool {
    words.at(first).is_some_and(|token| {
        token.shape != Shape::Upper || next.shape == Shape::Upper || token.end - token.start <= 2
    }) && (next.shape != Shape::Upper
        || next.known.has(Known::LAST)
        || next.known.has(Known::FIRST)
        || next.end - next.start > 3 && !next.known.has(Known::WORD))
}

pub(super) fn extend_lower(words: &Words<'_>, first: usize) -> Option<usize> {
    let named = |token: &Token| token.known.has(Known::FIRST) || token.known.has(Known::LAST);
    if !named(words.at(first)?) {
        return None;
    }
    let mut last = first;
    while last - first < 2 {
        let Some(next) = words.at(last + 1) else { break };
        if next.gap != Gap::Space
            || next.shape != Shape::Lower
            || !named(next)
            || next.is(role::STOP | role::AFTER | role::BEFORE)
        {
            break;
        }
        last += 1;
    }
    Some(last)
}

/// A first name of the lists, an initial, or a surname in a telling place.
fn listed(words: &Words<'_>, index: usize) -> Option<Name> {
    let token = words.at(index)?;
    if token.is(role::STOP | role::TITLE) && !token.known.has(Known::FIRST_STRONG)
        || token.is(role::STOP) && token.known.has(Known::WORD)
    {
        return None;
    }
    if token.shape == Shape::Initial {
        return initials(words, index);
    }
    if !token.is_capital() || token.is(role::STOP) {
        return None;
    }
    let last = extend(words, index, false);
    let last = trim(words, index, last);
    let base = if last == index { single(words, index) } else { several(words, index, last) };
    let mut score = base + around(words, index, last);
    if token.opens_sentence() && last == index {
        score -= 0.05;
    }
    (score >= 0.45).then_some(Name { first: index, last, score: score.min(0.95) })
}

/// Drops words at the end that make the name a street or a firm; those have their own finders.
fn trim(words: &Words<'_>, first: usize, mut last: usize) -> usize {
    while last > first
        && words.at(last).is_some_and(|token| token.is(role::ORG_HEAD | role::LEGAL_FORM))
    {
        last -= 1;
    }
    last
}

/// `J. Weber`, `J. R. Weber`.
fn initials(words: &Words<'_>, index: usize) -> Option<Name> {
    let token = words.at(index)?;
    if !words.text[token.end..].starts_with('.') || token.glued {
        return None;
    }
    let last = extend(words, index, false);
    let tail = words.at(last)?;
    let named = tail.known.has(Known::LAST) || !tail.known.has(Known::WORD);
    let letters = tail.shape == Shape::Capital && tail.end - tail.start > 2;
    (last > index && letters && named && !tail.is(role::STOP | role::LEGAL_FORM)).then(|| Name {
        first: index,
        last,
        score: if tail.known.has(Known::LAST) { 0.75 } else { 0.6 },
    })
}

/// `Weber, Anna` in lists and registers.
fn reversed(words: &Words<'_>, index: usize) -> Option<Name> {
    let (token, next) = (words.at(index)?, words.at(index + 1)?);
    let surname = token.is_capital()
        && !token.known.has(Known::WORD)
        && !token.known.has(Known::PLACE_STRONG)
        && !token.is(role::STOP);
    let given =
        next.is_capital() && next.known.has(Known::FIRST_STRONG) && !next.known.has(Known::WORD);
    let starts = matches!(token.gap, Gap::Start | Gap::Line | Gap::Colon | Gap::Other);
    (surname && given && next.gap == Gap::Comma && starts && token.known.has(Known::LAST))
        .then(|| Name { first: index, last: extend(words, index + 1, false), score: 0.7 })
}

/// `anna weber` without capitals: both words must be names and nothing else.
fn lower_case(words: &Words<'_>, index: usize) -> Option<Name> {
    let (token, next) = (words.at(index)?, words.at(index + 1)?);
    let only = |token: &Token| {
        !token.known.has(Known::WORD)
            && !token.known.has(Known::PLACE_STRONG)
            && token.roles == 0
            && !token.glued
            && token.end - token.start > 2
    };
    (token.shape == Shape::Lower
        && next.shape == Shape::Lower
        && next.gap == Gap::Space
        && token.known.has(Known::FIRST_STRONG)
        && next.known.has(Known::LAST_STRONG)
        && only(token)
        && only(next))
    .then_some(Name { first: index, last: index + 1, score: 0.55 })
}

/// Parts of names found for sure, standing alone elsewhere in the text.
fn repetitions(words: &Words<'_>, found: &[Name]) -> Vec<Name> {
    let mut parts: HashMap<String, bool> = HashMap::new();
    let mut covered = vec![false; words.tokens.len()];
    for name in found.iter().filter(|name| name.score >= 0.5) {
        for (index, token) in words.tokens.iter().enumerate().take(name.last + 1).skip(name.first) {
            covered[index] = true;
            if name.score >= 0.6
                && token.end - token.start >= 3
                && !token.is(role::PARTICLE | role::STOP)
            {
                parts.insert(words.folded(index), token.known.has(Known::WORD));
            }
        }
    }
    if parts.is_empty() {
        return Vec::new();
    }
    let mut repeated = Vec::new();
    for (index, token) in words.tokens.iter().enumerate() {
        if covered[index] || !token.is_capital() {
            continue;
        }
        let Some(ordinary) = parts.get(&words.folded(index)) else { continue };
        // "Rose" in the middle of a sentence is the person; at its start it may be the flower.
        if !ordinary || (token.shape == Shape::Capital && !token.opens_sentence()) {
            repeated.push(Name {
                first: index,
                last: index,
                score: if *ordinary { 0.55 } else { 0.7 },
            });
        }
    }
    repeated
}
