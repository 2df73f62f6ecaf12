//! Streets of other languages: the number stands behind the name, or the kind of street before it.

use super::street::{LONGEST, Street, house_number, house_range};
use super::{Gap, Shape, Token, Words, role};
use tagger::Class;

/// Words between a street and its number: `nº 5`, `No: 5`, `n. 5`.
const NUMBER_SIGNS: [&str; 7] = ["n", "no", "num", "numero", "nr", "nro", "numara"];

pub(super) fn find(words: &Words<'_>, index: usize) -> Option<Street> {
    let token = words.at(index).filter(|token| !token.glued)?;
    compound(words, index)
        .or_else(|| lead(words, index))
        .or_else(|| prefixed(words, index, token))
        .or_else(|| suffixed(words, index, token))
}

/// `Lindenstraße 17a`, `Berliner Str. 5`, `Karl-Marx-Allee 90-92`, `Prinsengracht 263`.
fn compound(words: &Words<'_>, index: usize) -> Option<Street> {
    let token = words.at(index)?;
    if token.shape != Shape::Capital && token.shape != Shape::Upper {
        return None;
    }
    let folded = words.folded(index);
    let ending =
        words.names.street_endings.iter().find(|ending| folded.ends_with(ending.as_str()))?;
    let number = words.at(index + 1)?;
    let abbreviated = matches!(ending.as_str(), "str" | "pl");
    let follows = number.gap == Gap::Space || (number.gap == Gap::Stop && abbreviated);
    let text = number.text(words.text);
    if !follows || !house_number(text) {
        return None;
    }
    // "Nürnberg 2023" is a town and a year.
    let year = text.len() == 4 && (text.starts_with("19") || text.starts_with("20"));
    if year && token.known.has(Class::PLACE) {
        return None;
    }
    let alone = folded == *ending;
    let mut first = index;
    while alone && first > 0 && index - first < 2 {
        let (this, before) = (words.at(first)?, words.at(first - 1)?);
        if this.gap != Gap::Space || !before.is_capital() || before.is(role::STOP) {
            break;
        }
        first -= 1;
    }
    if alone && first == index {
        return None;
    }
    Some((first, house_range(words, index + 1), 0.85))
}

/// `Am Alten Markt 5`, `Unter den Linden 77`.
fn lead(words: &Words<'_>, index: usize) -> Option<Street> {
    let token = words.at(index)?;
    if !token.is(role::STREET_LEAD) || token.shape != Shape::Capital {
        return None;
    }
    let mut capitals = 0;
    for at in index + 1..=index + LONGEST {
        let next = words.at(at)?;
        if next.gap != Gap::Space {
            return None;
        }
        match next.shape {
            Shape::Capital => capitals += 1,
            Shape::Lower if matches!(next.text(words.text), "den" | "der" | "dem" | "alten") => {}
            Shape::Number if capitals > 0 && house_number(next.text(words.text)) => {
                // "Am Montag 12 Uhr" and "Im Jahr 2024" are no addresses.
                let (before, after) = (words.folded(at - 1), words.folded(at + 1));
                let date = words.names.no_street.contains(&before)
                    || words.names.no_street.contains(&after);
                return (!date).then_some((index, at, 0.6));
            }
            _ => return None,
        }
    }
    None
}

/// `12 bis, rue de la Paix`, `Via Roma 12`, `Calle Mayor, nº 5`, `ul. Hoża 5`.
fn prefixed(words: &Words<'_>, index: usize, token: &Token) -> Option<Street> {
    if !token.is(role::STREET_PREFIX) && !slashed(words, token) {
        return None;
    }
    let before = number_before(words, index, token);
    // "al" and "pl" are street words only when they are cut short.
    let cut = words.at(index + 1).is_some_and(|next| next.gap == Gap::Stop);
    if token.end - token.start <= 2 && !cut && !slashed(words, token) {
        return None;
    }
    let (mut last, mut named) = (index, false);
    for at in index + 1..=index + LONGEST + 1 {
        let Some(next) = words.at(at) else { break };
        let number = number_behind(words, at, token).filter(|_| named && before.is_none());
        if let Some(number) = number {
            return Some((index, house_range(words, number), 0.8));
        }
        let first = at == index + 1 && (cut || slashed(words, token));
        let initial = next.shape == Shape::Initial && next.gap == Gap::Space;
        if !(next.gap == Gap::Space || first) || !(next.is_capital() || initial || joins(words, at))
        {
            break;
        }
        named |= next.is_capital();
        last = at;
    }
    before.filter(|_| named).map(|first| (first, last, 0.8))
}

