//! How large an answer becomes when it is restored. An original may be as long
//! as the whole request (a URL), and an answer may repeat its placeholder as
//! often as it likes: the product must not be built before it is known.

use std::sync::Arc;

use pii::{Escape, Mapping, StreamRestorer};

/// The shortest placeholder: `URL_` and five characters.
const SHORTEST: usize = 9;
/// Bytes restored at a time: they hold a few placeholders at most.
const STEP: usize = 64;

/// Knows how much a mapping can add.
pub struct Growth {
    mapping: Arc<Mapping>,
    /// No original is longer.
    longest: usize,
}

impl Growth {
    pub fn of(mapping: Arc<Mapping>) -> Self {
        let longest = mapping.to_bytes().len();
        Self { mapping, longest }
    }

    /// Whether a text, restored, has no more than `limit` bytes.
    pub fn fits(&self, text: &str, limit: usize) -> bool {
        let most = (text.len() / SHORTEST + 1).saturating_mul(self.longest);
        if most.saturating_add(text.len()) <= limit {
            return true;
        }
        let mut restorer = StreamRestorer::new(Arc::clone(&self.mapping), Escape::Json);
        let (mut total, mut at) = (0, 0);
        while at < text.len() && total <= limit {
            let end = text.ceil_char_boundary((at + STEP).min(text.len()));
            total += restorer.push(&text[at..end]).len();
            at = end;
        }
        total += restorer.finish().map_or(0, |rest| rest.len());
        total <= limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A mapping of one original of this many bytes, as pii writes it.
    fn mapping(length: u32) -> Arc<Mapping> {
        let mut bytes = vec![1];
        for part in ["URL_00000", &"u".repeat(length as usize)] {
            bytes.extend((part.len() as u32).to_le_bytes());
            bytes.extend(part.as_bytes());
        }
        Arc::new(Mapping::from_bytes(&bytes).ok().unwrap())
    }

    #[test]
    fn what_grows_beyond_the_limit_is_known_without_being_built() {
        let growth = Growth::of(mapping(1_000));
        let text = "<URL_00000> ".repeat(10);
        assert!(growth.fits(&text, 10_010) && !growth.fits(&text, 10_009));
        assert!(growth.fits("no placeholder", 14));
        let growth = Growth::of(mapping(1 << 20));
        assert!(!growth.fits(&"URL_00000 ".repeat(500_000), 1 << 24), "half a terabyte");
    }
}
