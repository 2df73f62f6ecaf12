//! A mapping on its way through the hands of the client: encrypted under a data
//! key of its own, which only this service can have unwrapped for its tenant.
//!
//! `0x01 ‖ id (16) ‖ length of the wrapped key (2, big-endian) ‖ wrapped key ‖
//! mapping, sealed by crypto::chunked under the identity "mapping:<id>"`

use crypto::chunked;
use kernel::{Fault, Result};
use pii::Mapping;
use reasons::anonymizer::MAPPING_INVALID;
use uuid::Uuid;

const VERSION: u8 = 1;
/// No honest one is larger: a text has at most 1 MiB.
const LARGEST: usize = 4 * 1024 * 1024;

/// The parts of a sealed mapping.
pub struct SealedMapping {
    pub id: Uuid,
    /// The data key, wrapped with the context of `id`.
    pub wrapped: Vec<u8>,
    sealed: Vec<u8>,
}

fn identity(id: Uuid) -> Vec<u8> {
    format!("mapping:{id}").into_bytes()
}

impl SealedMapping {
    pub fn seal(id: Uuid, key: &[u8; 32], wrapped: Vec<u8>, mapping: &Mapping) -> Result<Self> {
        let sealed =
            chunked::seal(key, &identity(id), &mapping.to_bytes()).map_err(Fault::internal)?;
        Ok(Self { id, wrapped, sealed })
    }

    /// With another key, or altered, it is MAPPING_INVALID.
    pub fn open(self, key: &[u8; 32]) -> Result<Mapping> {
        let bytes = chunked::open(key, &identity(self.id), self.sealed);
        let bytes = bytes
            .map_err(|_| Fault::new(&MAPPING_INVALID).with_note("mapping does not decrypt"))?;
        Mapping::from_bytes(&bytes).map_err(Fault::internal)
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let length = u16::try_from(self.wrapped.len()).map_err(Fault::internal)?;
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(self.id.as_bytes());
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&self.wrapped);
        bytes.extend_from_slice(&self.sealed);
        Ok(bytes)
    }

    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let parts = (bytes.len() <= LARGEST).then_some(bytes).and_then(|bytes| {
            let rest = bytes.strip_prefix(&[VERSION])?;
            let (id, rest) = rest.split_first_chunk::<16>()?;
            let (length, rest) = rest.split_first_chunk::<2>()?;
            let (wrapped, sealed) =
                rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
            Some((Uuid::from_bytes(*id), wrapped.to_vec(), sealed.to_vec()))
        });
        let (id, wrapped, sealed) =
            parts.ok_or_else(|| Fault::new(&MAPPING_INVALID).with_note("mapping malformed"))?;
        Ok(Self { id, wrapped, sealed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed() -> Vec<u8> {
        let mapping = Mapping::new();
        SealedMapping::seal(Uuid::now_v7(), &[1; 32], vec![9; 60], &mapping)
            .unwrap()
            .to_bytes()
            .unwrap()
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
            let outcome = SealedMapping::parse(&altered).and_then(|mapping| {
                // The wrapped key is for the envelope service to refuse.
                if mapping.wrapped == vec![9; 60] {
                    mapping.open(&[1; 32]).map(drop)
                } else {
                    Err(Fault::new(&MAPPING_INVALID))
                }
            });
            assert_eq!(outcome.unwrap_err().reason().code, "MAPPING_INVALID", "byte {index}");
        }
        for length in 0..bytes.len() {
            let cut =
                SealedMapping::parse(&bytes[..length]).and_then(|mapping| mapping.open(&[1; 32]));
            assert!(cut.is_err(), "cut at {length}");
        }
    }
}
