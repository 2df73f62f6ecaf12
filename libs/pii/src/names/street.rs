//! Streets with house numbers: what all languages share, and the English forms.

use super::{Gap, Hit, Shape, Source, Token, Words, abroad, role};

/// The most words a street's own name has.
pub(super) const LONGEST: usize = 6;

/// What people live in: nothing else has a number before its street's name and one behind it.
const FLATS: [&str; 6] = ["apt", "apartment", "suite", "ste", "unit", "flat"];

/// Where a street stands, by its first and last word, and how sure that is.
pub(super) type Street = (usize, usize, f32);

pub(crate) fn find(words: &Words<'_>, hits: &mut Vec<Hit>) {
    for index in 0..words.tokens.len() {
        let found = numbered(words, index).or_else(|| abroad::find(words, index));
        if let Some((first, last, score)) = found {
            let last = unit(words, unit(words, last));
            let first = flat(words, first);
            hits.extend(words.hit(Source::Street, first, last, score));
            town(words, last + 1, hits);
        } else if let Some((first, last, score)) = mentioned(words, index) {
            hits.extend(words.hit(Source::Street, first, last, score));
        }
    }
}

/// `221B Baker Street`, `1600 Pennsylvania Ave NW`, `12 High street`.
fn numbered(words: &Words<'_>, number: usize) -> Option<Street> {
    let head = words.at(number)?;
    if head.shape != Shape::Number || head.glued || head.end - head.start > 6 {
        return None;
    }
    let (mut suffix, mut small) = (None, 0);
    for index in number + 1..=number + LONGEST + 1 {
        let Some(token) = words.at(index) else { break };
        if !joined(words, index) {
            break;
        }
        let own = index > number + 1;
        if token.shape == Shape::Lower {
            // "12 oak street": small letters only where nothing else is meant.
            small += 1;
            if own && sure_suffix(words, index) {
                suffix = Some(index);
                break;
            }
            if small > 2 || !plain_name(words, number, index) {
                break;
            }
            continue;
        }
        if small > 0 || !named(words, token) {
            break;
        }
        if own && is_suffix(words, index) {
            suffix = Some(index);
        }
        // Any name counts when a flat or a suite follows.
        let home = FLATS.contains(&words.folded(index).as_str());
        if own && home && unit(words, index - 1) > index {
            suffix = Some(index - 1);
            break;
        }
    }
    let last = suffix?;
    let score = if small > 1 { 0.6 } else { 0.85 };
    Some((number, last + usize::from(directed(words, last + 1)), score))
}

/// Whether a word goes on with the name before it: behind a blank, or behind `St.`, `N.`, `Jr.`.
fn joined(words: &Words<'_>, index: usize) -> bool {
    let (Some(token), Some(before)) = (words.at(index), words.before(index)) else { return false };
    let short = before.end - before.start <= 2 && before.shape != Shape::Number;
    token.gap == Gap::Space || (token.gap == Gap::Stop && short)
}

fn named(words: &Words<'_>, token: &Token) -> bool {
    matches!(token.shape, Shape::Capital | Shape::Upper | Shape::Initial)
        || (token.shape == Shape::Number && token.text(words.text).ends_with(['h', 'd', 't']))
}

/// A street's name in small letters: a word behind a number of more than one digit, and no
/// measure ("20 mile road", "12 lane road").
fn plain_name(words: &Words<'_>, number: usize, index: usize) -> bool {
    const MEASURES: [&str; 12] = [
        "lane", "mile", "way", "minute", "hour", "foot", "feet", "meter", "metre", "car", "day",
        "story",
    ];
    let digits = words.at(number).is_some_and(|head| head.end - head.start >= 2);
    let word = words.folded(index);
    digits
        && words.at(index).is_some_and(|token| !token.is(role::STOP) && token.gap == Gap::Space)
        && !MEASURES.contains(&word.trim_end_matches('s'))
}

