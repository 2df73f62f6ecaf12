//! Recognizers of a tenant's own, which are stored: written as those of Signet are, and bounded
//! as those of a call.

mod dictionary;
mod document;
mod examples;
mod tried;

use std::sync::Arc;

use pii::{EntityType, Finding};

pub use self::dictionary::{Dictionary, LONGEST_ENTRY, MOST_ENTRIES};
pub use self::document::Document;
pub use self::tried::Tried;
use crate::asked::{Checked, InvalidWish};
use crate::recognizer::Recognizer;

/// A document with its dictionary, ready to search.
pub struct Custom {
    entity: EntityType,
    recognizer: Recognizer,
    dictionary: Option<(Dictionary, f32)>,
}

impl Custom {
    /// `name` is what its findings say found them.
    ///
    /// # Errors
    /// When there is a dictionary and the document has none, or the other way round, and when a
    /// pattern is none. The field is named.
    pub fn new(name: &str, document: &Document, dictionary: Option<Dictionary>) -> Checked<Self> {
        let dictionary = match (dictionary, document.dictionary()) {
            (Some(dictionary), Some(score)) => Some((dictionary, score)),
            (None, None) => None,
            (Some(_), None) => {
                let why = "belong to a document with a table `dictionary`";
                return Err(InvalidWish::new("entries", why));
            }
            (None, Some(_)) => return Err(InvalidWish::new("entries", "are missing")),
        };
        let recognizer = document.recognizer(name)?;
        Ok(Self { entity: document.entity().clone(), recognizer, dictionary })
    }

    #[must_use]
    pub const fn entity(&self) -> &EntityType {
        &self.entity
    }

    /// Its dictionary, if it has one.
    #[must_use]
    pub fn dictionary(&self) -> Option<&Dictionary> {
        self.dictionary.as_ref().map(|(dictionary, _)| dictionary)
    }

    /// About what it holds in memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.recognizer.bytes() + self.dictionary().map_or(0, |known| known.as_bytes().len())
    }

    pub(crate) const fn states(&self) -> usize {
        self.recognizer.states()
    }

    /// Whatever it finds, however unsure.
    pub(crate) fn find(&self, text: &str) -> Vec<Finding> {
        let mut found = Vec::new();
        self.recognizer.find(text, &mut found);
        if let Some((dictionary, score)) = &self.dictionary {
            let ranges = dictionary.find(text).into_iter();
            found.extend(ranges.filter_map(|range| self.recognizer.finding(text, range, *score)));
        }
        found
    }

    /// Whether it finds the document's examples, and nothing in its counter-examples.
    ///
    /// # Errors
    /// They name the first that is not as it says.
    pub fn check(&self, document: &Document) -> Checked<()> {
        examples::check(self, document)
    }
}

/// Those that a call wants.
pub(crate) type Customs = Vec<Arc<Custom>>;
