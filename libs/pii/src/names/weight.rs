//! How sure a name is: by what the lists say of its words, and by its neighbours.

use super::{Gap, Shape, Token, Words, role};
use crate::lexicon::Known;

/// How sure one word alone is a name, by what the lists say. Behind a word in lower case a
/// capital says more than at the start of a sentence or among other capitals.
pub(super) fn single(words: &Words<'_>, index: usize) -> f32 {
    let Some(token) = words.at(index) else { return 0.0 };
    let known = token.known;
    let ambiguous = known.has(Known::WORD) || known.has(Known::PLACE_STRONG);
    let in_prose = token.gap == Gap::Space
        && token.shape == Shape::Capital
        && words.before(index).is_some_and(|before| before.shape == Shape::Lower);
    match () {
        () if token.end - token.start <= 2 => 0.05,
        () if known.has(Known::FIRST_STRONG) && !ambiguous && token.shape == Shape::Upper => 0.5,
        () if known.has(Known::FIRST_STRONG) && !ambiguous => 0.6,
        () if known.has(Known::FIRST_STRONG) && known.has(Known::WORD) && in_prose => 0.5,
        () if known.has(Known::FIRST_STRONG) && known.has(Known::WORD) => 0.2,
        () if known.has(Known::FIRST_STRONG) => 0.35,
        () if known.has(Known::FIRST) && !ambiguous && in_prose => 0.5,
        () if known.has(Known::FIRST) && !ambiguous => 0.4,
        () if known.has(Known::LAST_STRONG) && !ambiguous => 0.35,
        () if known.has(Known::LAST) && !ambiguous => 0.25,
        () => 0.0,
    }
}

/// How sure a run of capitalized words is a name, by its first and its last word.
pub(super) fn several(words: &Words<'_>, first: usize, last: usize) -> f32 {
    let (Some(head), Some(tail)) = (words.at(first), words.at(last)) else { return 0.0 };
    if head.known.has(Known::FIRST) { given_first(head, tail) } else { surname_first(head, tail) }
}

/// `Anna Weber`: a first name, then anything.
fn given_first(head: &Token, tail: &Token) -> f32 {
    let strong = head.known.has(Known::FIRST_STRONG);
    let tail_named = tail.known.has(Known::LAST) || tail.known.has(Known::FIRST);
    match (head.known.has(Known::WORD), tail.known.has(Known::WORD), tail_named) {
        (false, false, true) if strong => 0.9,
        (false, false, true) => 0.8,
        (false, false, false) if strong => 0.8,
        (false, false, false) => 0.6,
        (false, true, _) if strong => 0.7,
        (false, true, _) => 0.5,
        (true, false, true) if tail.known.has(Known::LAST_STRONG) => 0.7,
        (true, false, true) => 0.6,
        (true, false, false) => 0.4,
        (true, true, _) => 0.3,
    }
}

/// `Weber Anna`, or a rare first name before a surname.
fn surname_first(head: &Token, tail: &Token) -> f32 {
    let place = head.known.has(Known::PLACE) || tail.known.has(Known::PLACE_STRONG);
    let (surname, given) = (head.known.has(Known::LAST), tail.known.has(Known::FIRST_STRONG));
    if head.known.has(Known::WORD) || tail.known.has(Known::WORD) {
        return 0.0;
    }
    match (surname, given, tail.known.has(Known::LAST)) {
        (true, true, _) if place => 0.4,
        (true, true, _) => 0.6,
        (true, _, true) if place => 0.25,
        (true, _, true) => 0.5,
        (false, _, true) if !place => 0.5,
        _ => 0.0,
    }
}

/// What the neighbours add.
pub(super) fn around(words: &Words<'_>, first: usize, last: usize) -> f32 {
    let mut score: f32 = 0.0;
    if let (Some(token), Some(before)) = (words.at(first), words.before(first)) {
        if token.gap == Gap::Space && before.is(role::BEFORE) {
            score += 0.15;
        }
        // "account holder Weber", "Kontoinhaber Weber".
        if token.gap == Gap::Space
            && before.is(role::LABEL)
            && !before.is(role::BEFORE | role::PARTICLE)
        {
            score += 0.15;
        }
        // "in Paris", "University of Warwick": a place, not a person.
        if token.gap == Gap::Space
            && token.known.has(Known::PLACE)
            && before.is(role::PLACE_BEFORE)
            && first == last
        {
            score -= 0.2;
        }
        if token.gap == Gap::Space && before.is_capital() && before.is(role::ORG_HEAD) {
            score -= 0.3;
        }
    }
    // A first name alone at the end of a line or of the text: a signature.
    let line_ends = words.at(last + 1).is_none_or(|after| after.gap == Gap::Line);
    if first == last
        && line_ends
        && words
            .at(first)
            .is_some_and(|token| token.opens_sentence() && token.known.has(Known::FIRST))
    {
        score += 0.15;
    }
    if let Some(after) = words.at(last + 1) {
        if after.gap == Gap::Space && after.is(role::AFTER) && after.shape == Shape::Lower {
            score += 0.2;
        }
        if matches!(after.gap, Gap::Space | Gap::Comma)
            && after.is(role::ORG_HEAD | role::LEGAL_FORM)
            && after.is_capital()
        {
            score -= 0.3;
        }
        if after.gap == Gap::Space && after.is(role::STREET_SUFFIX) && after.is_capital() {
            score -= 0.3;
        }
        // `Weber (54)`, `Weber, 54,`: a person with an age.
        let between = &words.text[words.tokens[last].end..after.start];
        let age = after.shape == Shape::Number
            && after.end - after.start == 2
            && matches!(between, " (" | ", ");
        if age {
            score += 0.15;
        }
        // Possessive before a word of the same sentence.
        if between.starts_with("'s ") || between == "'s" {
            score += 0.15;
        }
    }
    score
}
