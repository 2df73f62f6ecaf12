//! Words and numbers of a text with their shape, what the lists say of them, and what stands
//! between them.

use crate::normalize::combines;
use tagger::{Class, Fnv, FnvMap, Gazetteer, fold};

/// How a word is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Lower,
    /// `Anna`, `McDonald`, `Anna-Lena`.
    Capital,
    /// Two letters or more, all capital.
    Upper,
    /// One capital letter: an initial.
    Initial,
    /// Starts with a digit: `12`, `221B`, `5th`.
    Number,
    /// Anything else: `camelCase`.
    Other,
}

/// What stands between a word and the one before it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gap {
    /// The text starts.
    Start,
    /// One or two blanks.
    Space,
    /// A full stop and blanks: `J. Weber`, `Dr. Weber`, or the end of a sentence.
    Stop,
    /// A comma and blanks.
    Comma,
    /// A colon, with or without blanks: a form label stands before.
    Colon,
    /// A line break (one), whatever else is there.
    Line,
    /// Anything else.
    Other,
}

/// Roles of words in the recognizer file, as bits.
pub(crate) mod role {
    pub(crate) const GREETING: u32 = 1;
    pub(crate) const LABEL: u32 = 1 << 1;
    pub(crate) const PARTICLE: u32 = 1 << 2;
    pub(crate) const STOP: u32 = 1 << 3;
    pub(crate) const STREET_SUFFIX: u32 = 1 << 4;
    pub(crate) const STREET_PREFIX: u32 = 1 << 5;
    pub(crate) const STREET_LEAD: u32 = 1 << 6;
    pub(crate) const UNIT: u32 = 1 << 7;
    pub(crate) const HONORIFIC: u32 = 1 << 8;
    pub(crate) const COMPOUND_HEAD: u32 = 1 << 9;
    pub(crate) const BEING: u32 = 1 << 10;
    pub(crate) const PEOPLE: u32 = 1 << 11;
    pub(crate) const THING: u32 = 1 << 12;
    pub(crate) const SPEAKING: u32 = 1 << 13;
    pub(crate) const GROUP_LABEL: u32 = 1 << 14;
    pub(crate) const GROUP: u32 = 1 << 15;
    /// The first word of a group of several words.
    pub(crate) const GROUP_HEAD: u32 = 1 << 16;
    pub(crate) const STREET_BEHIND: u32 = 1 << 17;
}

#[derive(Clone)]
pub(crate) struct Token {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) shape: Shape,
    pub(crate) gap: Gap,
    /// What the lists of the model say of it.
    pub(crate) known: Class,
    pub(crate) roles: u32,
    /// Part of code, a path or a file name: `Anna.java`, `anna_weber`, `Rose::new`.
    pub(crate) glued: bool,
}

impl Token {
    pub(crate) fn text<'t>(&self, text: &'t str) -> &'t str {
        &text[self.start..self.end]
    }

    pub(crate) const fn is(&self, role: u32) -> bool {
        self.roles & role != 0
    }

    /// Written as a name may be, and no part of code.
    pub(crate) fn is_capital(&self) -> bool {
        matches!(self.shape, Shape::Capital | Shape::Upper) && !self.glued
    }

    /// A new sentence or line starts here, so a capital says little.
    pub(crate) fn opens_sentence(&self) -> bool {
        matches!(self.gap, Gap::Start | Gap::Line | Gap::Stop)
    }
}

/// Splits a text into words and numbers. Linear.
pub(crate) fn tokenize(text: &str, lists: &Gazetteer, roles: &FnvMap<String, u32>) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::with_capacity(text.len() / 6);
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut last_end = 0;
    while let Some(offset) = text[at..].find(char::is_alphanumeric) {
        let start = at + offset;
        let mut end = word_end(text, start);
        // The possessive is no part of the name: Weber's.
        if let Some(stem) = text[start..end].strip_suffix("'s").filter(|stem| !stem.is_empty()) {
            end = start + stem.len();
        }
        let word = &text[start..end];
        let folded = fold(word);
        let shape = shape(word);
        tokens.push(Token {
            start,
            end,
            shape,
            gap: gap(&text[last_end..start], tokens.is_empty()),
            known: lists.get(Fnv::of(&folded)),
            roles: roles.get(folded.as_ref()).copied().unwrap_or(0),
            glued: glued(bytes, start, end),
        });
        last_end = end;
        at = end;
    }
    tokens
}