/// `C/ Mayor`.
fn slashed(words: &Words<'_>, token: &Token) -> bool {
    matches!(token.text(words.text), "C" | "c") && words.text[token.end..].starts_with('/')
}

/// `de la`, `degli`, `van den`.
fn joins(words: &Words<'_>, at: usize) -> bool {
    words.at(at).is_some_and(|next| {
        next.is(role::PARTICLE)
            || words.names.street_joins.contains(&words.folded(at))
            || next.text(words.text).starts_with("d'")
            || next.text(words.text).starts_with("l'")
    })
}

/// The word of the number before a prefix: `12 rue`, `12, rue`, `12 bis rue`.
fn number_before(words: &Words<'_>, index: usize, token: &Token) -> Option<usize> {
    let number = |at: usize| {
        words
            .at(at)
            .is_some_and(|one| one.shape == Shape::Number && house_number(one.text(words.text)))
    };
    if !matches!(token.gap, Gap::Space | Gap::Comma) {
        return None;
    }
    let before = index.checked_sub(1)?;
    if number(before) {
        return Some(before);
    }
    let again = matches!(words.folded(before).as_str(), "bis" | "ter" | "quater");
    before.checked_sub(1).filter(|at| again && number(*at))
}

/// The word of the number behind a name: `Mayor 5`, `Mayor, 5`, `Mayor nº 5`.
fn number_behind(words: &Words<'_>, at: usize, prefix: &Token) -> Option<usize> {
    let joined = |at: usize| {
        words.at(at).is_some_and(|next| {
            matches!(next.gap, Gap::Space | Gap::Comma | Gap::Stop | Gap::Colon)
        })
    };
    let signed = NUMBER_SIGNS.contains(&words.folded(at).as_str());
    let number = if signed { at + 1 } else { at };
    let token = words.at(number)?;
    let house = token.shape == Shape::Number && house_number(token.text(words.text));
    let gap = words.at(at)?.gap;
    let near = matches!(gap, Gap::Space | Gap::Comma) && (!signed || joined(number));
    // "sent via Slack 5 times": small, it is a preposition.
    let vague = prefix.text(words.text) == "via"
        && !words.char_after(token).is_none_or(|c| matches!(c, ',' | '\n' | '.' | ';'));
    (house && near && (signed || !vague)).then_some(number)
}

/// `Cumhuriyet Caddesi No: 12`, `Atatürk Mah. Gül Sok. 5`, `Fredmans Väg 122`.
fn suffixed(words: &Words<'_>, index: usize, token: &Token) -> Option<Street> {
    if !token.is(role::STREET_BEHIND) {
        return None;
    }
    let at = index + 1;
    let signed = NUMBER_SIGNS.contains(&words.folded(at).as_str());
    let number = if signed { at + 1 } else { at };
    let near = |at: usize| {
        words.at(at).is_some_and(|next| {
            matches!(next.gap, Gap::Space | Gap::Stop | Gap::Comma | Gap::Colon)
        })
    };
    let house = words
        .at(number)
        .is_some_and(|one| one.shape == Shape::Number && house_number(one.text(words.text)));
    if !house || !near(at) || !near(number) {
        return None;
    }
    let mut first = index;
    while first > 0 && index - first < LONGEST {
        let (this, before) = (words.at(first)?, words.at(first - 1)?);
        let joined = this.gap == Gap::Space
            || matches!(this.gap, Gap::Stop | Gap::Comma) && before.is(role::STREET_BEHIND);
        if !joined || !before.is_capital() || before.is(role::STOP) {
            break;
        }
        first -= 1;
    }
    (first < index).then(|| (first, house_range(words, number), 0.8))
}