/// `1600 Pennsylvania Avenue NW`.
fn directed(words: &Words<'_>, index: usize) -> bool {
    const DIRECTIONS: [&str; 12] =
        ["N", "S", "E", "W", "NE", "NW", "SE", "SW", "North", "South", "East", "West"];
    words
        .at(index)
        .is_some_and(|next| next.gap != Gap::Line && DIRECTIONS.contains(&next.text(words.text)))
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

/// A suffix that is hardly ever anything else.
fn sure_suffix(words: &Words<'_>, index: usize) -> bool {
    words.names.sure_suffixes.contains(&words.folded(index))
}

/// `on Baker Street`, without a number.
fn mentioned(words: &Words<'_>, index: usize) -> Option<Street> {
    const BEFORE: [&str; 9] = ["on", "at", "in", "along", "off", "near", "from", "to", "of"];
    let token = words.at(index).filter(|token| token.gap == Gap::Space && token.is_capital())?;
    let before = words.before(index)?;
    if !BEFORE.contains(&before.text(words.text)) || token.is(role::STOP) {
        return None;
    }
    let last = (index + 1..index + 4)
        .take_while(|at| words.at(*at).is_some_and(|next| joined(words, *at) && named(words, next)))
        .filter(|at| sure_suffix(words, *at))
        .last()?;
    Some((index, last + usize::from(directed(words, last + 1)), 0.55))
}

/// `12`, `221B`; longer numbers are none.
pub(super) fn house_number(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &text[digits..];
    (1..=4).contains(&digits)
        && rest.len() <= 1
        && rest.bytes().all(|byte| byte.is_ascii_alphabetic())
}

/// `90-92`, `17 a`.
pub(super) fn house_range(words: &Words<'_>, number: usize) -> usize {
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

/// `…, Apt 4B`, `… #5`, `… Suite 200`, `…, 3º B`.
fn unit(words: &Words<'_>, last: usize) -> usize {
    let (Some(this), Some(next)) = (words.at(last), words.at(last + 1)) else { return last };
    let short = |token: &Token| token.end - token.start <= 5 && token.shape != Shape::Capital;
    let between = &words.text[this.end..next.start];
    if matches!(between, " #" | ", #") && short(next) {
        return last + 1;
    }
    let text = next.text(words.text);
    // "18th Floor".
    let storey = next.shape == Shape::Number && matches!(next.gap, Gap::Comma | Gap::Space);
    if storey
        && words.folded(last + 2) == "floor"
        && words.at(last + 2).is_some_and(|two| two.gap == Gap::Space)
    {
        return last + 2;
    }
    // The floor, as Spanish writes it; the sign º has become a letter.
    let floor = next.shape == Shape::Number && text.len() <= 3 && text.ends_with(['o', 'a']);
    if floor && matches!(next.gap, Gap::Comma | Gap::Space) {
        let door = words.at(last + 2).is_some_and(|door| {
            door.gap == Gap::Space && (door.shape == Shape::Initial || door.end - door.start == 1)
        });
        return last + 1 + usize::from(door);
    }
    if next.is(role::UNIT) && matches!(next.gap, Gap::Space | Gap::Comma | Gap::Stop) {
        let numbered = words.at(last + 2).is_some_and(|number| {
            matches!(number.gap, Gap::Space | Gap::Stop | Gap::Colon | Gap::Other)
                && number.start - next.end <= 2
                && short(number)
                && number.shape != Shape::Lower
        });
        if numbered {
            return last + 2;
        }
    }
    last
}

/// `Flat 3, 12 High Road`, `Apartment 4B, 12 High Road`.
fn flat(words: &Words<'_>, first: usize) -> usize {
    let Some(unit) = first.checked_sub(2) else { return first };
    let (Some(kind), Some(number), Some(street)) =
        (words.at(unit), words.at(unit + 1), words.at(first))
    else {
        return first;
    };
    let before = kind.is(role::UNIT)
        && matches!(number.gap, Gap::Space | Gap::Stop)
        && matches!(number.shape, Shape::Number | Shape::Initial)
        && matches!(street.gap, Gap::Comma | Gap::Space | Gap::Line);
    if before { unit } else { first }
}
