//! What gives a document back to the byte besides its placeholders and tokens.

use aws_lc_rs::digest::SHA256_OUTPUT_LEN;
use documents::Format;
use kernel::{Fault, Result};
use pii::Mapping;
use rewriting::Patch;
use transform::{Change, Operator};
use zeroize::Zeroizing;

use crate::WayBack;
use crate::way_back::{hash, number, take};

/// Patches of one document as it was given out.
pub struct Patches {
    pub format: Format,
    /// SHA-256 of the document.
    digest: [u8; SHA256_OUTPUT_LEN],
    /// Whether they hold what nothing else does: values that kept their format.
    pub needed: bool,
    pub patches: Vec<Patch>,
}

impl Patches {
    pub fn of(format: Format, text: &str, changes: &[Change], patches: Vec<Patch>) -> Self {
        let kept = Operator::FormatPreserving.name();
        let needed = changes.iter().any(|change| change.operator == kept);
        Self { format, digest: hash(text), needed, patches }
    }

    /// Whether this is the document, unaltered.
    pub fn are_of(&self, text: &str) -> bool {
        self.digest == hash(text)
    }

    /// Digest, format, whether they are needed, the patches; then the mapping.
    pub(super) fn to_bytes(&self, mapping: &[u8]) -> Zeroizing<Vec<u8>> {
        let size: usize = self.patches.iter().map(|patch| patch.original.len() + 12).sum();
        // Growing would leave copies behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(size + mapping.len() + 64));
        bytes.extend_from_slice(&self.digest);
        let name = self.format.name();
        number(&mut bytes, name.len());
        bytes.extend_from_slice(name.as_bytes());
        number(&mut bytes, usize::from(self.needed));
        number(&mut bytes, self.patches.len());
        for patch in &self.patches {
            number(&mut bytes, patch.place.start);
            number(&mut bytes, patch.place.len());
            number(&mut bytes, patch.original.len());
            bytes.extend_from_slice(patch.original.as_bytes());
        }
        bytes.extend_from_slice(mapping);
        bytes
    }
}

impl WayBack {
    /// What [`WayBack::to_bytes`] wrote of a document.
    pub fn of_document(bytes: &[u8]) -> Result<Self> {
        let read = || -> Option<(Patches, &[u8])> {
            let (digest, mut rest) = bytes.split_first_chunk()?;
            let name = text(&mut rest)?;
            let (format, _) = Format::ALL.into_iter().find(|(_, known)| *known == name)?;
            let needed = take(&mut rest)? == 1;
            let mut patches = Vec::new();
            for _ in 0..take(&mut rest)? {
                let (start, length) = (take(&mut rest)?, take(&mut rest)?);
                let original = Zeroizing::new(text(&mut rest)?.to_owned());
                patches.push(Patch { place: start..start.checked_add(length)?, original });
            }
            Some((Patches { format, digest: *digest, needed, patches }, rest))
        };
        let (patches, rest) = read().ok_or_else(|| Fault::internal("patches malformed"))?;
        let mapping = Mapping::from_bytes(rest).map_err(Fault::internal)?;
        Ok(Self { mapping, formats: None, patches: Some(patches) })
    }
}

fn text<'b>(rest: &mut &'b [u8]) -> Option<&'b str> {
    let length = take(rest)?;
    let (text, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    std::str::from_utf8(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patches_come_back_and_damage_is_refused() {
        let patch = Patch { place: 3..9, original: Zeroizing::new("\"é\"".to_owned()) };
        let patches = Patches::of(Format::Json, "[\"a\"]", &[], vec![patch]);
        let bytes = WayBack { patches: Some(patches), ..WayBack::default() }.to_bytes();
        let back = WayBack::of_document(&bytes).unwrap().patches.unwrap();
        assert!(back.are_of("[\"a\"]") && !back.are_of("[\"b\"]"));
        assert_eq!((back.format, back.needed, back.patches.len()), (Format::Json, false, 1));
        assert_eq!((back.patches[0].place.clone(), &**back.patches[0].original), (3..9, "\"é\""));
        for cut in 0..bytes.len() {
            assert!(WayBack::of_document(&bytes[..cut]).is_err(), "cut at {cut}");
        }
    }
}
