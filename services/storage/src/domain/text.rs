//! The text of a prompt.

use kernel::{Fault, Result};
use rpc::parse;
use zeroize::Zeroizing;

/// Most bytes of a text.
pub const LONGEST: usize = 1024 * 1024;

/// A text in the clear: wiped when dropped, and cannot be printed.
pub struct Text(Zeroizing<String>);

impl Text {
    pub fn check(field: &str, text: String) -> Result<Self> {
        let text = Zeroizing::new(text);
        parse::within(field, text.len(), 1, LONGEST, "bytes")?;
        Ok(Self(text))
    }

    /// From what was decrypted. None: these are no text of ours.
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        Some(Self(Zeroizing::new(text.to_owned())))
    }

    /// The only way to the text.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn size(&self) -> Result<i64> {
        i64::try_from(self.0.len()).map_err(Fault::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_bounded_and_the_field_named() {
        assert!(Text::check("text", "x".repeat(LONGEST)).is_ok());
        for wrong in [String::new(), "x".repeat(LONGEST + 1)] {
            let fault = Text::check("prompt.text", wrong).err().unwrap();
            assert_eq!(fault.violations()[0].field, "prompt.text");
        }
    }
}
