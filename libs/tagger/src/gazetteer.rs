//! What word lists say of a word or of several: a hashed set of folded phrases.

use crate::fold::fold;
use crate::token::{Shape, tokenize};
use crate::{Fnv, FnvMap};

/// What the lists say. A set of bits.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Class(pub u16);

impl Class {
    pub const FIRST: Self = Self(1);
    /// A frequent first name.
    pub const FIRST_TOP: Self = Self(1 << 1);
    pub const LAST: Self = Self(1 << 2);
    pub const LAST_TOP: Self = Self(1 << 3);
    pub const PLACE: Self = Self(1 << 4);
    /// A large city.
    pub const PLACE_TOP: Self = Self(1 << 5);
    /// A country, a state, a province.
    pub const REGION: Self = Self(1 << 6);
    /// An ordinary word.
    pub const WORD: Self = Self(1 << 7);
    pub const ORG: Self = Self(1 << 8);
    /// A word that organizations have in their names: `Hospital`, `Holdings`.
    pub const ORG_PART: Self = Self(1 << 9);
    pub const LEGAL: Self = Self(1 << 10);
    pub const TITLE: Self = Self(1 << 11);
    pub const JOB: Self = Self(1 << 12);
    /// Phrases of several words start with it.
    pub const HEAD: Self = Self(1 << 13);
    /// A function word of any of the languages.
    pub const FUNCTION: Self = Self(1 << 14);
    /// A month, a weekday, a nationality, a language.
    pub const CALENDAR: Self = Self(1 << 15);
    /// What says that something has a name.
    pub const NAMES: Self = Self(
        Self::FIRST.0
            | Self::FIRST_TOP.0
            | Self::LAST.0
            | Self::LAST_TOP.0
            | Self::PLACE.0
            | Self::PLACE_TOP.0
            | Self::REGION.0
            | Self::ORG.0,
    );

    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub const fn only(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// Phrases by the lower half of their hash: with a hundred thousand of them, one word in forty
/// thousand that is in no list is taken for one that is.
#[derive(Default)]
pub struct Gazetteer {
    known: FnvMap<u32, Class>,
}

impl Gazetteer {
    /// Adds what one list says of a phrase.
    pub fn add(&mut self, phrase: &str, class: Class) {
        let (mut key, mut words, mut head) = (Fnv::default(), 0, 0);
        for token in tokenize(phrase) {
            let Some(next) = continued(key, words, token.shape, token.text(phrase)) else {
                continue;
            };
            words += 1;
            key = next;
            if words == 1 {
                head = key.0;
            }
        }
        if words > 1 {
            self.set(head, Class::HEAD);
        }
        if words > 0 {
            self.set(key.0, class);
        }
    }

    fn set(&mut self, key: u64, class: Class) {
        let entry = self.known.entry(short(key)).or_default();
        *entry = entry.with(class);
    }

    pub fn get(&self, key: u64) -> Class {
        self.known.get(&short(key)).copied().unwrap_or_default()
    }

    /// A double name is what its parts are; a plural or genitive is what its stem is.
    pub(crate) fn of_word(&self, folded: &str, key: u64) -> Class {
        let whole = self.get(key);
        if whole.without(Class::HEAD) != Class::default() {
            return whole;
        }
        if let Some((head, tail)) = folded.split_once('-') {
            let (head, tail) = (self.get(Fnv::of(head)), self.get(Fnv::of(tail)));
            return whole.with(head.only(tail));
        }
        match folded.strip_suffix('s') {
            Some(stem) if stem.len() > 3 => {
                let stem = self.get(Fnv::of(stem));
                whole.with(stem.only(Class(Class::FIRST.0 | Class::PLACE.0 | Class::WORD.0)))
            }
            _ => whole,
        }
    }

    /// Sorted, for the file.
    pub fn entries(&self) -> Vec<(u32, Class)> {
        let mut entries: Vec<_> = self.known.iter().map(|(key, class)| (*key, *class)).collect();
        entries.sort_unstable_by_key(|entry| entry.0);
        entries
    }

    pub fn of_entries(entries: impl ExactSizeIterator<Item = (u32, Class)>) -> Self {
        let mut known = FnvMap::with_capacity_and_hasher(entries.len(), Default::default());
        known.extend(entries);
        Self { known }
    }
}

/// The key of a phrase with one more token, or nothing where the token adds nothing.
pub(crate) fn continued(key: Fnv, words: usize, shape: Shape, text: &str) -> Option<Fnv> {
    use std::hash::Hasher;
    if !(shape.is_word() || shape == Shape::Number || text == "&") {
        return None;
    }
    let mut key = key;
    if words > 0 {
        key.write(b" ");
    }
    key.write(fold(text).as_bytes());
    Some(key)
}

fn short(key: u64) -> u32 {
    (key ^ (key >> 32)) as u32
}
