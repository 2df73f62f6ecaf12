//! A recognizer as somebody wants it stored: read, compiled, and tried on its own examples.

use super::{Custom, Dictionary, Document};
use crate::asked::{Checked, InvalidWish};

/// A document that may be stored, with its dictionary.
pub struct Tried {
    pub text: String,
    pub document: Document,
    pub custom: Custom,
}

impl Tried {
    /// # Errors
    /// They name `document`, or an entry.
    pub fn new(text: String, entries: &[String]) -> Checked<Self> {
        let document = Document::parse(&text).map_err(in_document)?;
        let dictionary = if document.has_dictionary() {
            Some(Dictionary::new("entries", entries, document.folds_case())?)
        } else if entries.is_empty() {
            None
        } else {
            let why = "belong to a document with a table `dictionary`";
            return Err(InvalidWish::new("entries", why));
        };
        Self::checked(text, document, dictionary)
    }

    /// What was stored, with more entries; `before` are the bytes of its dictionary.
    ///
    /// # Errors
    /// They name `document`, or an entry.
    pub fn with(text: String, before: Option<Vec<u8>>, more: &[String]) -> Checked<Self> {
        let document = Document::parse(&text).map_err(in_document)?;
        let before = before.and_then(|bytes| Dictionary::from_bytes(bytes, document.folds_case()));
        let before = before.ok_or_else(|| InvalidWish::new("name", "has no dictionary"))?;
        let dictionary = before.with("entries", more)?;
        Self::checked(text, document, Some(dictionary))
    }

    fn checked(text: String, document: Document, dictionary: Option<Dictionary>) -> Checked<Self> {
        let custom = Custom::new(document.name(), &document, dictionary).map_err(in_document)?;
        custom.check(&document).map_err(in_document)?;
        Ok(Self { text, document, custom })
    }
}

impl Custom {
    /// One that was stored; `entries` are the bytes of its dictionary.
    ///
    /// # Errors
    /// When they are not what was stored.
    pub fn stored(name: &str, text: &str, entries: Option<Vec<u8>>) -> Checked<Self> {
        let document = Document::parse(text)?;
        let dictionary =
            entries.and_then(|bytes| Dictionary::from_bytes(bytes, document.folds_case()));
        Self::new(name, &document, dictionary)
    }
}

/// A document is one field: what is wrong in it is said by the text.
fn in_document(wrong: InvalidWish) -> InvalidWish {
    InvalidWish::new("document", wrong.to_string())
}
