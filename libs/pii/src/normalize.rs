//! A view of the text in which tricks of spelling are undone, with the way back.
//!
//! Zero-width characters and soft hyphens vanish, full-width and mathematical forms become
//! ASCII, odd spaces, hyphens and quotes become plain ones, letters of other scripts that look
//! Latin become Latin inside words that also hold Latin. Spans found in the view map back to
//! exact spans of the original.

use std::borrow::Cow;
use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::{compose, is_combining_mark};

/// The normalized text and, unless it is the original itself, the map back.
pub(crate) struct View<'a> {
    pub(crate) text: Cow<'a, str>,
    /// For every byte of `text`: where its character starts and ends in the original.
    map: Option<Vec<(u32, u32)>>,
}

impl View<'_> {
    /// The span of the original that a span of the view stands for.
    pub(crate) fn original(&self, range: &Range<usize>) -> Range<usize> {
        let Some(map) = &self.map else { return range.clone() };
        let start = map.get(range.start).map_or(0, |entry| entry.0 as usize);
        let end = range
            .end
            .checked_sub(1)
            .and_then(|last| map.get(last))
            .map_or(start, |entry| entry.1 as usize);
        start..end.max(start)
    }
}

/// Builds the view. Texts are limited to 4 GiB by the width of the offsets; callers limit far below.
pub(crate) fn view(text: &str) -> View<'_> {
    if text.is_ascii() || text.chars().all(is_plain) {
        return View { text: Cow::Borrowed(text), map: None };
    }
    let mut builder =
        Builder { text: String::with_capacity(text.len()), map: Vec::with_capacity(text.len()) };
    let mut rest = text.char_indices().peekable();
    while let Some((start, first)) = rest.next() {
        let mut end = start + first.len_utf8();
        let mut current = first;
        // Decomposed letters (macOS file names, some PDF text) are put together again.
        while let Some((at, mark)) = rest.peek().copied().filter(|(_, next)| combines(*next)) {
            let Some(composed) = compose(current, mark) else { break };
            current = composed;
            end = at + mark.len_utf8();
            rest.next();
        }
        builder.push(current, start, end);
    }
    builder.latinize();
    View { text: Cow::Owned(builder.text), map: Some(builder.map) }
}

/// A text with tricks of spelling undone, as it is searched.
pub fn normalized(text: &str) -> Cow<'_, str> {
    view(text).text
}

/// Whether a character is put upon the one before it. Of ordinary text none is looked up.
pub(crate) fn combines(c: char) -> bool {
    c >= '\u{300}' && is_combining_mark(c)
}

/// Characters that the view leaves as they are; nearly all of ordinary text.
fn is_plain(c: char) -> bool {
    c.is_ascii()
        || matches!(c, '\u{a1}'..='\u{ac}' | '\u{ae}'..='\u{24f}')
            && !matches!(c, 'ª' | '²' | '³' | '¹' | 'º' | 'ı')
}

struct Builder {
    text: String,
    map: Vec<(u32, u32)>,
}

impl Builder {
    fn push(&mut self, c: char, start: usize, end: usize) {
        match c {
            '\u{ad}'
            | '\u{34f}'
            | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}' => {}
            '\u{a0}'
            | '\u{1680}'
            | '\u{2000}'..='\u{200a}'
            | '\u{202f}'
            | '\u{205f}'
            | '\u{3000}' => self.put(' ', start, end),
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' => {
                self.put('-', start, end)
            }
            '\u{2018}' | '\u{2019}' | '\u{201b}' | '\u{2032}' | '\u{2bc}' => {
                self.put('\'', start, end)
            }
            _ if is_plain(c) => self.put(c, start, end),
            _ => {
                // Compatibility forms only where they turn into plain text: ﬁ, Ａ, 𝐀, ①.
                let folded: String = std::iter::once(c).nfkc().collect();
                if folded.is_ascii() {
                    folded.chars().for_each(|c| self.put(c, start, end));
                } else {
                    self.put(c, start, end);
                }
            }
        }
    }

    fn put(&mut self, c: char, start: usize, end: usize) {
        self.text.push(c);
        let entry =
            (u32::try_from(start).unwrap_or(u32::MAX), u32::try_from(end).unwrap_or(u32::MAX));
        self.map.extend(std::iter::repeat_n(entry, c.len_utf8()));
    }

    /// Replaces look-alikes in words that mix scripts; a word wholly Cyrillic or Greek is a word.
    fn latinize(&mut self) {
        if !self.text.chars().any(|c| !c.is_ascii() && look_alike(c).is_some()) {
            return;
        }
        let old = std::mem::take(&mut self.text);
        let map = std::mem::take(&mut self.map);
        let in_word = |c: char| c.is_alphanumeric() || matches!(c, '@' | '.' | '-' | '_' | '+');
        let mut at = 0;
        while at < old.len() {
            let rest = &old[at..];
            let length = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
            let length =
                if length == 0 { rest.chars().next().map_or(1, char::len_utf8) } else { length };
            let word = &rest[..length];
            let mixed = word.contains(|c: char| c.is_ascii_alphanumeric());
            for (offset, c) in word.char_indices() {
                let shown = if mixed { look_alike(c).unwrap_or(c) } else { c };
                self.text.push(shown);
                self.map.extend(std::iter::repeat_n(map[at + offset], shown.len_utf8()));
            }
            at += length;
        }
    }
}

/// Letters of Cyrillic, Greek and Armenian that are drawn like Latin ones (after UTS #39).
fn look_alike(c: char) -> Option<char> {
    Some(match c {
        'а' | 'α' => 'a',
        'в' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ё' => 'e',
        'һ' => 'h',
        'і' | 'ι' | 'ı' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'ӏ' => 'l',
        'м' => 'm',
        'п' | 'ո' => 'n',
        'о' | 'ο' | 'օ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'г' => 'r',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' => 'u',
        'ѵ' | 'ν' => 'v',
        'ԝ' | 'ω' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        'А' | 'Α' => 'A',
        'В' | 'Β' => 'B',
        'С' | 'Ϲ' => 'C',
        'Е' | 'Ε' => 'E',
        'Н' | 'Η' => 'H',
        'І' | 'Ι' => 'I',
        'Ј' => 'J',
        'К' | 'Κ' => 'K',
        'М' | 'Μ' => 'M',
        'Ν' => 'N',
        'О' | 'Ο' => 'O',
        'Р' | 'Ρ' => 'P',
        'Ѕ' => 'S',
        'Т' | 'Τ' => 'T',
        'Х' | 'Χ' => 'X',
        'У' | 'Υ' => 'Y',
        'Ζ' => 'Z',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(original: &str, normalized: &str) {
        assert_eq!(view(original).text, normalized);
    }

    #[test]
    fn undoes_tricks() {
        check("an\u{200b}na\u{ad}@x.de", "anna@x.de");
        check("４１１１", "4111");
        check("Аnnа", "Anna");
        check("Иван", "Иван");
        check("Mu\u{308}ller", "Müller");
        check("𝐀𝐧𝐧𝐚", "Anna");
        check("+49\u{a0}89\u{2011}12", "+49 89-12");
    }

    #[test]
    fn spans_map_back_to_the_original() {
        let text = "ü ４\u{200b}1 x";
        let view = view(text);
        let found = view.text.find("41").unwrap();
        assert_eq!(&text[view.original(&(found..found + 2))], "４\u{200b}1");
    }
}
