//! Embedded word lists: which words are first names, last names, places, ordinary words.
//! `data/build.py` makes them; `docs/data-sources.md` names where they come from.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// What the lists say of a word. A set of bits.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Known(u16);

impl Known {
    pub(crate) const FIRST: Self = Self(1);
    pub(crate) const FIRST_STRONG: Self = Self(1 << 1);
    pub(crate) const LAST: Self = Self(1 << 2);
    pub(crate) const LAST_STRONG: Self = Self(1 << 3);
    pub(crate) const PLACE: Self = Self(1 << 4);
    pub(crate) const PLACE_STRONG: Self = Self(1 << 5);
    /// The first word of a place of several words.
    pub(crate) const PLACE_HEAD: Self = Self(1 << 6);
    pub(crate) const WORD: Self = Self(1 << 7);

    pub(crate) const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub(crate) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// FNV-1a: the keys are ours, so nobody can choose them to collide.
#[derive(Clone)]
pub(crate) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

pub(crate) type FnvMap<K, V> = HashMap<K, V, BuildHasherDefault<Fnv>>;

/// The lists, in one map from folded word to what it is.
pub(crate) struct Lexicon {
    words: FnvMap<&'static str, Known>,
}

impl Lexicon {
    pub(crate) fn embedded() -> Self {
        let lists = [
            (include_str!("../data/first_names.txt"), Known::FIRST, Known::FIRST_STRONG),
            (include_str!("../data/last_names.txt"), Known::LAST, Known::LAST_STRONG),
            (include_str!("../data/places.txt"), Known::PLACE, Known::PLACE_STRONG),
            (include_str!("../data/words.txt"), Known::WORD, Known::WORD),
        ];
        let mut words: FnvMap<&'static str, Known> =
            HashMap::with_capacity_and_hasher(160_000, BuildHasherDefault::default());
        for (text, kind, strong) in lists {
            for line in text.lines() {
                let (word, known) =
                    line.strip_prefix('+').map_or((line, kind), |word| (word, kind.with(strong)));
                let entry = words.entry(word).or_default();
                *entry = entry.with(known);
                if let Some((head, _)) =
                    word.split_once([' ', '-']).filter(|_| kind == Known::PLACE)
                {
                    let entry = words.entry(head.trim_end_matches('.')).or_default();
                    *entry = entry.with(Known::PLACE_HEAD);
                }
            }
        }
        Self { words }
    }

    /// What is known of a folded word.
    pub(crate) fn get(&self, folded: &str) -> Known {
        self.words.get(folded).copied().unwrap_or_default()
    }
}

/// Lower case, without diacritics: the form of the lists. `build.py` folds in the same way.
pub(crate) fn fold(word: &str) -> Cow<'_, str> {
    if word.is_ascii() {
        if word.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Cow::Owned(word.to_ascii_lowercase());
        }
        return Cow::Borrowed(word);
    }
    let mut folded = String::with_capacity(word.len());
    for c in word.chars().flat_map(char::to_lowercase).nfd().filter(|c| !is_combining_mark(*c)) {
        match c {
            'ß' => folded.push_str("ss"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'đ' | 'ð' => folded.push('d'),
            'ı' => folded.push('i'),
            'þ' => folded.push_str("th"),
            '’' => folded.push('\''),
            _ => folded.push(c),
        }
    }
    Cow::Owned(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_names_places_and_words() {
        let lexicon = Lexicon::embedded();
        assert!(lexicon.get("anna").has(Known::FIRST_STRONG));
        assert!(lexicon.get("thompson").has(Known::LAST_STRONG));
        assert!(lexicon.get(&fold("München")).has(Known::PLACE_STRONG));
        assert!(lexicon.get("will").has(Known::WORD) && lexicon.get("will").has(Known::FIRST));
        assert!(lexicon.get("frankfurt").has(Known::PLACE_HEAD));
        assert!(lexicon.get(&fold("Müller")) == lexicon.get("muller"));
    }
}
