//! Tokens in a text that arrives in pieces, cut anywhere.

use crate::seal::{could_be_cut, goes_on};

/// A token is at most this long: what is longer is none of ours, and is not waited for.
const LONGEST: usize = 2 * 1024 * 1024;

/// Cuts a text that arrives where no token is open: what it gives can be restored piece by piece
/// as the whole would be.
#[derive(Default)]
pub struct TokenStream {
    /// The start of what may become a token.
    held: String,
}

impl TokenStream {
    /// Takes the next piece; gives what is certain by now.
    pub fn push(&mut self, piece: &str) -> String {
        let open = !self.held.is_empty();
        self.held.push_str(piece);
        if open && self.held.len() <= LONGEST && goes_on(piece) {
            return String::new();
        }
        // No token holds an opening bracket, so only the last can be an open one.
        let open = self.held.rfind('[').filter(|at| could_be_cut(&self.held[*at..]));
        let certain = match open {
            Some(at) if self.held.len() - at <= LONGEST => at,
            _ => self.held.len(),
        };
        let rest = self.held.split_off(certain);
        std::mem::replace(&mut self.held, rest)
    }

    /// The text has ended: gives what was held back.
    pub fn finish(&mut self) -> String {
        std::mem::take(&mut self.held)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Keys;
    use crate::restore::Restorer;
    use crate::vault;

    fn restorer(tenant: &str) -> Restorer {
        Restorer::new(&Keys::derive(&[7; 32], tenant)).unwrap()
    }

    #[test]
    fn a_stream_gives_what_the_whole_gives_for_every_cut() {
        let own = restorer("a").sealer.seal("PERSON", "Ännchen Weber").unwrap();
        let foreign = restorer("b").sealer.seal("PERSON", "Anna").unwrap();
        let kept = vault::written("URL", &[3; vault::TOKEN_LEN]);
        let text =
            format!("{kept} für [en [enc1: {own}{own}] und [enc1:X:y {foreign} [enc1:PERSON:abc");
        let restorer = restorer("a");
        let whole = restorer.restore(&text);
        assert_eq!((whole.opened, whole.text.matches("Ännchen Weber").count()), (2, 2));
        let cuts = || (0..=text.len()).filter(|cut| text.is_char_boundary(*cut));
        for first in cuts() {
            for second in cuts().filter(|second| *second >= first) {
                let mut stream = TokenStream::default();
                let pieces = [&text[..first], &text[first..second], &text[second..]];
                let mut certain = pieces.map(|piece| stream.push(piece)).to_vec();
                certain.push(stream.finish());
                let kept: usize =
                    certain.iter().map(|piece| vault::vault_tokens(piece).len()).sum();
                let restored: String =
                    certain.iter().map(|piece| restorer.restore(piece).text).collect();
                assert_eq!((restored.as_str(), kept), (whole.text.as_str(), 1), "{first} {second}");
            }
        }
    }

    #[test]
    fn what_is_too_long_is_not_waited_for() {
        let mut stream = TokenStream::default();
        let mut given = stream.push("[enc1:PERSON:").len();
        for _ in 0..LONGEST / 1024 + 1 {
            given += stream.push(&"A".repeat(1024)).len();
        }
        assert!(given > LONGEST, "{given}");
    }
}
