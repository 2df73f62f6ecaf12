//! Names that their surroundings give away: a title, a label, a greeting, an introduction, a
//! signature, a mailbox.

use super::person::{Name, extend, extend_lower};
use super::{Gap, Shape, Token, Words, role};
use crate::lexicon::Known;

/// How far behind a greeted name its comma is looked for.
const GREETED: usize = 60;

/// After a title, a label, a greeting, an introduction, or above a signature: nearly any
/// capitalized word is a name there.
pub(super) fn cued(words: &Words<'_>, index: usize) -> Option<Name> {
    let token = words.at(index)?;
    let score = cue(words, index)?;
    let lower_allowed = token.shape == Shape::Lower && score.lower;
    if !lower_allowed
        && !token.is_capital()
        && token.shape != Shape::Initial
        && !noble(words, index)
    {
        return None;
    }
    if token.is(role::TITLE) || (token.is(role::STOP) && !noble(words, index)) {
        return None;
    }
    let ordinary = token.known.has(Known::WORD)
        && !token.known.has(Known::FIRST)
        && !token.known.has(Known::LAST);
    if ordinary && !score.certain {
        return None;
    }
    let last = if lower_allowed {
        extend_lower(words, index)?
    } else {
        extend(words, index, score.certain)
    };
    if words.at(last)?.is(role::ORG_HEAD | role::LEGAL_FORM)
        || (token.shape == Shape::Initial && last == index)
    {
        return None;
    }
    Some(Name { first: index, last, score: score.value })
}

struct Cue {
    value: f32,
    /// Any capitalized word is a name here, even an ordinary one ("Mr. Baker").
    certain: bool,
    /// Names in lower case count too.
    lower: bool,
}

fn cue(words: &Words<'_>, index: usize) -> Option<Cue> {
    let token = words.at(index)?;
    let before = words.before(index)?;
    if before.is(role::TITLE)
        && matches!(token.gap, Gap::Space | Gap::Stop)
        && titled(words, index, before)
    {
        return Some(Cue { value: 0.9, certain: true, lower: false });
    }
    if before.is(role::LABEL) && token.gap == Gap::Colon {
        // `name: String` is code; a form writes its labels with a capital, or holds a known name.
        let listed = token.known.has(Known::FIRST) || token.known.has(Known::LAST);
        let field = before.shape == Shape::Lower && !listed && extend(words, index, false) == index;
        let code = before.shape == Shape::Lower
            && token.known.has(Known::WORD)
            && !token.known.has(Known::FIRST);
        return (!field && !code).then_some(Cue { value: 0.85, certain: true, lower: true });
    }
    if before.is(role::ROLE_NOUN)
        && token.gap == Gap::Space
        && token.shape == Shape::Capital
        && !token.known.has(Known::WORD)
    {
        return Some(Cue { value: 0.65, certain: false, lower: false });
    }
    if introduced(words, index) {
        return Some(Cue { value: 0.8, certain: false, lower: true });
    }
    if before.is(role::GREETING) && token.gap == Gap::Space && before.shape != Shape::Other {
        let window = &words.text
            [token.end..words.text.ceil_char_boundary((token.end + GREETED).min(words.text.len()))];
        let addressed =
            window.trim_start_matches(|c: char| c.is_alphabetic() || matches!(c, ' ' | '-' | '\''));
        let closed = addressed.is_empty()
            || addressed.starts_with([',', '!', '.', '\n', '-', ';', ':', '?']);
        return closed.then_some(Cue { value: 0.8, certain: false, lower: false });
    }
    if signature(words, index) {
        return Some(Cue { value: 0.8, certain: false, lower: false });
    }
    // A mailbox: Anna Weber <anna@…>.
    if token.is_capital() && mailbox(words, index) {
        return Some(Cue { value: 0.85, certain: true, lower: false });
    }
    None
}

/// Short titles must be written as titles: "Fr. Weber", "DR WEBER", not "st", "sir" in prose.
fn titled(words: &Words<'_>, index: usize, title: &Token) -> bool {
    let text = title.text(words.text);
    let stopped = words.at(index).is_some_and(|token| token.gap == Gap::Stop);
    match title.shape {
        Shape::Capital => !stopped || text.len() <= 5,
        Shape::Upper => text.len() <= 4,
        // "prof. Weber", "nurse Weber": only before a word that is no ordinary one.
        Shape::Lower => {
            !stopped && words.at(index).is_some_and(|token| !token.known.has(Known::WORD))
                || text == "dr"
                || text == "prof"
        }
        _ => false,
    }
}

fn introduced(words: &Words<'_>, index: usize) -> bool {
    let Some(token) = words.at(index).filter(|token| token.gap == Gap::Space) else { return false };
    let named = token.known.has(Known::FIRST)
        || token.known.has(Known::LAST)
        || (token.is_capital() && !token.known.has(Known::WORD));
    if !named || (token.shape == Shape::Lower && !token.known.has(Known::FIRST_STRONG)) {
        return false;
    }
    let mut phrase = String::new();
    for back in 1..=3 {
        let Some(at) = index.checked_sub(back) else { return false };
        phrase = if phrase.is_empty() {
            words.folded(at)
        } else {
            format!("{} {phrase}", words.folded(at))
        };
        if words.names.introductions.contains(&phrase) {
            // "I am good", "this is fine": a weak phrase needs a real first name.
            return words.tokens[at].gap != Gap::Colon
                && (!matches!(phrase.as_str(), "i am" | "i'm" | "this is" | "ich bin" | "named")
                    || token.known.has(Known::FIRST_STRONG) && !token.known.has(Known::WORD)
                    || token.is_capital()
                        && !token.known.has(Known::WORD)
                        && !token.known.has(Known::PLACE_STRONG));
        }
    }
    false
}

/// The line stands under a closing: "Best regards,\nAnna Weber".
fn signature(words: &Words<'_>, index: usize) -> bool {
    let (Some(token), Some(before)) = (words.at(index), words.before(index)) else { return false };
    if token.gap != Gap::Line || !before.is(role::CLOSING) {
        return false;
    }
    let between = &words.text[before.end..token.start];
    let last = extend(words, index, false);
    let Some(end) = words.at(last).map(|token| token.end) else { return false };
    let line = words.text[end..].split('\n').next().unwrap_or_default().trim_end();
    // One blank line may stand between; more than a title behind the name makes it prose.
    between.matches('\n').count() <= 3
        && (line.is_empty() || line.starts_with([',', '(', '|', '-', '.']))
        && (token.known.has(Known::FIRST)
            || token.known.has(Known::LAST)
            || (!token.known.has(Known::WORD) && (last > index || line.is_empty())))
}

fn mailbox(words: &Words<'_>, index: usize) -> bool {
    let last = extend(words, index, false);
    let Some(end) = words.at(last).map(|token| token.end) else { return false };
    let rest = &words.text[end..];
    let rest = rest.strip_prefix('"').unwrap_or(rest);
    let Some(inside) = rest.strip_prefix(" <").or_else(|| rest.strip_prefix(" [mailto:")) else {
        return false;
    };
    inside
        .bytes()
        .take(64)
        .take_while(|byte| !matches!(byte, b'>' | b' ' | b'\n'))
        .any(|byte| byte == b'@')
        && words
            .at(index)
            .is_some_and(|token| !token.known.has(Known::WORD) || token.known.has(Known::FIRST))
}

/// `von Beethoven` after a cue.
fn noble(words: &Words<'_>, index: usize) -> bool {
    words.at(index).is_some_and(|token| token.is(role::PARTICLE))
        && words.at(index + 1).is_some_and(|next| next.gap == Gap::Space && next.is_capital())
}
