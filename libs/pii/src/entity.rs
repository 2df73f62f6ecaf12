//! What a finding is: its type, where it is, how sure we are.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::Deserialize;

/// The name of an entity type, such as `PERSON`. Types are data (`recognizers/types.toml`),
/// so this is a name and not an enum.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize)]
#[serde(from = "String")]
pub struct EntityType(Arc<str>);

impl EntityType {
    pub fn new(name: &str) -> Self {
        Self(Arc::from(name))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for EntityType {
    fn from(name: String) -> Self {
        Self(Arc::from(name))
    }
}

impl fmt::Display for EntityType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One piece of personal data in a text. Holds no text itself, so it may be logged.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    pub entity: EntityType,
    /// Bytes of the text that was searched; both ends are character boundaries.
    pub range: Range<usize>,
    /// 0 to 1.
    pub score: f32,
    pub recognizer: Arc<str>,
}

/// What is known of a type: for catalogues and for choosing by parent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntityInfo {
    pub name: EntityType,
    #[serde(default)]
    pub parent: Option<EntityType>,
    /// The name of its [`Category`].
    pub category: String,
    pub description: String,
    /// Whether what is found says something only where it stands: `42`, `Dr.`, `French`. It is
    /// not looked for elsewhere.
    #[serde(default)]
    pub common: bool,
}

/// Types that regulations treat alike.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    pub name: String,
    pub description: String,
    /// What HIPAA's Safe Harbor calls it (45 CFR 164.514(b)(2)).
    #[serde(default)]
    pub hipaa: Option<String>,
    /// `personal` or `special` data (GDPR, articles 4 and 9).
    #[serde(default)]
    pub gdpr: Option<String>,
    /// What the California Consumer Privacy Act calls it (1798.140).
    #[serde(default)]
    pub ccpa: Option<String>,
    /// Whether it is cardholder data of PCI DSS.
    #[serde(default)]
    pub pci: bool,
}

/// What is known of a recognizer, for catalogues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecognizerInfo {
    pub name: Arc<str>,
    pub entity: EntityType,
    /// ISO 639-1 codes, or `any`.
    pub languages: Vec<String>,
    pub description: String,
    /// Lower-case words that speak for it.
    pub context: Vec<String>,
    /// Whether it finds nothing without one of them.
    pub context_required: bool,
    /// The names of the checks behind its patterns.
    pub validators: Vec<String>,
    /// Texts with what is found in `[[…]]`.
    pub examples: Vec<String>,
    /// Texts in which it finds nothing.
    pub counter_examples: Vec<String>,
}