/// Letters and digits, with apostrophes and hyphens between letters.
fn word_end(text: &str, start: usize) -> usize {
    let mut end = start;
    let mut rest = text[start..].chars().peekable();
    while let Some(c) = rest.next() {
        let joins = matches!(c, '\'' | '-')
            && end > start
            && rest.peek().is_some_and(|next| next.is_alphabetic());
        if !(c.is_alphanumeric() || joins || combines(c)) {
            break;
        }
        end += c.len_utf8();
    }
    end
}

fn shape(word: &str) -> Shape {
    let mut chars = word.chars();
    let Some(first) = chars.next() else { return Shape::Other };
    if first.is_numeric() {
        return Shape::Number;
    }
    if !first.is_uppercase() {
        return if word.chars().any(char::is_uppercase) { Shape::Other } else { Shape::Lower };
    }
    let letters = word.chars().filter(|c| c.is_alphabetic()).count();
    let upper = word.chars().filter(|c| c.is_uppercase()).count();
    if word.contains(|c: char| c.is_numeric()) {
        Shape::Other
    } else if letters == 1 {
        Shape::Initial
    } else if upper == letters {
        Shape::Upper
    } else if upper <= 1 + word.matches(['-', '\'']).count() || capital_prefix(word) {
        Shape::Capital
    } else {
        Shape::Other
    }
}

/// Names with a capital inside: McDonald, MacLeod, DeLuca, O'Brien-Smith.
fn capital_prefix(word: &str) -> bool {
    ["Mc", "Mac", "De", "Di", "La", "Le", "Van", "Fitz", "O'", "D'"].iter().any(|prefix| {
        word.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with(char::is_uppercase) && rest.len() > 2)
    })
}

fn gap(between: &str, first: bool) -> Gap {
    if first {
        return Gap::Start;
    }
    if between.contains('\n') {
        return Gap::Line;
    }
    let mut marks = between.chars().filter(|c| !matches!(c, ' ' | '\t'));
    match (marks.next(), marks.next()) {
        (None, _) if !between.is_empty() && between.len() <= 2 => Gap::Space,
        (Some('.' | '!' | '?'), None) if between.len() > 1 => Gap::Stop,
        (Some('.'), None) => Gap::Stop,
        (Some(','), None) if between.len() > 1 => Gap::Comma,
        (Some(':'), _) => Gap::Colon,
        _ => Gap::Other,
    }
}

/// Whether the characters around say that this is code, a path or a handle.
fn glued(bytes: &[u8], start: usize, end: usize) -> bool {
    let before = start.checked_sub(1).and_then(|at| bytes.get(at)).copied().unwrap_or(b' ');
    let after = bytes.get(end).copied().unwrap_or(b' ');
    let next = bytes.get(end + 1).copied().unwrap_or(b' ');
    let dotted = after == b'.'
        && next.is_ascii_alphanumeric()
        && bytes.get(end + 2).is_some_and(|byte| byte.is_ascii_alphanumeric());
    let before_dot =
        before == b'.' && start >= 2 && bytes.get(start - 2).is_some_and(u8::is_ascii_lowercase);
    matches!(before, b'_' | b'/' | b'\\' | b'@' | b'#' | b'$' | b'=' | b'&' | b'%')
        || matches!(after, b'_' | b'\\' | b'(' | b'=' | b'@' | b'[' | b'{')
        || (after == b'<' && next.is_ascii_uppercase())
        || (after == b':' && next == b':')
        || (after == b'/' && next.is_ascii_lowercase())
        || dotted
        || before_dot
        || (before == b':' && start >= 2 && bytes.get(start - 2) == Some(&b':'))
}
