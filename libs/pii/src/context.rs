//! Words near a match that say what it is.
//!
//! The words of all recognizers are searched for at once, once a text, and only where a pattern
//! has matched something: looking each word up at each match would cost more than the patterns.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use crate::recognizer::{Catalogue, Recognizer, RecognizerError};

/// What a context word adds to a score.
const BOOST: f32 = 0.35;
/// How far behind a match context is looked for.
pub(crate) const AFTER: usize = 24;

/// Finds the context words of every recognizer.
pub(crate) struct Contexts {
    finder: AhoCorasick,
    /// Which word a pattern of the finder spells: a word has one in each of its cases.
    word: Vec<u32>,
    /// The words of each recognizer, sorted.
    of: Vec<Vec<u32>>,
}

/// A context word in a text.
struct Word {
    range: Range<usize>,
    word: u32,
}

/// The context words of a text, in the order of their ends.
pub(crate) struct Words(Vec<Word>);

impl Contexts {
    pub(crate) fn new(catalogue: &Catalogue) -> Result<Self, RecognizerError> {
        let mut all: Vec<&str> = catalogue
            .recognizers
            .iter()
            .flat_map(|recognizer| recognizer.context.iter().map(String::as_str))
            .collect();
        all.sort_unstable();
        all.dedup();
        let (mut spelled, mut word) = (Vec::with_capacity(all.len()), Vec::new());
        for (id, known) in (0_u32..).zip(&all) {
            for form in forms(known) {
                spelled.push(form);
                word.push(id);
            }
        }
        let finder = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(&spelled)
            .map_err(|error| RecognizerError::Pattern {
                recognizer: "context words".to_owned(),
                message: error.to_string(),
            })?;
        let id = |known: &String| {
            all.binary_search(&known.as_str()).ok().and_then(|at| u32::try_from(at).ok())
        };
        let of = catalogue
            .recognizers
            .iter()
            .map(|recognizer| {
                let mut ids: Vec<u32> = recognizer.context.iter().filter_map(id).collect();
                ids.sort_unstable();
                ids
            })
            .collect();
        Ok(Self { finder, word, of })
    }

    /// Every context word that stands in the text as a word of its own.
    pub(crate) fn find(&self, text: &str) -> Words {
        let mut words = Vec::new();
        for found in self.finder.find_overlapping_iter(text) {
            let before = text[..found.start()].chars().next_back();
            let after = text[found.end()..].chars().next();
            if !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphabetic)
            {
                let word = self.word[found.pattern().as_usize()];
                words.push(Word { range: found.range(), word });
            }
        }
        Words(words)
    }

    /// The score of a match with its context, or nothing where context is required and missing.
    pub(crate) fn score(
        &self,
        text: &str,
        words: &Words,
        range: &Range<usize>,
        index: usize,
        (recognizer, base): (&Recognizer, f32),
    ) -> Option<f32> {
        let near = self
            .of
            .get(index)
            .is_some_and(|own| !own.is_empty() && near(text, words, range, own, recognizer));
        match (near, recognizer.context_required) {
            (true, _) => Some((base + BOOST).min(1.0)),
            (false, true) => None,
            (false, false) => Some(base),
        }
    }
}

/// The word itself and, since only ASCII is compared without regard to case, what it becomes
/// at the start of a sentence and in capitals.
fn forms(word: &str) -> Vec<String> {
    let mut forms = vec![word.to_owned()];
    if !word.is_ascii() {
        let mut letters = word.chars();
        let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
        forms.push(first + letters.as_str());
        forms.push(word.to_uppercase());
        forms.sort_unstable();
        forms.dedup();
    }
    forms
}

fn near(
    text: &str,
    words: &Words,
    range: &Range<usize>,
    own: &[u32],
    recognizer: &Recognizer,
) -> bool {
    let is_own = |word: &Word| own.binary_search(&word.word).is_ok();
    let from = text.floor_char_boundary(range.start.saturating_sub(recognizer.context_distance));
    // A paragraph break ends what the words before can speak of.
    let from = text[from..range.start].rfind("\n\n").map_or(from, |at| from + at + 2);
    // Where only a label before counts, it is that of the next number and not of the one after.
    let labels =
        |word: &Word| recognizer.context_after || !holds_number(&text[word.range.end..range.start]);
    let behind = words.0.partition_point(|word| word.range.end <= range.start);
    let mut before = words.0[..behind].iter().rev().take_while(|word| word.range.end > from);
    if before.any(|word| word.range.start >= from && is_own(word) && labels(word)) {
        return true;
    }
    if !recognizer.context_after {
        return false;
    }
    let to = text.ceil_char_boundary((range.end + AFTER).min(text.len()));
    let to = text[range.end..to].find('\n').map_or(to, |at| range.end + at);
    words.0[behind..]
        .iter()
        .take_while(|word| word.range.end <= to)
        .any(|word| word.range.start >= range.end && is_own(word))
}

/// Whether a number of some length stands there.
fn holds_number(text: &str) -> bool {
    text.as_bytes().windows(4).any(|four| four.iter().all(u8::is_ascii_digit))
}
