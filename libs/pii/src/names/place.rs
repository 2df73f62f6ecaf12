//! Cities, regions and countries, and the postal code before a town.

use super::{Gap, Hit, Shape, Source, Words, role};
use crate::lexicon::Known;

/// The most words a place of the lists has.
const LONGEST: usize = 4;

pub(crate) fn find(words: &Words<'_>, hits: &mut Vec<Hit>) {
    let mut index = 0;
    while index < words.tokens.len() {
        let Some(token) = words.at(index) else { break };
        if !matches!(token.shape, Shape::Capital | Shape::Upper) || token.glued {
            index += 1;
            continue;
        }
        let (last, known) = longest(words, index);
        let postal = postal_code(words, index);
        let score = score(words, index, last, known, postal.is_some());
        if score > 0.0 {
            hits.extend(words.hit(Source::Place, index, last, score));
        }
        if let Some(code) = postal.filter(|_| score >= 0.5 || code_stands_alone(words, index)) {
            hits.extend(words.hit(Source::PostalCode, code, code, 0.8));
            if score < 0.5 {
                hits.extend(words.hit(Source::Place, index, last, 0.6));
            }
        }
        if let Some(code) = code_behind(words, last).filter(|_| score >= 0.5) {
            hits.extend(words.hit(Source::PostalCode, code, code, 0.7));
        }
        index = last + 1;
    }
}

/// `La Habra 03286`.
fn code_behind(words: &Words<'_>, last: usize) -> Option<usize> {
    let code = words.at(last + 1)?;
    let digits = code.text(words.text);
    (matches!(code.gap, Gap::Space)
        && digits.len() == 5
        && digits.bytes().all(|byte| byte.is_ascii_digit()))
    .then_some(last + 1)
}

/// The longest place of the lists that starts here, and what is known of it.
fn longest(words: &Words<'_>, index: usize) -> (usize, Known) {
    let Some(token) = words.at(index) else { return (index, Known::default()) };
    let mut best = (index, token.known);
    if !token.known.has(Known::PLACE_HEAD) {
        return best;
    }
    let mut key = words.folded(index);
    for last in index + 1..index + LONGEST {
        let Some(next) = words.at(last) else { break };
        if !matches!(next.gap, Gap::Space | Gap::Stop) || next.glued {
            break;
        }
        key.push_str(if next.gap == Gap::Stop { ". " } else { " " });
        key.push_str(&words.folded(last));
        let known = words.names.lexicon.get(&key);
        if known.has(Known::PLACE) && next.shape != Shape::Lower {
            // Several words in a row are hardly anything else.
            best = (last, Known::PLACE.with(Known::PLACE_STRONG));
        }
    }
    best
}

fn score(words: &Words<'_>, first: usize, last: usize, known: Known, after_code: bool) -> f32 {
    if !known.has(Known::PLACE) {
        return match () {
            () if home(words, first, known) => 0.6,
            () if sounds_like_a_town(words, first, known) => 0.5,
            () => 0.0,
        };
    }
    let Some(token) = words.at(first) else { return 0.0 };
    let strong = known.has(Known::PLACE_STRONG);
    let several = last > first;
    if !several
        && token.is(role::STOP)
        && !after_code
        && !matches!(token.text(words.text), "USA" | "UK")
    {
        return 0.0;
    }
    if token.shape == Shape::Upper
        && token.end - token.start <= 3
        && !several
        && !matches!(token.text(words.text), "USA" | "UK")
    {
        return 0.0;
    }
    let ambiguous = known.has(Known::WORD) || known.has(Known::FIRST) || known.has(Known::LAST);
    let mut score: f32 = match (strong, several, ambiguous) {
        (true, true, _) => 0.75,
        (true, false, false) => 0.65,
        (true, false, true) if known.has(Known::WORD) => 0.3,
        (true, false, true) if known.has(Known::FIRST_STRONG) => 0.5,
        (true, false, true) => 0.55,
        (false, _, false) => 0.35,
        (false, _, true) if known.has(Known::WORD) || known.has(Known::FIRST_STRONG) => 0.15,
        (false, _, true) => 0.22,
    };
    if after_code {
        score += 0.5;
    }
    if let Some(before) = words
        .before(first)
        .filter(|before| before.is(role::PLACE_BEFORE) && token.gap == Gap::Space)
    {
        // Nothing but a place follows "in"; a person may follow "from", "to" and "bei".
        score += if before.text(words.text) == "in" && !known.has(Known::WORD) { 0.4 } else { 0.3 };
    }
    let listed = words
        .before(first)
        .is_some_and(|before| token.gap == Gap::Comma && before.known.has(Known::PLACE));
    if listed && strong {
        score += 0.2;
    }
    if followed_by_region(words, last) || labelled(words, first) {
        score += 0.35;
    }
    score.min(0.9)
}

