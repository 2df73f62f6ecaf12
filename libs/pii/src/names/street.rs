//! Streets with house numbers: English, German and Romance forms.

use super::{Gap, Hit, Shape, Source, Token, Words, role};

/// The most words a street's own name has.
const LONGEST: usize = 4;

pub(crate) fn find(words: &Words<'_>, hits: &mut Vec<Hit>) {
    for index in 0..words.tokens.len() {
        if let Some((first, last, score)) = english(words, index)
            .or_else(|| german(words, index))
            .or_else(|| lead(words, index))
            .or_else(|| romance(words, index))
        {
            let last = unit(words, last);
            hits.extend(words.hit(Source::Street, first, last, score));
            town(words, last + 1, hits);
        }
    }
}

/// `221B Baker Street`, `1600 Pennsylvania Ave NW`.
fn english(words: &Words<'_>, number: usize) -> Option<(usize, usize, f32)> {
    let head = words.at(number)?;
    if head.shape != Shape::Number || head.glued || head.end - head.start > 6 {
        return None;
    }
    let mut suffix = None;
    for index in number + 1..=number + LONGEST + 1 {
        let Some(token) = words.at(index) else { break };
        let follows = token.gap == Gap::Space
            || (token.gap == Gap::Stop
                && words.at(index - 1)?.end - words.at(index - 1)?.start <= 2);
        let named = matches!(token.shape, Shape::Capital | Shape::Upper | Shape::Initial)
            || (token.shape == Shape::Number && token.text(words.text).ends_with(['h', 'd', 't']));
        if !follows || !named {
            break;
        }
        if index > number + 1 && is_suffix(words, index) {
            suffix = Some(index);
        }
        // Any name counts when a flat or a suite follows.
        if index > number + 1 && token.is(role::UNIT) && unit(words, index - 1) > index {
            suffix = Some(index - 1);
            break;
        }
    }
    let mut last = suffix?;
    if words.at(last + 1).is_some_and(|next| {
        next.gap != Gap::Line
            && matches!(
                next.text(words.text),
                "N" | "S"
                    | "E"
                    | "W"
                    | "NE"
                    | "NW"
                    | "SE"
                    | "SW"
                    | "North"
                    | "South"
                    | "East"
                    | "West"
            )
    }) {
        last += 1;
    }
    Some((number, last, 0.85))
}

/// `Street`, `Mountains`: singular or plural.
fn is_suffix(words: &Words<'_>, index: usize) -> bool {
    let folded = words.folded(index);
    words.at(index).is_some_and(|token| token.is(role::STREET_SUFFIX))
        || folded
            .strip_suffix('s')
            .and_then(|one| words.names.roles.get(one))
            .is_some_and(|roles| roles & role::STREET_SUFFIX != 0)
}

/// `Lindenstraße 17a`, `Berliner Str. 5`, `Karl-Marx-Allee 90-92`.
fn german(words: &Words<'_>, index: usize) -> Option<(usize, usize, f32)> {
    let token = words.at(index)?;
    if token.shape != Shape::Capital && token.shape != Shape::Upper {
        return None;
    }
    let folded = words.folded(index);
    let ending =
        words.names.street_endings.iter().find(|ending| folded.ends_with(ending.as_str()))?;
    let number = words.at(index + 1)?;
    let follows = number.gap == Gap::Space || (number.gap == Gap::Stop && ending == "str");
    if !follows || !house_number(number.text(words.text)) {
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
fn lead(words: &Words<'_>, index: usize) -> Option<(usize, usize, f32)> {
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

/// `12 rue de la Paix`, `Via Roma 12`, `Calle Mayor, 5`.
fn romance(words: &Words<'_>, index: usize) -> Option<(usize, usize, f32)> {
    let token = words.at(index)?;
    if !token.is(role::STREET_PREFIX) || token.glued {
        return None;
    }
    let numbered = words.before(index).is_some_and(|number| {
        number.shape == Shape::Number
            && matches!(token.gap, Gap::Space | Gap::Comma)
            && house_number(number.text(words.text))
    });
    let mut last = index;
    let mut named = false;
    for at in index + 1..=index + LONGEST + 1 {
        let Some(next) = words.at(at) else { break };
        let joined = matches!(next.gap, Gap::Space | Gap::Comma);
        if joined
            && named
            && !numbered
            && next.shape == Shape::Number
            && house_number(next.text(words.text))
        {
            return Some((index, at, 0.8));
        }
        if next.gap != Gap::Space
            || !(next.is_capital()
                || next.is(role::PARTICLE)
                || next.text(words.text).starts_with("d'"))
        {
            break;
        }
        named |= next.is_capital();
        last = at;
    }
    (numbered && named).then_some((index - 1, last, 0.8))
}

fn house_number(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &text[digits..];
    (1..=4).contains(&digits)
        && rest.len() <= 1
        && rest.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// `90-92`, `17 a`.
fn house_range(words: &Words<'_>, number: usize) -> usize {
    let Some((this, next)) = words.at(number).zip(words.at(number + 1)) else { return number };
    let between = &words.text[this.end..next.start];
    let second = matches!(between, "-" | "/" | " - ") && house_number(next.text(words.text));
    let letter = between == " "
        && next.end - next.start == 1
        && next.text(words.text).is_ascii()
        && next.shape != Shape::Number
        && words.char_after(next).is_none_or(|c| matches!(c, ',' | '\n' | '.' | ';'));
    if second || letter { number + 1 } else { number }
}

/// Whatever stands behind a street and a comma is the town: `…, Sayreville 12345`.
fn town(words: &Words<'_>, first: usize, hits: &mut Vec<Hit>) {
    let named =
        |token: &Token| token.is_capital() && !token.is(role::STOP | role::GREETING | role::LABEL);
    if !words
        .at(first)
        .is_some_and(|token| named(token) && matches!(token.gap, Gap::Comma | Gap::Line))
    {
        return;
    }
    let line = words.at(first).is_some_and(|token| token.gap == Gap::Line);
    let mut last = first;
    while last - first < 2
        && words.at(last + 1).is_some_and(|next| named(next) && next.gap == Gap::Space)
    {
        last += 1;
    }
    let code = words.at(last + 1).is_some_and(|code| {
        matches!(code.gap, Gap::Space | Gap::Comma)
            && code.end - code.start == 5
            && code.text(words.text).bytes().all(|byte| byte.is_ascii_digit())
    });
    // On a new line only a code makes it a town; it may as well be the next paragraph.
    if code || !line {
        hits.extend(words.hit(Source::Place, first, last, 0.6));
    }
    if code {
        hits.extend(words.hit(Source::PostalCode, last + 1, last + 1, 0.75));
    }
}

/// `…, Apt 4B`, `… #5`, `… Suite 200`.
fn unit(words: &Words<'_>, last: usize) -> usize {
    let Some(next) = words.at(last + 1) else { return last };
    if next.is(role::UNIT) && matches!(next.gap, Gap::Space | Gap::Comma | Gap::Stop) {
        let numbered = words.at(last + 2).is_some_and(|number| {
            matches!(number.gap, Gap::Space | Gap::Stop)
                && number.end - number.start <= 5
                && number.shape != Shape::Lower
                && number.shape != Shape::Capital
        });
        if numbered {
            return last + 2;
        }
    }
    last
}
