//! Runs of words with a capital: what stands before and behind a whole run says what its words are.

use crate::block::Word;
use crate::gazetteer::Class;
use crate::token::{Shape, Token};

/// The run that a token stands in; `length` is 0 where it stands in none.
#[derive(Clone, Copy, Default)]
pub struct Run {
    pub first: u32,
    /// The token behind its last one.
    pub end: u32,
    /// How many words it has, and which of them this is.
    pub length: u8,
    pub at: u8,
    /// What the lists say of any of its words, of its first and of its last.
    pub any: Class,
    pub head: Class,
    pub tail: Class,
}

const LONGEST: usize = 12;
/// Small words inside names: `Ludwig van Beethoven`, `University of Leeds`.
const INSIDE: &[&str] = &[
    "of", "von", "van", "de", "der", "den", "del", "della", "di", "da", "dos", "do", "du", "des",
    "la", "le", "zu", "zur", "am", "an", "im", "ten", "ter", "bin", "ibn", "al", "el", "y", "e",
    "et", "und", "and", "for", "the", "sur", "en", "ve", "i", "och", "op", "ob",
];

pub(crate) fn runs(text: &str, tokens: &[Token], words: &[Word]) -> Vec<Run> {
    let mut runs = vec![Run::default(); tokens.len()];
    let mut index = 0;
    while index < tokens.len() {
        if !starts(&tokens[index]) {
            index += 1;
            continue;
        }
        let end = end(text, tokens, index);
        fill(&mut runs, tokens, words, index, end);
        index = end;
    }
    runs
}

fn starts(token: &Token) -> bool {
    token.shape.is_capital() && !token.glued
}

/// The token behind the run that starts here.
fn end(text: &str, tokens: &[Token], first: usize) -> usize {
    let mut end = first + 1;
    let mut count = 1;
    while count < LONGEST {
        let Some(next) = joined(text, tokens, end) else { break };
        end = next;
        count += 1;
    }
    end
}

/// The token behind the next word of the run, if the run goes on at `at`.
fn joined(text: &str, tokens: &[Token], at: usize) -> Option<usize> {
    let token = tokens.get(at)?;
    if starts(token) {
        return Some(at + 1);
    }
    let inside = match token.shape {
        Shape::Lower => INSIDE.contains(&token.text(text)),
        Shape::Mark => {
            let before = tokens.get(at.checked_sub(1)?)?;
            match token.text(text) {
                // An initial or a short form: `J. Weber`, `St. Gallen`.
                "." => {
                    before.shape == Shape::Initial
                        || (before.end - before.start <= 3 && tokens.get(at + 1)?.spaced)
                }
                "&" | "-" | "'" | "’" | "+" => true,
                _ => false,
            }
        }
        _ => false,
    };
    if !inside {
        return None;
    }
    let next = tokens.get(at + 1)?;
    if starts(next) {
        return Some(at + 2);
    }
    // `van der Berg`, `y del Río`
    let second = next.shape == Shape::Lower && INSIDE.contains(&next.text(text));
    (second && starts(tokens.get(at + 2)?)).then_some(at + 3)
}

fn fill(runs: &mut [Run], tokens: &[Token], words: &[Word], first: usize, end: usize) {
    let words_only = |index: &usize| tokens[*index].shape.is_capital();
    let any = (first..end).fold(Class::default(), |any, index| any.with(words[index].class));
    let length = (first..end).filter(words_only).count();
    let mut at = 0_u8;
    for (index, run) in runs.iter_mut().enumerate().take(end).skip(first) {
        *run = Run {
            first: first as u32,
            end: end as u32,
            length: u8::try_from(length).unwrap_or(u8::MAX),
            at,
            any,
            head: words[first].class,
            tail: words[end - 1].class,
        };
        at = at.saturating_add(u8::from(words_only(&index)));
    }
}
