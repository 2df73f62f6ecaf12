//! Words near a match that say what it is.

use std::ops::Range;

use crate::recognizer::Recognizer;

/// What a context word adds to a score.
const BOOST: f32 = 0.35;
/// How far behind a match context is looked for.
const AFTER: usize = 24;

/// The score of a match with its context, or nothing where context is required and missing.
pub(crate) fn score(
    text: &str,
    range: &Range<usize>,
    recognizer: &Recognizer,
    base: f32,
) -> Option<f32> {
    let found = !recognizer.context.is_empty() && near(text, range, recognizer);
    match (found, recognizer.context_required) {
        (true, _) => Some((base + BOOST).min(1.0)),
        (false, true) => None,
        (false, false) => Some(base),
    }
}

fn near(text: &str, range: &Range<usize>, recognizer: &Recognizer) -> bool {
    let from = text.floor_char_boundary(range.start.saturating_sub(recognizer.context_distance));
    let before = text[from..range.start].to_lowercase();
    // A paragraph break ends what the words before can speak of.
    let before = before.rsplit("\n\n").next().unwrap_or_default();
    if holds_any(before, &recognizer.context) {
        return true;
    }
    if !recognizer.context_after {
        return false;
    }
    let to = text.ceil_char_boundary((range.end + AFTER).min(text.len()));
    let after = text[range.end..to].to_lowercase();
    holds_any(after.split('\n').next().unwrap_or_default(), &recognizer.context)
}

/// Whether one of the words stands in the text as a word of its own.
fn holds_any(text: &str, words: &[String]) -> bool {
    words.iter().any(|word| {
        text.match_indices(word.as_str()).any(|(at, _)| {
            let before = text[..at].chars().next_back();
            let after = text[at + word.len()..].chars().next();
            !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphabetic)
        })
    })
}
