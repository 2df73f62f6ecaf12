//! The way back: which placeholder stands for which original.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::placeholder::is_placeholder_char;

/// Version of the serialized form.
const VERSION: u8 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MappingError {
    #[error("the mapping is not in a form that this version reads")]
    Malformed,
    #[error("two mappings give one placeholder different originals")]
    Conflict,
}

/// Placeholders with their originals. Wiped when dropped; has no `Debug`, because it is the
/// personal data itself. Keys are placeholders without brackets, in upper case.
#[derive(Default, Clone)]
pub struct Mapping {
    entries: BTreeMap<String, Zeroizing<String>>,
    longest: usize,
    /// Bytes of all entries when they are written: two lengths of four bytes each.
    size: usize,
}

impl Mapping {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Length in bytes of the longest placeholder as it stands in a text, brackets included.
    pub fn longest_placeholder(&self) -> usize {
        if self.longest == 0 { 0 } else { self.longest + 2 }
    }

    /// Placeholders without brackets, and their originals.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries.iter().map(|(core, original)| (core.as_str(), original.as_str()))
    }

    /// The text with every placeholder, with or without brackets, made unreadable.
    pub(crate) fn blank(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for piece in text.split_inclusive(|c| !is_placeholder_char(c)) {
            let run = piece.trim_end_matches(|c| !is_placeholder_char(c));
            out.push_str(if self.original(run).is_some() { "\u{1}" } else { run });
            out.push_str(&piece[run.len()..]);
        }
        out
    }

    /// Whether a placeholder, in any case and without its brackets, starts so.
    pub(crate) fn may_become(&self, start: &str) -> bool {
        let start = start.to_ascii_uppercase();
        self.entries.range(start.clone()..).next().is_some_and(|(core, _)| core.starts_with(&start))
    }

    pub(crate) fn insert(&mut self, core: &str, original: &str) {
        self.longest = self.longest.max(core.len());
        let before = self.entries.insert(core.to_owned(), Zeroizing::new(original.to_owned()));
        let replaced = before.map_or(0, |before| core.len() + before.len() + 8);
        self.size = self.size + core.len() + original.len() + 8 - replaced;
    }

    /// The original of a placeholder given without brackets, in any case.
    pub(crate) fn original(&self, core: &str) -> Option<&str> {
        if core.len() > self.longest {
            return None;
        }
        let found = self.entries.get(core).or_else(|| self.entries.get(&core.to_ascii_uppercase()));
        found.map(|original| original.as_str())
    }

    /// Whether one of its placeholders, with or without brackets, stands in a text.
    pub(crate) fn stands_in(&self, text: &str) -> bool {
        text.split(|c| !is_placeholder_char(c)).any(|run| self.original(run).is_some())
    }

    /// The part of it that restores these placeholders, given as they stand in a text.
    #[must_use]
    pub fn part<'p>(&self, placeholders: impl Iterator<Item = &'p str>) -> Self {
        let mut part = Self::new();
        for placeholder in placeholders {
            let core = placeholder.trim_matches(['<', '>']);
            if let Some(original) = self.original(core) {
                part.insert(core, original);
            }
        }
        part
    }

    /// Takes over all of another mapping, as for the messages of one request.
    pub fn merge(&mut self, other: &Self) -> Result<(), MappingError> {
        let conflict = |(core, original): (&String, &Zeroizing<String>)| {
            self.entries.get(core).is_some_and(|known| known != original)
        };
        if other.entries.iter().any(conflict) {
            return Err(MappingError::Conflict);
        }
        for (core, original) in &other.entries {
            self.insert(core, original);
        }
        Ok(())
    }

    /// Bytes that [`Mapping::to_bytes`] gives.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.size + 1
    }

    /// Plain bytes: a version, then length-prefixed pairs. The caller encrypts them.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(self.size()));
        bytes.push(VERSION);
        for (core, original) in &self.entries {
            for part in [core.as_str(), original.as_str()] {
                bytes.extend_from_slice(
                    &u32::try_from(part.len()).unwrap_or(u32::MAX).to_le_bytes(),
                );
                bytes.extend_from_slice(part.as_bytes());
            }
        }
        bytes
    }

    /// Reads what [`Mapping::to_bytes`] wrote.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, MappingError> {
        let (version, mut rest) = bytes.split_first().ok_or(MappingError::Malformed)?;
        if *version != VERSION {
            return Err(MappingError::Malformed);
        }
        let mut mapping = Self::new();
        while !rest.is_empty() {
            let core = take(&mut rest)?;
            let original = take(&mut rest)?;
            mapping.insert(core, original);
        }
        Ok(mapping)
    }
}

fn take<'b>(rest: &mut &'b [u8]) -> Result<&'b str, MappingError> {
    let (length, behind) = rest.split_first_chunk::<4>().ok_or(MappingError::Malformed)?;
    let length =
        usize::try_from(u32::from_le_bytes(*length)).map_err(|_| MappingError::Malformed)?;
    let (part, behind) = behind.split_at_checked(length).ok_or(MappingError::Malformed)?;
    *rest = behind;
    std::str::from_utf8(part).map_err(|_| MappingError::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping() -> Mapping {
        let mut mapping = Mapping::new();
        mapping.insert("PERSON_7K2M9", "Anna Weber");
        mapping.insert("EMAIL_ADDRESS_00000", "ü@x.de");
        mapping
    }

    #[test]
    fn bytes_round_trip_and_damage_is_refused() {
        let bytes = mapping().to_bytes();
        let read = Mapping::from_bytes(&bytes).ok().unwrap();
        assert!(read.entries == mapping().entries && read.longest_placeholder() == 21);
        for cut in 0..bytes.len() {
            // A cut between two pairs is a shorter mapping; anywhere else it is damage.
            assert!(Mapping::from_bytes(&bytes[..cut]).map_or(true, |read| read.len() < 2));
        }
        assert!(
            Mapping::from_bytes(&[9]).is_err()
                && Mapping::from_bytes(&[1, 255, 255, 255, 255, 0]).is_err()
        );
    }

    #[test]
    fn merging_refuses_a_conflict_and_changes_nothing() {
        let mut one = mapping();
        let mut other = Mapping::new();
        other.insert("DATE_TIME_22222", "today");
        assert!(one.merge(&other).is_ok() && one.len() == 3);
        other.insert("PERSON_7K2M9", "Eva");
        other.insert("PERSON_AAAAA", "Ida");
        assert!(one.merge(&other) == Err(MappingError::Conflict) && one.len() == 3);
    }
}
