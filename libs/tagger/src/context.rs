//! What the line and the words around say of a token.

use crate::block::{Case, Word};
use crate::token::{Shape, Token};

/// How many words behind a label are still what it labels.
const LABELLED: u8 = 8;

/// Text is wrapped at sixty characters or more.
const SHORT_LINE: usize = 50;

#[derive(Clone, Copy)]
pub struct Context {
    pub case: Case,
    /// The words before and behind, marks passed over; `NONE` where there is none on this line
    /// or the lines next to it.
    pub before: [u64; 3],
    pub behind: [u64; 3],
    /// The word before a colon on this line, and how many words ago that was.
    pub label: u64,
    pub labelled: u8,
    /// The last word and the mark at the end of the line above.
    pub above: u64,
    pub above_mark: u64,
    /// How many words the line has, and which of them this is.
    pub line_words: u8,
    pub line_at: u8,
    /// A sentence or line starts here.
    pub opens: bool,
    /// Between quotation marks of this line.
    pub quoted: bool,
}

pub(crate) const NONE: u64 = 0;

pub(crate) fn contexts(text: &str, tokens: &[Token], words: &[Word]) -> Vec<Context> {
    let small = !tokens.iter().any(|token| {
        matches!(token.shape, Shape::Capital | Shape::Upper) && token.end - token.start > 1
    });
    let empty = Context {
        case: Case::Mixed,
        before: [NONE; 3],
        behind: [NONE; 3],
        label: NONE,
        labelled: 0,
        above: NONE,
        above_mark: NONE,
        line_words: 0,
        line_at: 0,
        opens: false,
        quoted: false,
    };
    let mut contexts = vec![empty; tokens.len()];
    let (mut first, mut above, mut above_mark) = (0, NONE, NONE);
    while first < tokens.len() {
        let breaks = tokens[first..].iter().position(|token| token.shape.is_break());
        let end = breaks.map_or(tokens.len(), |length| first + length);
        let line = Line { text, tokens, words, first, end };
        // A line of chat in small letters, but not the middle of a sentence that was wrapped.
        let begins = first == 0 || above_mark != NONE || line.above_is_short();
        line.fill(&mut contexts, small || begins && line.is_small(), above, above_mark);
        (above, above_mark) = line.last();
        first = end + 1;
    }
    neighbours(tokens, words, &mut contexts);
    contexts
}

struct Line<'a> {
    text: &'a str,
    tokens: &'a [Token],
    words: &'a [Word],
    first: usize,
    end: usize,
}

impl Line<'_> {
    /// The last word of the line, and the mark behind it.
    fn last(&self) -> (u64, u64) {
        let range = self.first..self.end;
        let word = range.clone().rev().find(|index| self.tokens[*index].shape.is_word());
        let mark = range.last().filter(|index| self.tokens[*index].shape == Shape::Mark);
        let key = |index: Option<usize>| index.map_or(NONE, |index| self.words[index].key);
        (key(word), key(mark))
    }

    fn is_small(&self) -> bool {
        let tokens = &self.tokens[self.first..self.end];
        tokens.iter().filter(|token| token.shape.is_word()).count() > 3
            && !tokens
                .iter()
                .any(|token| matches!(token.shape, Shape::Capital | Shape::Upper | Shape::Mixed))
    }

    fn above_is_short(&self) -> bool {
        let end = self.tokens[self.first - 1].start;
        self.text[..end].rfind('\n').map_or(end, |start| end - start) < SHORT_LINE
    }

    /// Code has marks that people do not write.
    fn is_code(&self) -> bool {
        self.tokens[self.first..self.end].iter().any(|token| {
            token.glued
                || token.shape == Shape::Mark
                    && token
                        .text(self.text)
                        .contains(['{', '}', '[', ']', '=', '_', '\\', '`', '<', '>', '|'])
        })
    }

    fn case(&self, small: bool) -> Case {
        if small && !self.is_code() {
            return Case::Small;
        }
        let mut counts = [0_usize; 3];
        for token in &self.tokens[self.first..self.end] {
            match token.shape {
                Shape::Lower => counts[0] += 1,
                Shape::Capital => counts[1] += 1,
                Shape::Upper => counts[2] += 1,
                _ => {}
            }
        }
        let [lower, capital, upper] = counts;
        match lower + capital + upper {
            all if all >= 3 && upper * 10 >= all * 7 => Case::Capitals,
            all if all >= 4 && capital * 10 >= all * 8 => Case::Title,
            _ => Case::Mixed,
        }
    }

    fn fill(&self, contexts: &mut [Context], small: bool, above: u64, above_mark: u64) {
        let case = self.case(small);
        let words = (self.first..self.end).filter(|index| self.is_word(*index)).count();
        let (mut label, mut labelled, mut quoted, mut opens) = (NONE, 0_u8, false, true);
        let mut at = 0_u8;
        for (index, context) in contexts.iter_mut().enumerate().take(self.end).skip(self.first) {
            let token = &self.tokens[index];
            let mark = if token.shape == Shape::Mark { token.text(self.text) } else { "" };
            quoted ^= mark == "\"";
            *context = Context {
                case,
                label,
                labelled,
                above,
                above_mark,
                line_words: u8::try_from(words).unwrap_or(u8::MAX),
                line_at: at,
                opens,
                quoted,
                ..*context
            };
            match mark {
                ":" | "=" | "|" | ";" if index > self.first => {
                    let word = (self.first..index).rev().take(3).find(|at| self.is_word(*at));
                    (label, labelled) = (word.map_or(NONE, |at| self.words[at].key), 0);
                }
                "" => {
                    at = at.saturating_add(1);
                    labelled += 1;
                    if labelled > LABELLED {
                        label = NONE;
                        labelled = LABELLED;
                    }
                }
                _ => {}
            }
            opens = matches!(mark, "!" | "?" | "...")
                || (mark == "." && self.tokens.get(index + 1).is_some_and(|next| next.spaced))
                || (opens && !mark.is_empty());
        }
    }

    fn is_word(&self, index: usize) -> bool {
        let shape = self.tokens[index].shape;
        shape.is_word() || shape == Shape::Number
    }
}

/// The words around each token, marks and line breaks passed over.
fn neighbours(tokens: &[Token], words: &[Word], contexts: &mut [Context]) {
    let mut last = [NONE; 3];
    for index in 0..tokens.len() {
        contexts[index].before = last;
        push(&mut last, &tokens[index], &words[index]);
    }
    last = [NONE; 3];
    for index in (0..tokens.len()).rev() {
        contexts[index].behind = last;
        push(&mut last, &tokens[index], &words[index]);
    }
}

fn push(last: &mut [u64; 3], token: &Token, word: &Word) {
    if token.shape == Shape::Paragraph {
        *last = [NONE; 3];
    } else if token.shape.is_word() || token.shape == Shape::Number {
        *last = [word.key, last[0], last[1]];
    }
}