/// `resides in Winona`, `wohnt in Jarmen`: whatever it is, somebody lives there.
fn home(words: &Words<'_>, index: usize, known: Known) -> bool {
    let Some((verb, token)) = index.checked_sub(2).and_then(|at| words.at(at)).zip(words.at(index))
    else {
        return false;
    };
    let preposition = words.before(index).is_some_and(|before| {
        before.gap == Gap::Space
            && matches!(before.text(words.text), "in" | "to" | "at" | "of" | "nach" | "aus")
    });
    let named = token.gap == Gap::Space
        && token.shape == Shape::Capital
        && !token.is(role::STOP)
        && !known.has(Known::WORD);
    verb.is(role::RESIDENCE) && preposition && named
}

/// `nach Rastenberg`, `in Bourneville`: a preposition and the ending of a town.
fn sounds_like_a_town(words: &Words<'_>, index: usize, known: Known) -> bool {
    let (Some(token), Some(before)) = (words.at(index), words.before(index)) else { return false };
    let folded = words.folded(index);
    let ending = words.names.place_endings.iter().find(|ending| folded.ends_with(ending.as_str()));
    token.shape == Shape::Capital
        && token.gap == Gap::Space
        && (before.is(role::PLACE_BEFORE) || matches!(before.text(words.text), "von"))
        && !known.has(Known::WORD)
        && !known.has(Known::FIRST)
        && !token.is(role::STOP)
        && ending.is_some_and(|ending| folded.len() >= ending.len() + 3)
}

/// `Springfield, IL`, `Leeds, England`.
fn followed_by_region(words: &Words<'_>, last: usize) -> bool {
    words.at(last + 1).is_some_and(|next| {
        next.gap == Gap::Comma
            && (next.known.has(Known::PLACE_STRONG)
                && next.is_capital()
                && !next.known.has(Known::FIRST)
                || next.shape == Shape::Upper && next.end - next.start == 2)
    })
}

/// `City: Leeds`, `Wohnort: Köln`.
fn labelled(words: &Words<'_>, first: usize) -> bool {
    words.at(first).is_some_and(|token| token.gap == Gap::Colon)
        && first > 0
        && matches!(
            words.folded(first - 1).as_str(),
            "city"
                | "town"
                | "wohnort"
                | "ort"
                | "stadt"
                | "birthplace"
                | "geburtsort"
                | "country"
                | "land"
                | "location"
                | "place"
                | "state"
        )
}

/// Four or five digits straight before the word: `81377 München`, `D-50667 Köln`.
fn postal_code(words: &Words<'_>, index: usize) -> Option<usize> {
    let (token, code) = (words.at(index)?, words.before(index)?);
    let digits = code.text(words.text);
    let fits = matches!(digits.len(), 4 | 5) && digits.bytes().all(|byte| byte.is_ascii_digit());
    (fits && token.gap == Gap::Space).then_some(index - 1)
}

/// A five-digit code at the start of a line or after a comma, before an unknown town.
fn code_stands_alone(words: &Words<'_>, index: usize) -> bool {
    words.before(index).is_some_and(|code| {
        code.end - code.start == 5
            && matches!(code.gap, Gap::Line | Gap::Comma | Gap::Start)
            && words.at(index).is_some_and(|town| {
                town.shape == Shape::Capital && !town.known.has(Known::WORD) && !town.is(role::STOP)
            })
    })
}
