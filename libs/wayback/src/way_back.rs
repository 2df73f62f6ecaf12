//! What restores a text besides the tenant's keys: the originals of its placeholders, and the
//! places of what kept its format.

use std::ops::Range;

use aws_lc_rs::digest::{SHA256, SHA256_OUTPUT_LEN, digest};
use kernel::{Fault, Result};
use pii::{EntityType, Mapping};
use transform::{Change, Operator};
use zeroize::Zeroizing;

use super::patches::Patches;

/// What kept its format, in one text: a value does not show that it is encrypted, so only its
/// place in the unaltered text tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formats {
    /// SHA-256 of the text.
    digest: [u8; SHA256_OUTPUT_LEN],
    values: Vec<(EntityType, Range<usize>)>,
}

/// The way back of one text.
#[derive(Default)]
pub struct WayBack {
    pub mapping: Mapping,
    pub formats: Option<Formats>,
    /// Of a document.
    pub patches: Option<Patches>,
}

impl WayBack {
    pub fn is_empty(&self) -> bool {
        self.mapping.is_empty() && self.formats.is_none() && self.patches.is_none()
    }

    /// Plain bytes, without the mapping's where there are formats: theirs come first. The caller
    /// encrypts them.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let mapping = self.mapping.to_bytes();
        if let Some(patches) = &self.patches {
            return patches.to_bytes(&mapping);
        }
        let Some(formats) = &self.formats else { return mapping };
        let mut bytes = Zeroizing::new(formats.digest.to_vec());
        number(&mut bytes, formats.values.len());
        for (entity, range) in &formats.values {
            number(&mut bytes, range.start);
            number(&mut bytes, range.len());
            number(&mut bytes, entity.as_str().len());
            bytes.extend_from_slice(entity.as_str().as_bytes());
        }
        bytes.extend_from_slice(&mapping);
        bytes
    }

    /// What [`WayBack::to_bytes`] wrote of one with formats.
    pub fn with_formats(bytes: &[u8]) -> Result<Self> {
        let read = || -> Option<(Formats, &[u8])> {
            let (digest, mut rest) = bytes.split_first_chunk()?;
            let mut values = Vec::new();
            for _ in 0..take(&mut rest)? {
                let (start, length, name) = (take(&mut rest)?, take(&mut rest)?, take(&mut rest)?);
                let (name, behind) = rest.split_at_checked(name)?;
                let entity = EntityType::new(std::str::from_utf8(name).ok()?);
                values.push((entity, start..start.checked_add(length)?));
                rest = behind;
            }
            Some((Formats { digest: *digest, values }, rest))
        };
        let (formats, rest) = read().ok_or_else(|| Fault::internal("formats malformed"))?;
        let mapping = Mapping::from_bytes(rest).map_err(Fault::internal)?;
        Ok(Self { mapping, formats: Some(formats), patches: None })
    }
}

impl Formats {
    /// Those of a text as it is given out, if there are any.
    pub fn of(text: &str, changes: &[Change]) -> Option<Self> {
        let kept = Operator::FormatPreserving.name();
        let values: Vec<_> = changes
            .iter()
            .filter(|change| change.operator == kept)
            .map(|change| (change.entity.clone(), change.output.clone()))
            .collect();
        (!values.is_empty()).then(|| Self { digest: hash(text), values })
    }

    /// Whether this is the text, unaltered.
    pub fn are_of(&self, text: &str) -> bool {
        self.digest == hash(text)
    }

    pub fn values(&self) -> &[(EntityType, Range<usize>)] {
        &self.values
    }
}

pub(super) fn hash(text: &str) -> [u8; SHA256_OUTPUT_LEN] {
    let mut hash = [0; SHA256_OUTPUT_LEN];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

/// A text has at most 1 MiB.
pub(super) fn number(bytes: &mut Vec<u8>, number: usize) {
    bytes.extend_from_slice(&u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
}

pub(super) fn take(rest: &mut &[u8]) -> Option<usize> {
    let (number, behind) = rest.split_first_chunk()?;
    *rest = behind;
    usize::try_from(u32::from_le_bytes(*number)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_come_back_and_damage_is_refused() {
        let change = |operator, output| Change {
            entity: EntityType::new("ID_NUMBER"),
            range: 0..1,
            output,
            operator,
        };
        let changes = [change("mask", 0..2), change("format_preserving", 3..9)];
        let formats = Formats::of("ab 123456", &changes);
        assert!(Formats::of("ab", &changes[..1]).is_none());
        let bytes = WayBack { formats, ..WayBack::default() }.to_bytes();
        let back = WayBack::with_formats(&bytes).unwrap();
        let formats = back.formats.unwrap();
        assert!(formats.are_of("ab 123456") && !formats.are_of("ab 123457"));
        assert_eq!(formats.values(), [(EntityType::new("ID_NUMBER"), 3..9)]);
        assert!(back.mapping.is_empty());
        for cut in 0..bytes.len() {
            assert!(WayBack::with_formats(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}
