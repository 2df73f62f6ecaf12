//! A mapping on its way through the hands of the client: encrypted under a key of
//! its own, derived from the tenant's secret and the mapping's id.
//!
//! `0x02 ‖ id (16) ‖ mapping, sealed by crypto::chunked under the identity
//! "mapping:<id>"`
//!
//! With the places of what kept its format: `0x03 ‖ id (16) ‖ both, sealed the same way under
//! the identity "way-back:<id>"`. Of a document, with its patches: `0x04`, and the identity
//! "document:<id>".
//!
//! Earlier ones brought a data key with them: `0x01 ‖ id (16) ‖ length of the
//! wrapped key (2, big-endian) ‖ wrapped key ‖ mapping, sealed the same way`. They
//! open for as long as the KEK's version does that wrapped it: nobody can wrap
//! anew what clients keep.

use crypto::chunked;
use kernel::{Fault, Result};
use pii::Mapping;
use reasons::anonymizer::MAPPING_INVALID;
use uuid::Uuid;

use crate::WayBack;

const WITH_KEY: u8 = 1;
const DERIVED: u8 = 2;
const WITH_FORMATS: u8 = 3;
const OF_DOCUMENT: u8 = 4;
/// No honest one is larger: a text has at most 1 MiB.
const LARGEST: usize = 4 * 1024 * 1024;
/// Version and id.
const OVERHEAD: usize = 17;

/// The parts of a sealed mapping.
pub struct SealedMapping {
    pub id: Uuid,
    /// The data key, wrapped with the context of `id`; None: its key is derived.
    pub wrapped: Option<Vec<u8>>,
    /// What is in it.
    version: u8,
    sealed: Vec<u8>,
}

fn identity(id: Uuid, version: u8) -> Vec<u8> {
    let what = match version {
        WITH_FORMATS => "way-back",
        OF_DOCUMENT => "document",
        _ => "mapping",
    };
    format!("{what}:{id}").into_bytes()
}

impl SealedMapping {
    pub fn seal(id: Uuid, key: &[u8; 32], back: &WayBack) -> Result<Self> {
        let version = match (&back.patches, &back.formats) {
            (Some(_), _) => OF_DOCUMENT,
            (None, Some(_)) => WITH_FORMATS,
            (None, None) => DERIVED,
        };
        let sealed = chunked::seal(key, &identity(id, version), &back.to_bytes());
        let sealed = sealed.map_err(Fault::internal)?;
        if sealed.len() + OVERHEAD > LARGEST {
            let why = "holds more personal data than can be restored: send it in pieces";
            return Err(Fault::invalid("text", why));
        }
        Ok(Self { id, wrapped: None, version, sealed })
    }

    /// With another key, or altered, it is MAPPING_INVALID.
    pub fn open(self, key: &[u8; 32]) -> Result<WayBack> {
        let bytes = chunked::open(key, &identity(self.id, self.version), self.sealed);
        let bytes = bytes
            .map_err(|_| Fault::new(&MAPPING_INVALID).with_note("mapping does not decrypt"))?;
        match self.version {
            WITH_FORMATS => return WayBack::with_formats(&bytes),
            OF_DOCUMENT => return WayBack::of_document(&bytes),
            _ => {}
        }
        let mapping = Mapping::from_bytes(&bytes).map_err(Fault::internal)?;
        Ok(WayBack { mapping, ..WayBack::default() })
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let id = self.id.as_bytes().as_slice();
        match &self.wrapped {
            None => [&[self.version], id, &self.sealed].concat(),
            Some(wrapped) => {
                // It was read from two bytes.
                let length = u16::try_from(wrapped.len()).unwrap_or(u16::MAX).to_be_bytes();
                [&[WITH_KEY], id, &length, wrapped, &self.sealed].concat()
            }
        }
    }

    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let parts = (bytes.len() <= LARGEST).then_some(bytes).and_then(|bytes| {
            let (version, rest) = bytes.split_first()?;
            let (id, rest) = rest.split_first_chunk::<16>()?;
            let (wrapped, sealed) = match *version {
                DERIVED | WITH_FORMATS | OF_DOCUMENT => (None, rest),
                WITH_KEY => {
                    let (length, rest) = rest.split_first_chunk::<2>()?;
                    let length = usize::from(u16::from_be_bytes(*length));
                    let (wrapped, sealed) = rest.split_at_checked(length)?;
                    (Some(wrapped.to_vec()), sealed)
                }
                _ => return None,
            };
            let id = Uuid::from_bytes(*id);
            Some(Self { id, wrapped, version: *version, sealed: sealed.to_vec() })
        });
        parts.ok_or_else(|| Fault::new(&MAPPING_INVALID).with_note("mapping malformed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Vec<u8> {
        let back = WayBack::default();
        SealedMapping::seal(Uuid::now_v7(), &[1; 32], &back).unwrap().to_bytes()
    }

    #[test]
    fn one_that_brings_its_key_is_still_read() {
        let id = Uuid::now_v7();
        let plain = Mapping::new().to_bytes();
        let sealed = chunked::seal(&[1; 32], &identity(id, WITH_KEY), &plain).unwrap();
        let bytes = [&[1], id.as_bytes().as_slice(), &[0, 2], &[9, 9], &sealed].concat();
        let parsed = SealedMapping::parse(&bytes).unwrap();
        assert_eq!(parsed.wrapped.as_deref(), Some([9, 9].as_slice()));
        assert!(parsed.open(&[1; 32]).unwrap().is_empty());
        assert!(SealedMapping::parse(&[&[9], &bytes[1..]].concat()).is_err());
    }

    #[test]
    fn it_opens_with_its_key_only() {
        let bytes = sealed();
        assert!(SealedMapping::parse(&bytes).unwrap().open(&[1; 32]).unwrap().is_empty());
        let fault = SealedMapping::parse(&bytes).unwrap().open(&[2; 32]).err().unwrap();
        assert_eq!(fault.reason().code, "MAPPING_INVALID");
    }

    #[test]
    fn altered_anywhere_it_is_one_error() {
        let bytes = sealed();
        for index in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[index] ^= 1;
            let outcome =
                SealedMapping::parse(&altered).and_then(|mapping| mapping.open(&[1; 32]).map(drop));
            assert_eq!(outcome.unwrap_err().reason().code, "MAPPING_INVALID", "byte {index}");
        }
        for length in 0..bytes.len() {
            let cut =
                SealedMapping::parse(&bytes[..length]).and_then(|mapping| mapping.open(&[1; 32]));
            assert!(cut.is_err(), "cut at {length}");
        }
    }
}
