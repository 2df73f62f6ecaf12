//! A piece of text with all that features ask of it, worked out once.

use std::ops::Range;

use crate::context::{Context, contexts};
use crate::gazetteer::{Class, Gazetteer, continued};
use crate::run::{Run, runs};
use crate::token::{Shape, Token, tokenize};
use crate::{Fnv, FnvSet, fold};

/// The most text that is looked at as one: what stands farther away says nothing, and memory
/// does not grow with the text.
const LONGEST: usize = 16 << 10;
/// The most words of a phrase in the lists.
const PHRASE: usize = 6;

/// Parts of a text that are looked at on their own: cut at blank lines, then lines, then blanks.
pub fn pieces(text: &str) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        let length = if rest.len() <= LONGEST {
            rest.len()
        } else {
            let window = &rest[..rest.floor_char_boundary(LONGEST)];
            let cut = window.rfind("\n\n").or_else(|| window.rfind('\n'));
            let cut =
                cut.filter(|cut| *cut > 0).or_else(|| window.rfind(' ').filter(|cut| *cut > 0));
            cut.unwrap_or(window.len())
        };
        at += length;
        Some(at - length..at)
    })
}

/// What is known of one token apart from its surroundings.
#[derive(Clone, Copy)]
pub struct Word {
    /// The hash of the folded word.
    pub key: u64,
    /// Of its first two, three and four letters.
    pub prefixes: [u64; 3],
    /// Of its last two, three and four letters.
    pub suffixes: [u64; 3],
    /// Of its letters as `X`, `x` and `9`, repetitions once.
    pub pattern: u64,
    pub class: Class,
    /// Where it stands in a phrase of the lists.
    pub phrase: Phrase,
    pub length: u8,
}

/// Whether a word is part of a phrase of several words in the lists.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Phrase {
    pub class: Class,
    /// 0: in none, 1: its first word, 2: a later one.
    pub at: u8,
}

/// How letters are used in a line or in the whole piece.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Case {
    Mixed,
    /// ALL CAPITALS.
    Capitals,
    /// Not one capital in the whole piece.
    Small,
    /// Every Word With A Capital.
    Title,
}

pub struct Block<'t> {
    pub text: &'t str,
    pub tokens: Vec<Token>,
    pub words: Vec<Word>,
    pub runs: Vec<Run>,
    pub contexts: Vec<Context>,
    /// Folded words that stand somewhere in small letters.
    pub small: FnvSet<u64>,
    /// Folded words with a capital where no sentence starts.
    pub named: FnvSet<u64>,
}

impl<'t> Block<'t> {
    pub fn new(text: &'t str, gazetteer: &Gazetteer) -> Self {
        let tokens = tokenize(text);
        let mut words: Vec<Word> =
            tokens.iter().map(|token| word(token, text, gazetteer)).collect();
        for index in 0..words.len() {
            if words[index].class.has(Class::HEAD) && words[index].phrase.at == 0 {
                mark_phrase(text, &tokens, &mut words, index, gazetteer);
            }
        }
        Self::with_words(text, tokens, words)
    }

    /// The same text with other knowledge of its words: the trainer hides some of it.
    pub fn with_words(text: &'t str, tokens: Vec<Token>, words: Vec<Word>) -> Self {
        let runs = runs(text, &tokens, &words);
        let contexts = contexts(text, &tokens, &words);
        let (mut small, mut named) = (FnvSet::default(), FnvSet::default());
        for (index, token) in tokens.iter().enumerate() {
            match token.shape {
                Shape::Lower => drop(small.insert(words[index].key)),
                Shape::Capital if index > 0 && tokens[index - 1].shape == Shape::Lower => {
                    named.insert(words[index].key);
                }
                _ => {}
            }
        }
        Self { text, tokens, words, runs, contexts, small, named }
    }

    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }
}

fn word(token: &Token, text: &str, gazetteer: &Gazetteer) -> Word {
    let written = token.text(text);
    let folded = match token.shape {
        Shape::Line => "\n".into(),
        Shape::Paragraph => "\n\n".into(),
        // Numbers say by their form what they are, not by their value.
        Shape::Number => digits(written).into(),
        Shape::Mark if written.len() > 3 => written[..written.ceil_char_boundary(3)].into(),
        _ => fold(written),
    };
    let key = Fnv::of(&folded);
    let class =
        if token.shape.is_word() { gazetteer.of_word(&folded, key) } else { Class::default() };
    Word {
        key,
        prefixes: ends(&folded, false),
        suffixes: ends(&folded, true),
        pattern: pattern(written),
        class,
        phrase: Phrase::default(),
        length: u8::try_from(folded.len()).unwrap_or(u8::MAX),
    }
}

fn digits(number: &str) -> String {
    number.chars().take(8).map(|c| if c.is_numeric() { '0' } else { c }).collect()
}

/// The hashes of two, three and four letters at one end; 0 where the word has no more.
fn ends(folded: &str, last: bool) -> [u64; 3] {
    let mut hashes = [0; 3];
    for (length, hash) in (2..).zip(&mut hashes) {
        let cut = if last {
            folded.char_indices().rev().nth(length - 1).map(|(at, _)| &folded[at..])
        } else {
            folded.char_indices().nth(length).map(|(at, _)| &folded[..at])
        };
        match cut.filter(|part| part.len() < folded.len()) {
            Some(part) => *hash = Fnv::of(part),
            None => break,
        }
    }
    hashes
}

fn pattern(written: &str) -> u64 {
    use std::hash::Hasher;
    let mut fnv = Fnv::default();
    let mut before = '\0';
    for c in written.chars().take(24) {
        let class = match c {
            _ if c.is_uppercase() => 'X',
            _ if c.is_alphabetic() => 'x',
            _ if c.is_numeric() => '9',
            _ => c,
        };
        if class != before {
            fnv.write(class.encode_utf8(&mut [0; 4]).as_bytes());
        }
        before = class;
    }
    fnv.0
}

/// Marks the longest phrase of the lists that starts here.
fn mark_phrase(
    text: &str,
    tokens: &[Token],
    words: &mut [Word],
    first: usize,
    gazetteer: &Gazetteer,
) {
    let Some(mut key) = continued(Fnv::default(), 0, tokens[first].shape, tokens[first].text(text))
    else {
        return;
    };
    let (mut count, mut best) = (1, None);
    for (index, token) in tokens.iter().enumerate().skip(first + 1).take(2 * PHRASE) {
        match continued(key, count, token.shape, token.text(text)) {
            Some(next) => {
                key = next;
                count += 1;
                let class = gazetteer.get(key.0).only(Class::NAMES);
                if class != Class::default() {
                    best = Some((index, class));
                }
            }
            None if matches!(token.text(text), "." | "-" | "'" | "s") => {}
            None => break,
        }
        if count >= PHRASE {
            break;
        }
    }
    if let Some((last, class)) = best {
        for (at, word) in words[first..=last].iter_mut().enumerate() {
            word.phrase = Phrase { class, at: if at == 0 { 1 } else { 2 } };
        }
    }
}
