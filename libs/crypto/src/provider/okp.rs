//! PKCS#8 of Ed25519 and X25519 keys, after
//! [RFC 8410, section 7](https://www.rfc-editor.org/rfc/rfc8410#section-7):
//! a constant prefix and 32 bytes. aws-lc-rs writes none for X25519, and for
//! Ed25519 it writes this very form.

use zeroize::Zeroizing;

use super::Failed;
use crate::algorithm::KeyAlgorithm;

const SEED_LEN: usize = 32;
const PREFIX_LEN: usize = 16;

/// `SEQUENCE { INTEGER 0, SEQUENCE { OID 1.3.101.x }, OCTET STRING { OCTET STRING (32) } }`
const fn prefix(oid_end: u8) -> [u8; PREFIX_LEN] {
    [0x30, 0x2e, 0x02, 0x01, 0, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, oid_end, 0x04, 0x22, 0x04, 0x20]
}

fn prefix_of(algorithm: KeyAlgorithm) -> Result<[u8; PREFIX_LEN], Failed> {
    match algorithm {
        KeyAlgorithm::X25519 => Ok(prefix(0x6e)),
        KeyAlgorithm::Ed25519 => Ok(prefix(0x70)),
        _ => Err(Failed),
    }
}

pub(super) fn encode(algorithm: KeyAlgorithm, seed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failed> {
    if seed.len() != SEED_LEN {
        return Err(Failed);
    }
    let mut der = Zeroizing::new(Vec::with_capacity(PREFIX_LEN + SEED_LEN));
    der.extend_from_slice(&prefix_of(algorithm)?);
    der.extend_from_slice(seed);
    Ok(der)
}

pub(super) fn seed(algorithm: KeyAlgorithm, pkcs8: &[u8]) -> Result<&[u8], Failed> {
    let seed = pkcs8.strip_prefix(&prefix_of(algorithm)?).ok_or(Failed)?;
    if seed.len() == SEED_LEN { Ok(seed) } else { Err(Failed) }
}
