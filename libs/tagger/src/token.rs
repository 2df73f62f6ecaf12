//! A text in words, numbers, marks and line breaks.

use unicode_normalization::char::is_combining_mark;

/// How a token is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Shape {
    Lower,
    /// `Anna`, `McDonald`, `Anna-Lena`.
    Capital,
    /// Two letters or more, all capital.
    Upper,
    /// One capital letter.
    Initial,
    /// A capital somewhere inside, or digits: `camelCase`, `B2B`.
    Mixed,
    Number,
    /// A comma, a bracket, …; the same mark many times is one token.
    Mark,
    /// A line ends.
    Line,
    /// A blank line: a paragraph ends.
    Paragraph,
}

impl Shape {
    /// Letters, so that it may be a part of a name.
    pub const fn is_word(self) -> bool {
        (self as u8) < Self::Number as u8
    }

    pub const fn is_capital(self) -> bool {
        matches!(self, Self::Capital | Self::Upper | Self::Initial)
    }

    pub const fn is_break(self) -> bool {
        matches!(self, Self::Line | Self::Paragraph)
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Token {
    pub start: usize,
    pub end: usize,
    pub shape: Shape,
    /// Blanks stand before it.
    pub spaced: bool,
    /// Part of code, a path, an address: `Anna.java`, `anna_weber`, `Rose::new`.
    pub glued: bool,
}

impl Token {
    pub fn text<'t>(&self, text: &'t str) -> &'t str {
        &text[self.start..self.end]
    }
}

/// Splits a text. Linear.
pub(crate) fn tokenize(text: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(text.len() / 4);
    let bytes = text.as_bytes();
    let mut at = 0;
    let mut spaced = false;
    while let Some(c) = text[at..].chars().next() {
        if c == '\n' {
            let end = breaks(bytes, at);
            let blank = bytes[at..end].iter().filter(|byte| **byte == b'\n').count() > 1;
            let shape = if blank { Shape::Paragraph } else { Shape::Line };
            tokens.push(Token { start: at, end, shape, spaced, glued: false });
            (at, spaced) = (end, true);
        } else if c.is_whitespace() || c.is_control() {
            (at, spaced) = (at + c.len_utf8(), true);
        } else {
            let end = if c.is_alphanumeric() { word_end(text, at) } else { mark_end(text, at, c) };
            let shape = if c.is_alphanumeric() { shape(&text[at..end]) } else { Shape::Mark };
            let glued = shape.is_word() && glued(bytes, at, end);
            tokens.push(Token { start: at, end, shape, spaced, glued });
            (at, spaced) = (end, false);
        }
    }
    tokens
}

/// Blanks and line breaks from here on.
fn breaks(bytes: &[u8], start: usize) -> usize {
    let blank = |byte: &&u8| matches!(**byte, b'\n' | b'\r' | b' ' | b'\t');
    start + bytes[start..].iter().take_while(blank).count()
}

fn mark_end(text: &str, start: usize, mark: char) -> usize {
    let same = text[start..].chars().take_while(|c| *c == mark).count();
    start + same * mark.len_utf8()
}

/// Letters and digits, with apostrophes and hyphens between letters. `Weber's` ends before its
/// apostrophe.
fn word_end(text: &str, start: usize) -> usize {
    let mut end = start;
    let mut rest = text[start..].chars().peekable();
    let mut letters = false;
    while let Some(c) = rest.next() {
        let joins = matches!(c, '\'' | '’' | '-')
            && letters
            && rest.peek().is_some_and(|next| next.is_alphabetic());
        let possessive = matches!(c, '\'' | '’')
            && matches!(rest.peek(), Some('s' | 'S'))
            && !rest.clone().nth(1).is_some_and(char::is_alphanumeric);
        if possessive || !(c.is_alphanumeric() || joins || c >= '\u{300}' && is_combining_mark(c)) {
            break;
        }
        letters = c.is_alphabetic() || (letters && !c.is_numeric());
        end += c.len_utf8();
    }
    end
}

