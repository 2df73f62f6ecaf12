//! What restores a file: the mapping of each of its pieces, and how long these are.

/// What such a file begins with; a mapping of one text never does.
const MAGIC: &[u8; 8] = b"SGNTPCS\x01";

/// A piece of a file after its policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptPiece {
    /// Bytes that it has in the file.
    pub length: usize,
    /// From the answer.
    pub mapping: Vec<u8>,
}

/// The mappings of a file. Each is encrypted; this is not.
#[must_use]
pub fn to_bytes(pieces: &[KeptPiece]) -> Vec<u8> {
    if let [one] = pieces {
        return one.mapping.clone();
    }
    let mut bytes = MAGIC.to_vec();
    for piece in pieces {
        for number in [piece.length, piece.mapping.len()] {
            bytes.extend_from_slice(&u64::try_from(number).unwrap_or(u64::MAX).to_le_bytes());
        }
        bytes.extend_from_slice(&piece.mapping);
    }
    bytes
}

/// The pieces of a file of so many bytes; None: the mapping is not of this file, or damaged.
#[must_use]
pub fn from_bytes(bytes: &[u8], length: usize) -> Option<Vec<KeptPiece>> {
    let Some(mut rest) = bytes.strip_prefix(MAGIC) else {
        return Some(vec![KeptPiece { length, mapping: bytes.to_vec() }]);
    };
    let (mut pieces, mut total) = (Vec::new(), 0_usize);
    while !rest.is_empty() {
        let (length, size) = (number(&mut rest)?, number(&mut rest)?);
        let (mapping, behind) = rest.split_at_checked(size)?;
        total = total.checked_add(length)?;
        pieces.push(KeptPiece { length, mapping: mapping.to_vec() });
        rest = behind;
    }
    (total == length).then_some(pieces)
}

fn number(rest: &mut &[u8]) -> Option<usize> {
    let (number, behind) = rest.split_first_chunk()?;
    *rest = behind;
    usize::try_from(u64::from_le_bytes(*number)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again() {
        let piece = |length, mapping: &[u8]| KeptPiece { length, mapping: mapping.to_vec() };
        let one = [piece(7, b"sealed")];
        assert_eq!(to_bytes(&one), b"sealed");
        assert_eq!(from_bytes(b"sealed", 7).unwrap(), one);
        let pieces = [piece(3, b"one"), piece(4, b""), piece(5, b"three")];
        let bytes = to_bytes(&pieces);
        assert_eq!(from_bytes(&bytes, 12).unwrap(), pieces);
        assert_eq!(from_bytes(&bytes, 13), None);
        for cut in 8..bytes.len() {
            assert_eq!(from_bytes(&bytes[..cut], 12), None, "cut at {cut}");
        }
    }
}
