//! A recognizer as it is written: TOML, with the fields that those of `libs/pii` have.

use pii::EntityType;
use serde::Deserialize;

use crate::asked::{Checked, InvalidWish, few, is_type, length, score};
use crate::recognizer::{Context, MOST_PATTERNS, Recognizer, Room, Rule};

/// Bytes of a document.
const LARGEST: usize = 256 * 1024;
const LONGEST_NAME: usize = 64;
const LONGEST_DESCRIPTION: usize = 1_000;
const LONGEST_EXAMPLE: usize = 4_096;
const MOST_EXAMPLES: usize = 200;
const FARTHEST: usize = 200;

/// A recognizer as it is written, checked but for its patterns.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Document {
    name: String,
    #[serde(rename = "type")]
    entity: EntityType,
    #[serde(default)]
    description: String,
    #[serde(default)]
    always: bool,
    #[serde(default)]
    context: Vec<String>,
    #[serde(default)]
    context_required: bool,
    #[serde(default = "yes")]
    context_after: bool,
    #[serde(default = "usual_distance")]
    context_distance: usize,
    #[serde(default)]
    examples: Vec<String>,
    #[serde(default)]
    counter_examples: Vec<String>,
    #[serde(default)]
    pattern: Vec<Pattern>,
    dictionary: Option<Words>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pattern {
    regex: String,
    score: f64,
    validator: Option<String>,
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    #[serde(default = "yes")]
    fold_case: bool,
    #[serde(default = "sure")]
    score: f64,
}

const fn yes() -> bool {
    true
}

const fn usual_distance() -> usize {
    40
}

const fn sure() -> f64 {
    0.9
}

impl Document {
    /// # Errors
    /// They name the field, or the line.
    pub fn parse(document: &str) -> Checked<Self> {
        if document.len() > LARGEST {
            return Err(InvalidWish::new("", format!("must have at most {LARGEST} bytes")));
        }
        let read: Result<Self, _> = toml::from_str(document);
        let read = read.map_err(|error| {
            let at = error.span().and_then(|span| document.get(..span.start));
            let line = at.map_or(0, |before| before.matches('\n').count()) + 1;
            InvalidWish::new(format!("line {line}"), told(error.message()))
        })?;
        read.check()?;
        Ok(read)
    }

    fn check(&self) -> Checked<()> {
        let is_name = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=LONGEST_NAME).contains(&self.name.len()) || !self.name.bytes().all(is_name) {
            return Err(InvalidWish::new("name", "must be 1 to 64 of a-z, 0-9 and -"));
        }
        if !is_type(self.entity.as_str()) {
            return Err(InvalidWish::new("type", "must be 1 to 64 of A-Z, 0-9 and _"));
        }
        let description = &self.description;
        if description.len() > LONGEST_DESCRIPTION || description.contains(char::is_control) {
            let why = "must have at most 1000 bytes and no control characters";
            return Err(InvalidWish::new("description", why));
        }
        if self.pattern.is_empty() && self.dictionary.is_none() {
            return Err(InvalidWish::new("pattern", "is missing, and so is dictionary"));
        }
        few("pattern", &self.pattern, MOST_PATTERNS)?;
        if self.context_required && self.context.is_empty() {
            return Err(InvalidWish::new("context", "is required, and empty"));
        }
        if self.context_distance > FARTHEST {
            let why = format!("must be at most {FARTHEST}");
            return Err(InvalidWish::new("context_distance", why));
        }
        if self.examples.is_empty() {
            return Err(InvalidWish::new("examples", "must have one at least"));
        }
        for (name, examples) in
            [("examples", &self.examples), ("counter_examples", &self.counter_examples)]
        {
            few(name, examples, MOST_EXAMPLES)?;
            for (index, example) in examples.iter().enumerate() {
                length(&format!("{name}[{index}]"), example, LONGEST_EXAMPLE)?;
            }
        }
        self.dictionary
            .as_ref()
            .map_or(Ok(()), |words| score("dictionary.score", words.score).map(drop))
    }

    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    #[must_use]
    pub const fn entity(&self) -> &EntityType {
        &self.entity
    }

    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// Whether every call of the tenant uses it.
    #[must_use]
    pub const fn is_always_on(&self) -> bool {
        self.always
    }

    /// Whether its dictionary, if it has one, is compared in small letters.
    #[must_use]
    pub fn folds_case(&self) -> bool {
        self.dictionary.as_ref().is_none_or(|words| words.fold_case)
    }

    pub(super) fn examples(&self) -> &[String] {
        &self.examples
    }

    pub(super) fn counter_examples(&self) -> &[String] {
        &self.counter_examples
    }

    /// The score of entries.
    pub(super) fn dictionary(&self) -> Option<f32> {
        self.dictionary.as_ref().map(|words| words.score as f32)
    }

    /// Whether entries belong to it.
    #[must_use]
    pub const fn has_dictionary(&self) -> bool {
        self.dictionary.is_some()
    }

    pub(super) fn recognizer(&self, name: &str) -> Checked<Recognizer> {
        let context = Context::new("context", &self.context)?.with(
            self.context_required,
            self.context_after,
            self.context_distance,
        );
        let mut recognizer = Recognizer::new(name, self.entity.clone(), context);
        let mut room = Room::default();
        for (index, pattern) in self.pattern.iter().enumerate() {
            let field = format!("pattern[{index}]");
            let validator = match &pattern.validator {
                None => None,
                Some(name) => Some(validators::by_name(name).ok_or_else(|| {
                    InvalidWish::new(format!("{field}.validator"), "names no validator")
                })?),
            };
            let score = score(&format!("{field}.score"), pattern.score)?;
            let rule = Rule { score, validator, free: true };
            recognizer.add(&format!("{field}.regex"), &pattern.regex, rule, &mut room)?;
        }
        Ok(recognizer)
    }
}

/// Why a document cannot be read. The parser quotes what it has found, which may be personal:
/// only names of our own fields are passed on.
fn told(message: &str) -> String {
    if message.starts_with("missing field") {
        return message.to_owned();
    }
    let known = [
        ("unknown field", "has an unknown field"),
        ("invalid type", "has a value of another type"),
        ("invalid value", "has a value of another type"),
        ("duplicate", "has a field that is there already"),
    ];
    let found = known.iter().find(|(begins, _)| message.starts_with(begins));
    found.map_or("is no TOML", |(_, why)| why).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_is_told_by_line_and_never_quoted() {
        let start = "name = 'a'\ntype = 'A'\n";
        for (line, why) in [
            ("secret = 1", "line 3 has an unknown field"),
            ("always = 'secret'", "line 3 has a value of another type"),
            ("name = 'secret'", "line 3 has a field that is there already"),
            ("= secret", "line 3 is no TOML"),
            ("examples = ['secret']", "pattern is missing, and so is dictionary"),
        ] {
            let wrong = Document::parse(&format!("{start}{line}\n")).err().unwrap();
            assert_eq!(wrong.to_string(), why);
        }
        assert!(
            Document::parse("name = 'a'")
                .err()
                .unwrap()
                .to_string()
                .ends_with("missing field `type`")
        );
        assert!(Document::parse(&"#".repeat(LARGEST + 1)).is_err());
    }
}
