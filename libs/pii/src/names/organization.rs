//! Organizations that say what they are: by legal form, or by a word such as hospital.

use super::{Gap, Hit, Shape, Source, Token, Words, role};
use crate::lexicon::Known;

const LONGEST: usize = 5;

pub(crate) fn find(words: &Words<'_>, hits: &mut Vec<Hit>) {
    for index in 0..words.tokens.len() {
        let Some(token) = words.at(index) else { continue };
        if token.is(role::LEGAL_FORM) && token.shape != Shape::Lower && !token.glued {
            let first = back(words, index, true);
            if first < index {
                hits.extend(words.hit(Source::Organization, first, index, 0.8));
            }
        } else if token.is(role::ORG_HEAD) && token.is_capital() {
            headed(words, index, hits);
        } else if employer(words, index) {
            hits.extend(words.hit(Source::Organization, index, forward(words, index), 0.55));
        } else if pair(words, index) {
            hits.extend(words.hit(Source::Organization, index, index + 1, 0.55));
        }
    }
}

/// `works at Acuserv`, `arbeitet bei Surplex`.
fn employer(words: &Words<'_>, index: usize) -> bool {
    let Some((verb, token)) = index.checked_sub(2).and_then(|at| words.at(at)).zip(words.at(index))
    else {
        return false;
    };
    let preposition = words.before(index).is_some_and(|before| {
        before.gap == Gap::Space
            && matches!(before.text(words.text), "at" | "for" | "of" | "bei" | "by" | "von")
    });
    let named = token.gap == Gap::Space
        && token.is_capital()
        && !token.is(role::STOP | role::TITLE)
        && !token.known.has(Known::PLACE_STRONG);
    verb.is(role::EMPLOYMENT) && preposition && named && !token.known.has(Known::FIRST_STRONG)
}

/// `Villeroy & Boch`, but not `Research & Development`.
fn pair(words: &Words<'_>, index: usize) -> bool {
    let (Some(one), Some(two)) = (words.at(index), words.at(index + 1)) else { return false };
    let named = |token: &Token| token.is_capital() && !token.is(role::STOP);
    let ordinary = one.known.has(Known::WORD) || two.known.has(Known::WORD);
    named(one) && named(two) && !ordinary && words.text[one.end..two.start] == *" & "
}

/// `Mercy General Hospital`, `University of Leeds`, `Klinikum Großhadern`.
fn headed(words: &Words<'_>, index: usize, hits: &mut Vec<Hit>) {
    let first = back(words, index, false);
    let mut last = index;
    let of = words.folded(index + 1);
    let open = words.at(index).is_some_and(|head| head.is(role::ORG_OPEN));
    if matches!(of.as_str(), "of" | "fur" | "for" | "de" | "zu")
        && words.at(index + 2).is_some_and(|next| next.is_capital() && next.gap == Gap::Space)
    {
        last = forward(words, index + 2);
    } else if open
        && words
            .at(index + 1)
            .is_some_and(|next| next.is_capital() && next.gap == Gap::Space && !next.is(role::STOP))
    {
        last = forward(words, index + 1);
    }
    if first < index || last > index {
        hits.extend(words.hit(Source::Organization, first, last, 0.65));
    }
}

/// The first word of the name that ends before `index`.
fn back(words: &Words<'_>, index: usize, legal: bool) -> usize {
    let mut first = index;
    while first > 0 && index - first < LONGEST {
        let (Some(this), Some(before)) = (words.at(first), words.at(first - 1)) else { break };
        let between = &words.text[before.end..this.start];
        let joined = this.gap == Gap::Space
            || matches!(between, " & " | "&" | " + " | "-")
            || (between == ". " && before.end - before.start <= 2)
            || (legal && first == index && this.gap == Gap::Comma);
        let conjunction = matches!(before.text(words.text), "und" | "and" | "of") && first < index;
        let capital =
            matches!(before.shape, Shape::Capital | Shape::Upper | Shape::Initial | Shape::Other)
                && !before.glued;
        if !joined
            || !(capital || conjunction)
            || (before.is(role::STOP)
                && !before.is(role::ORG_HEAD)
                && capital
                && !name_like(words, first - 1))
        {
            break;
        }
        if before.is(role::PLACE_BEFORE)
            && before.shape == Shape::Capital
            && before.opens_sentence()
        {
            break;
        }
        first -= 1;
    }
    // "und Brandt GmbH" starts at Brandt.
    while first < index && words.at(first).is_some_and(|token| token.shape == Shape::Lower) {
        first += 1;
    }
    first
}

/// Words of the stop list that are common parts of company names.
fn name_like(words: &Words<'_>, index: usize) -> bool {
    matches!(
        words.folded(index).as_str(),
        "north"
            | "south"
            | "east"
            | "west"
            | "new"
            | "general"
            | "medical"
            | "university"
            | "american"
            | "british"
            | "deutsche"
            | "saint"
            | "english"
            | "king"
            | "queen"
            | "day"
            | "art"
            | "old"
            | "great"
            | "upper"
            | "lower"
            | "group"
            | "insurance"
            | "hospital"
            | "bank"
            | "center"
            | "son"
    ) && words
        .at(index)
        .is_some_and(|token| !token.opens_sentence() || words.folded(index) != "new")
}

/// The last word of the name that starts at `index`.
fn forward(words: &Words<'_>, index: usize) -> usize {
    let mut last = index;
    while last - index < 3 {
        let Some(next) = words.at(last + 1) else { break };
        if next.gap != Gap::Space || !next.is_capital() || next.is(role::STOP) {
            break;
        }
        last += 1;
    }
    last
}
