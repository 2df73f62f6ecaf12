//! Words of a tenant's own: a million of them in a few bytes each, found in one pass.
//!
//! A finite state set shares beginnings and ends of its entries; an Aho-Corasick automaton of as
//! many would need hundreds of times their length. It is walked from the start of each word, and
//! for no longer than the longest entry, so the cost follows the text.

use std::ops::Range;

use fst::{Set, SetBuilder, Streamer as _};

use crate::asked::{Checked, InvalidWish};
use crate::lists::is_free;

/// Entries of a dictionary.
pub const MOST_ENTRIES: usize = 1_000_000;
/// Bytes of an entry.
pub const LONGEST_ENTRY: usize = 256;
/// Blanks in a row that count as one.
const MOST_BLANKS: usize = 32;

/// Entries that are found where they stand as words of their own.
pub struct Dictionary {
    set: Set<Vec<u8>>,
    fold_case: bool,
}

impl Dictionary {
    /// Blanks around an entry do not count, and those inside count as one. `field` is named in
    /// errors, which quote nothing.
    ///
    /// # Errors
    /// When an entry is empty or too long, or there are too many.
    pub fn new(field: &str, entries: &[String], fold_case: bool) -> Checked<Self> {
        Self::built(field, &sorted(field, entries, fold_case)?, fold_case)
    }

    /// One with more entries.
    ///
    /// # Errors
    /// As for [`Dictionary::new`].
    pub fn with(&self, field: &str, entries: &[String]) -> Checked<Self> {
        let more = Self::built(field, &sorted(field, entries, self.fold_case)?, self.fold_case)?;
        let wrong = |_| InvalidWish::new(field, "cannot be built");
        let mut both = self.set.op().add(&more.set).union();
        let mut builder = SetBuilder::memory();
        let mut count = 0;
        while let Some(entry) = both.next() {
            count += 1;
            if count > MOST_ENTRIES {
                return Err(too_many(field));
            }
            builder.insert(entry).map_err(wrong)?;
        }
        let set = builder.into_inner().and_then(Set::new).map_err(wrong)?;
        Ok(Self { set, fold_case: self.fold_case })
    }

    fn built(field: &str, known: &[String], fold_case: bool) -> Checked<Self> {
        if known.is_empty() || known.len() > MOST_ENTRIES {
            return Err(too_many(field));
        }
        let wrong = |_| InvalidWish::new(field, "cannot be built");
        let mut builder = SetBuilder::memory();
        builder.extend_iter(known).map_err(wrong)?;
        let set = builder.into_inner().and_then(Set::new).map_err(wrong)?;
        Ok(Self { set, fold_case })
    }

    /// One that [`Dictionary::as_bytes`] gave; none for bytes that are no such thing.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>, fold_case: bool) -> Option<Self> {
        let set = Set::new(bytes).ok()?;
        set.as_fst().verify().ok()?;
        Some(Self { set, fold_case })
    }

    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.set.as_fst().as_bytes()
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.set.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// Where entries stand, the longest from each place, without overlaps.
    pub(super) fn find(&self, text: &str) -> Vec<Range<usize>> {
        let (mut found, mut before, mut behind) = (Vec::new(), None, 0);
        for (at, c) in text.char_indices() {
            let starts = at >= behind && !c.is_whitespace() && begins(before, c);
            before = Some(c);
            if let Some(end) = starts.then(|| self.longest(text, at)).flatten() {
                found.push(at..end);
                behind = end;
            }
        }
        found
    }

    /// The end of the longest entry that stands at a place.
    fn longest(&self, text: &str, start: usize) -> Option<usize> {
        let set = self.set.as_fst();
        let (mut node, mut blanks, mut last) = (set.root(), 0, None);
        let mut buffer = [0; 4];
        for (at, c) in text[start..].char_indices() {
            blanks = if c.is_whitespace() { blanks + 1 } else { 0 };
            match blanks {
                0 | 1 => {}
                2..=MOST_BLANKS => continue,
                _ => break,
            }
            for c in folded(c, self.fold_case) {
                for byte in c.encode_utf8(&mut buffer).bytes() {
                    let Some(next) = node.find_input(byte) else { return last };
                    node = set.node(node.transition_addr(next));
                }
            }
            let end = start + at + c.len_utf8();
            if node.is_final() && is_free(text, &(start..end)) {
                last = Some(end);
            }
        }
        last
    }
}