fn shape(word: &str) -> Shape {
    let (mut letters, mut upper, mut digits) = (0, 0, 0);
    for c in word.chars() {
        letters += usize::from(c.is_alphabetic());
        upper += usize::from(c.is_uppercase());
        digits += usize::from(c.is_numeric());
    }
    let first = word.chars().next();
    if first.is_some_and(char::is_numeric) {
        return Shape::Number;
    }
    let capital = first.is_some_and(char::is_uppercase);
    let parts = word.matches(['-', '\'', '’']).count();
    match () {
        () if digits > 0 => Shape::Mixed,
        () if upper == 0 => Shape::Lower,
        () if capital && letters == 1 => Shape::Initial,
        () if upper == letters => Shape::Upper,
        () if capital && (upper <= 1 + parts || capital_inside(word)) => Shape::Capital,
        // d'Angelo, al-Harbi
        () if !capital && upper == 1 && parts > 0 => Shape::Capital,
        () => Shape::Mixed,
    }
}

/// Names with a capital inside: McDonald, MacLeod, DeLuca.
fn capital_inside(word: &str) -> bool {
    ["Mc", "Mac", "De", "Di", "La", "Le", "Van", "Fitz", "O'", "D'"].iter().any(|prefix| {
        word.strip_prefix(prefix)
            .is_some_and(|rest| rest.starts_with(char::is_uppercase) && rest.len() > 2)
    })
}

/// Whether the characters around say that this is code, a path or a handle.
fn glued(bytes: &[u8], start: usize, end: usize) -> bool {
    let back = |by: usize| start.checked_sub(by).and_then(|at| bytes.get(at)).copied();
    let (before, after) = (back(1).unwrap_or(b' '), bytes.get(end).copied().unwrap_or(b' '));
    let next = bytes.get(end + 1).copied().unwrap_or(b' ');
    let dotted = after == b'.'
        && next.is_ascii_alphanumeric()
        && bytes.get(end + 2).is_some_and(u8::is_ascii_alphanumeric);
    let before_dot = before == b'.' && back(2).is_some_and(|byte| byte.is_ascii_lowercase());
    matches!(before, b'_' | b'/' | b'\\' | b'@' | b'#' | b'$' | b'=' | b'&' | b'%')
        || matches!(after, b'_' | b'\\' | b'(' | b'=' | b'@' | b'[' | b'{')
        || (after == b'<' && next.is_ascii_uppercase())
        || (after == b':' && next == b':')
        || (after == b'/' && next.is_ascii_lowercase())
        || dotted
        || before_dot
        || (before == b':' && back(2) == Some(b':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> Vec<(&str, Shape)> {
        tokenize(text).iter().map(|token| (token.text(text), token.shape)).collect()
    }

    #[test]
    fn words_marks_and_lines_are_told_apart() {
        use Shape::{Capital, Initial, Line, Lower, Mark, Mixed, Number, Paragraph, Upper};
        assert_eq!(
            written("Dr. J. O'Brien-Smith's 221B\nAT&T...\n\n iPad d'Angelo 12"),
            [
                ("Dr", Capital),
                (".", Mark),
                ("J", Initial),
                (".", Mark),
                ("O'Brien-Smith", Capital),
                ("'", Mark),
                ("s", Lower),
                ("221B", Number),
                ("\n", Line),
                ("AT", Upper),
                ("&", Mark),
                ("T", Initial),
                ("...", Mark),
                ("\n\n ", Paragraph),
                ("iPad", Mixed),
                ("d'Angelo", Capital),
                ("12", Number),
            ]
        );
    }

    #[test]
    fn code_is_seen() {
        let glued = |text: &str| tokenize(text).first().is_some_and(|token| token.glued);
        assert!(glued("Rose::new") && glued("anna_weber") && glued("Main.java"));
        assert!(!glued("Anna met Tom.") && !glued("Anna: yes"));
    }
}
