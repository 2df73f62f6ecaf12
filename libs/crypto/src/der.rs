//! Just enough DER (X.690) to look into a key before a library does: which algorithm, and
//! nothing before, between or after. What is inside a key stays the library's business.

use zeroize::Zeroizing;

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const NULL: u8 = 0x05;
pub(crate) const OID: u8 = 0x06;
pub(crate) const SEQUENCE: u8 = 0x30;

/// Not DER, or not the element expected.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotDer;

/// Reads one element after the other.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The content of the next element, if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, NotDer> {
        match self.0.first() {
            Some(found) if *found == tag => self.read(tag).map(Some),
            _ => Ok(None),
        }
    }

    /// The content of the next element, which has to have this tag.
    pub(crate) fn read(&mut self, tag: u8) -> Result<&'a [u8], NotDer> {
        let rest = self.0.strip_prefix(&[tag]).ok_or(NotDer)?;
        let (length, rest) = length(rest)?;
        let (content, rest) = rest.split_at_checked(length).ok_or(NotDer)?;
        self.0 = rest;
        Ok(content)
    }

    pub(crate) fn end(&self) -> Result<(), NotDer> {
        if self.is_empty() { Ok(()) } else { Err(NotDer) }
    }
}

/// In the shortest form, up to 65,535: no key is longer.
fn length(bytes: &[u8]) -> Result<(usize, &[u8]), NotDer> {
    match bytes {
        [short, rest @ ..] if *short < 0x80 => Ok((usize::from(*short), rest)),
        [0x81, one, rest @ ..] if *one >= 0x80 => Ok((usize::from(*one), rest)),
        [0x82, high, low, rest @ ..] if *high > 0 => {
            Ok((usize::from(u16::from_be_bytes([*high, *low])), rest))
        }
        _ => Err(NotDer),
    }
}

/// One element. Nothing that is written here is longer than 65,535 bytes.
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Zeroizing<Vec<u8>> {
    let size: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Zeroizing::new(Vec::with_capacity(size + 4));
    out.push(tag);
    let [.., high, low] = size.to_be_bytes();
    match (high, low) {
        (0, ..=0x7f) => out.push(low),
        (0, _) => out.extend_from_slice(&[0x81, low]),
        _ => out.extend_from_slice(&[0x82, high, low]),
    }
    for part in parts {
        out.extend_from_slice(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for size in [0, 1, 127, 128, 255, 256, 4_000] {
            let content = vec![7; size];
            let element = element(OCTET_STRING, &[&content]);
            let mut reader = Reader::new(&element);
            assert!(reader.read(OCTET_STRING).is_ok_and(|read| read == content), "{size}");
            assert!(reader.end().is_ok());
        }
    }

    #[test]
    fn only_the_shortest_form_of_a_length_is_read() {
        for bad in [
            &[][..],
            &[4],
            &[4, 1],
            &[4, 0x80, 0, 0],
            &[4, 0x81, 1, 0],
            &[4, 0x82, 0, 0x80],
            &[4, 0x83, 0, 0, 1, 0],
            &[5, 0],
        ] {
            assert!(Reader::new(bad).read(OCTET_STRING).is_err(), "{bad:?}");
        }
    }
}