/// Each once, as they are compared.
fn sorted(field: &str, entries: &[String], fold_case: bool) -> Checked<Vec<String>> {
    let mut known = Vec::with_capacity(entries.len());
    for (index, entry) in entries.iter().enumerate() {
        let entry = spelled(entry, fold_case);
        if entry.is_empty() || entry.len() > LONGEST_ENTRY {
            let why = format!("must have 1 to {LONGEST_ENTRY} bytes");
            return Err(InvalidWish::new(format!("{field}[{index}]"), why));
        }
        known.push(entry);
    }
    known.sort_unstable();
    known.dedup();
    Ok(known)
}

fn too_many(field: &str) -> InvalidWish {
    InvalidWish::new(field, format!("must have 1 to {MOST_ENTRIES} different entries"))
}

fn begins(before: Option<char>, c: char) -> bool {
    !(c.is_alphanumeric() && before.is_some_and(char::is_alphanumeric))
}

/// A character as it is compared. Small letters of some are several; the dot that Turkish `İ`
/// leaves behind is not told from the one of `i`.
fn folded(c: char, fold_case: bool) -> impl Iterator<Item = char> {
    const DOT_ABOVE: char = '\u{307}';
    let c = if c.is_whitespace() { ' ' } else { c };
    let (small, same) = if fold_case { (Some(c.to_lowercase()), None) } else { (None, Some(c)) };
    small.into_iter().flatten().filter(|small| *small != DOT_ABOVE).chain(same)
}

fn spelled(entry: &str, fold_case: bool) -> String {
    let mut spelled = String::with_capacity(entry.len());
    for word in entry.split_whitespace() {
        if !spelled.is_empty() {
            spelled.push(' ');
        }
        spelled.extend(word.chars().flat_map(|c| folded(c, fold_case)));
    }
    spelled
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn dictionary(entries: &[&str], fold_case: bool) -> Dictionary {
        let entries: Vec<_> = entries.iter().map(|entry| (*entry).to_owned()).collect();
        Dictionary::new("entries", &entries, fold_case).unwrap()
    }

    fn found<'t>(dictionary: &Dictionary, text: &'t str) -> Vec<&'t str> {
        dictionary.find(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn entries_are_words_of_their_own_and_the_longest_counts() {
        let known = dictionary(&["Acme", " Acme  Rocket ", "C++", "İzmir"], true);
        assert_eq!(known.len(), 4);
        assert_eq!(
            found(&known, "ACME rocketry by acme\n rocket, Acme."),
            ["ACME", "acme\n rocket", "Acme"]
        );
        assert_eq!(found(&known, "Acmeist unacme Acme_x acme2 C++, xC++"), ["Acme", "C++"]);
        assert_eq!(found(&known, "in İZMİR, ßİzmir"), ["İZMİR"]);
        let exact = dictionary(&["Acme"], false);
        assert_eq!(found(&exact, "acme Acme ACME"), ["Acme"]);
    }

    #[test]
    fn it_comes_back_from_its_bytes_and_damage_is_seen() {
        let known = dictionary(&["Acme", "Zeta"], true);
        let bytes = known.as_bytes().to_vec();
        let back = Dictionary::from_bytes(bytes.clone(), true).unwrap();
        assert_eq!((found(&back, "zeta").len(), back.len()), (1, 2));
        for cut in 0..bytes.len() {
            assert!(Dictionary::from_bytes(bytes[..cut].to_vec(), true).is_none(), "cut at {cut}");
        }
    }

    #[test]
    fn what_is_no_entry_is_named() {
        let long = "x".repeat(LONGEST_ENTRY + 1);
        for (entries, field) in [
            (vec!["a", " "], "entries[1]"),
            (vec![long.as_str()], "entries[0]"),
            (vec![], "entries"),
        ] {
            let entries: Vec<_> = entries.into_iter().map(str::to_owned).collect();
            assert_eq!(Dictionary::new("entries", &entries, true).err().unwrap().field, field);
        }
    }

    proptest! {
        #[test]
        fn any_entry_is_found_among_others(entries in prop::collection::vec("[\\PC]{1,12}", 1..20), pick in any::<prop::sample::Index>()) {
            let entries: Vec<_> = entries.into_iter().filter(|entry| !entry.trim().is_empty()).collect();
            prop_assume!(!entries.is_empty());
            let known = Dictionary::new("entries", &entries, true).unwrap();
            let entry = entries[pick.index(entries.len())].trim();
            let text = format!("+ {entry} +");
            let ranges = known.find(&text);
            prop_assert!(ranges.iter().any(|range| range.start <= 2 && range.end >= 2 + entry.len())
                || ranges.iter().any(|range| range.start <= 2));
            prop_assert!(ranges.iter().all(|range| text.get(range.clone()).is_some()));
        }
    }
}
