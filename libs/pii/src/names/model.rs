//! What the sequence model finds, and the postal codes beside its places.

use std::ops::Range;

use tagger::Kind;

use super::{Gap, Hit, Shape, Source, Token, Words, role};

/// A street in small letters must be at least so sure.
const SURE: f32 = 0.75;

pub(crate) fn find(words: &Words<'_>, hits: &mut Vec<Hit>) {
    for entity in words.names.tagger.find(words.text) {
        let source = match entity.kind {
            Kind::Person => Source::Person,
            Kind::Place => Source::Place,
            Kind::Organization => Source::Organization,
            Kind::Street => Source::Street,
        };
        let inside = inside(words, &entity.range);
        let no_name = match source {
            // `my SSN`, `the Bank`: what no organization has for its whole name.
            Source::Organization => inside.iter().all(|token| token.is(role::STOP)),
            // "a 4 lane road"
            Source::Street => entity.score < SURE && !inside.iter().any(|token| token.is_capital()),
            Source::Place => inside.iter().any(|token| breaks(words, token)),
            _ => false,
        };
        if no_name || in_code(words.text, &entity.range) {
            continue;
        }
        if source == Source::Place {
            postal_codes(words, &entity.range, hits);
        }
        hits.push(Hit { source, range: entity.range, score: entity.score });
    }
}

/// A line of code holds marks that prose does not; what it quotes is text again.
fn in_code(text: &str, range: &Range<usize>) -> bool {
    const MARKS: &[&str] = &["::", "->", "=>", "};"];
    const NEAR: usize = 120;
    let before = &text[text.floor_char_boundary(range.start.saturating_sub(NEAR))..range.start];
    let after = &text[range.end..text.ceil_char_boundary((range.end + NEAR).min(text.len()))];
    let before = before.rsplit('\n').next().unwrap_or_default();
    let after = after.split('\n').next().unwrap_or_default();
    !before.contains(['"', '\''])
        && MARKS.iter().any(|mark| before.contains(mark) || after.contains(mark))
}

fn inside<'w>(words: &'w Words<'_>, range: &Range<usize>) -> &'w [Token] {
    let first = words.tokens.partition_point(|token| token.start < range.start);
    let end = words.tokens.partition_point(|token| token.start < range.end);
    &words.tokens[first..end.max(first)]
}

/// A small word that no place has in its name: `ohne`, but not the `am` of `Frankfurt am Main`.
fn breaks(words: &Words<'_>, token: &Token) -> bool {
    const LINKS: &[&str] =
        &["of", "the", "and", "und", "on", "upon", "am", "an", "im", "in", "ob", "bei"];
    token.shape == Shape::Lower
        && token.is(role::STOP)
        && !token.is(role::PARTICLE)
        && !LINKS.contains(&token.text(words.text))
}

/// `81377 München`, `D-50667 Köln`, `La Habra 03286`.
fn postal_codes(words: &Words<'_>, place: &Range<usize>, hits: &mut Vec<Hit>) {
    let first = words.tokens.partition_point(|token| token.start < place.start);
    let behind = words.tokens.partition_point(|token| token.start < place.end);
    let digits = |index: usize| {
        words.at(index).filter(|code| {
            code.shape == Shape::Number
                && code.text(words.text).bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let close = words.at(first).is_some_and(|town| {
        town.gap == Gap::Space && !words.names.is_ordinary(town.text(words.text))
    });
    if let Some(code) = first.checked_sub(1).and_then(digits).filter(|_| close)
        && matches!(code.end - code.start, 4 | 5)
    {
        hits.push(Hit { source: Source::PostalCode, range: code.start..code.end, score: 0.8 });
    }
    if let Some(code) = digits(behind)
        && code.gap == Gap::Space
        && code.end - code.start == 5
    {
        hits.push(Hit { source: Source::PostalCode, range: code.start..code.end, score: 0.7 });
    }
}
