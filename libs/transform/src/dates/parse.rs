//! Reads a date and remembers how it was written. The forms are those that libs/pii finds
//! (`recognizers/dates.toml`).

use super::months::{self, Style};
use super::{Piece, Written};

/// Years that a date of a person may have; others are numbers of something else.
const YEARS: std::ops::RangeInclusive<i32> = 1800..=2199;
/// Two digits from here on are of the last century: dates of people mostly lie behind us.
const LAST_CENTURY: i32 = 30;

#[derive(Clone, Copy)]
enum Token<'t> {
    Number(&'t str),
    Word(&'t str),
    Other(&'t str),
}

pub(super) fn parse(text: &str) -> Option<Written> {
    let tokens = tokens(text);
    let month = tokens.iter().position(|token| month_of(&tokens, token).is_some());
    match month {
        Some(at) => in_words(&tokens, at),
        None => in_digits(&tokens).or_else(|| year_alone(&tokens)),
    }
}

fn tokens(text: &str) -> Vec<Token<'_>> {
    let kind = |c: char| match c {
        '0'..='9' => 0,
        _ if c.is_alphabetic() => 1,
        _ => 2,
    };
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| kind(c) != kind(first)).unwrap_or(rest.len());
        let (token, behind) = rest.split_at(end);
        tokens.push(match kind(first) {
            0 => Token::Number(token),
            1 => Token::Word(token),
            _ => Token::Other(token),
        });
        rest = behind;
    }
    tokens
}

fn month_of(tokens: &[Token<'_>], token: &Token<'_>) -> Option<(u32, Style)> {
    let Token::Word(word) = token else { return None };
    // "17. April": the token behind the first number.
    let point =
        matches!(tokens, [Token::Number(_), Token::Other(other), ..] if other.starts_with('.'));
    months::named(word, point)
}

fn number(text: &str) -> Option<i32> {
    if text.len() > 4 { None } else { text.parse().ok() }
}

/// A year as it stands there, and whether it is without its century.
fn year(text: &str) -> Option<(i32, bool)> {
    match (text.len(), number(text)?) {
        (4, year) if YEARS.contains(&year) => Some((year, false)),
        (2, year) if year >= LAST_CENTURY => Some((1900 + year, true)),
        (2, year) => Some((2000 + year, true)),
        _ => None,
    }
}

fn small(text: &str, most: u32) -> Option<u32> {
    let value = u32::try_from(number(text)?).ok()?;
    (text.len() <= 2 && (1..=most).contains(&value)).then_some(value)
}

fn as_text(tokens: &[Token<'_>]) -> Piece {
    let text = tokens.iter().map(|token| match token {
        Token::Number(text) | Token::Word(text) | Token::Other(text) => *text,
    });
    Piece::Text(text.collect())
}

/// Three numbers with the same sign between them; what follows is a time of day.
fn in_digits(tokens: &[Token<'_>]) -> Option<Written> {
    let [
        Token::Number(a),
        Token::Other(first),
        Token::Number(b),
        Token::Other(second),
        Token::Number(c),
        rest @ ..,
    ] = tokens
    else {
        return None;
    };
    let sign = first.trim();
    if sign != second.trim() || !matches!(sign, "-" | "/" | ".") {
        return None;
    }
    let year_first = a.len() == 4;
    let (year_text, one, two) = if year_first { (a, b, c) } else { (c, a, b) };
    let (year, short) = year(year_text)?;
    // Americans write the month first, and only they write slashes; a number above 12 overrules.
    let month_first =
        small(one, 12).is_some() && (year_first || sign == "/" || small(two, 12).is_none());
    let (month_text, day_text) = if month_first { (one, two) } else { (two, one) };
    let (month, day) = (small(month_text, 12)?, small(day_text, 31)?);
    let padded = one.starts_with('0') || two.starts_with('0') || one.len() + two.len() == 4;
    let month_piece = Piece::Month(Style::Number { padded });
    let day_piece = Piece::Day { padded, ordinal: false };
    let (left, right) =
        if month_first { (month_piece, day_piece) } else { (day_piece, month_piece) };
    let (first, second) = (Piece::Text((*first).to_owned()), Piece::Text((*second).to_owned()));
    let year_piece = Piece::Year { short };
    let mut pieces = if year_first {
        vec![year_piece, first, left, second, right]
    } else {
        vec![left, first, right, second, year_piece]
    };
    pieces.push(as_text(rest));
    Some(Written { year: Some(year), month: Some(month), day: Some(day), pieces })
}

/// A month's name with a day before or behind it, and perhaps a year behind.
fn in_words(tokens: &[Token<'_>], at: usize) -> Option<Written> {
    let (month, style) = month_of(tokens, tokens.get(at)?)?;
    let mut written = Written { year: None, month: Some(month), day: None, pieces: Vec::new() };
    let mut place = 0;
    while let Some(token) = tokens.get(place) {
        let ordinal = matches!(tokens.get(place + 1), Some(Token::Word("st" | "nd" | "rd" | "th")));
        let mut used = 1;
        let piece = match token {
            _ if place == at => Piece::Month(style.clone()),
            Token::Number(text) if written.day.is_none() && small(text, 31).is_some() => {
                written.day = small(text, 31);
                used += usize::from(ordinal);
                Piece::Day { padded: text.starts_with('0'), ordinal }
            }
            Token::Number(text) if written.year.is_none() && place > at && text.len() == 4 => {
                written.year = Some(year(text)?.0);
                // Behind the year there is at most a time of day.
                written.day.get_or_insert(0);
                Piece::Year { short: false }
            }
            other => as_text(&[*other]),
        };
        written.pieces.push(piece);
        place += used;
    }
    written.day = written.day.filter(|day| *day > 0);
    Some(written)
}

fn year_alone(tokens: &[Token<'_>]) -> Option<Written> {
    let [Token::Number(text)] = tokens else { return None };
    let (year, short) = year(text).filter(|(_, short)| !short)?;
    let pieces = vec![Piece::Year { short }];
    Some(Written { year: Some(year), month: None, day: None, pieces })
}
