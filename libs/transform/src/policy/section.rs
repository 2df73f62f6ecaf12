//! Reading fields of a document, with errors that say which field.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::ops::RangeInclusive;

use super::node::Node;

/// Why a document is no policy. The paths and names are the author's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("the document has more than {most} bytes")]
    TooLarge { most: usize },
    #[error("the document cannot be read: {message}")]
    Syntax { message: String },
    #[error("{path} is missing")]
    Missing { path: String },
    #[error("{path} is not a field of a policy")]
    UnknownField { path: String },
    #[error("{path} must be {expected}")]
    WrongType { path: String, expected: &'static str },
    #[error("{path} must be {expected}")]
    OutOfRange { path: String, expected: String },
    #[error("{path} names no type that is known")]
    UnknownType { path: String },
    #[error("{path} names no operator")]
    UnknownOperator { path: String },
    #[error("there is no ready policy of this name")]
    UnknownPolicy,
}

impl PolicyError {
    /// The field that is wrong; none when the document as a whole is.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::Missing { path }
            | Self::UnknownField { path }
            | Self::WrongType { path, .. }
            | Self::OutOfRange { path, .. }
            | Self::UnknownType { path }
            | Self::UnknownOperator { path } => Some(path),
            Self::TooLarge { .. } | Self::Syntax { .. } | Self::UnknownPolicy => None,
        }
    }
}

/// Longer names of fields are cut in paths.
const LONGEST_NAME: usize = 64;

/// A table and where it stands.
pub(super) struct Section {
    path: String,
    fields: BTreeMap<String, Node>,
}

impl Section {
    pub(super) const fn root(fields: BTreeMap<String, Node>) -> Self {
        Self { path: String::new(), fields }
    }

    /// The path of one of its fields.
    pub(super) fn path(&self, field: &str) -> String {
        let field = &field[..field.floor_char_boundary(LONGEST_NAME)];
        if self.path.is_empty() { field.to_owned() } else { format!("{}.{field}", self.path) }
    }

    pub(super) fn text(&mut self, field: &str) -> Result<Option<String>, PolicyError> {
        match self.fields.remove(field) {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(field, "a text")),
        }
    }

    /// A text that stays unread.
    pub(super) fn peek(&self, field: &str) -> Option<&str> {
        match self.fields.get(field) {
            Some(Node::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn flag(&mut self, field: &str) -> Result<Option<bool>, PolicyError> {
        match self.fields.remove(field) {
            None => Ok(None),
            Some(Node::Flag(flag)) => Ok(Some(flag)),
            Some(_) => Err(self.wrong(field, "true or false")),
        }
    }

    pub(super) fn whole<T: TryFrom<i64> + PartialOrd + Display>(
        &mut self,
        field: &str,
        range: RangeInclusive<T>,
    ) -> Result<Option<T>, PolicyError> {
        let number = match self.fields.remove(field) {
            None => return Ok(None),
            Some(Node::Whole(number)) => number,
            Some(_) => return Err(self.wrong(field, "a whole number")),
        };
        match T::try_from(number) {
            Ok(number) if range.contains(&number) => Ok(Some(number)),
            _ => Err(self.range(field, format!("from {} to {}", range.start(), range.end()))),
        }
    }

    /// From 0 to 1.
    pub(super) fn score(&mut self, field: &str) -> Result<Option<f32>, PolicyError> {
        let score = match self.fields.remove(field) {
            None => return Ok(None),
            Some(Node::Decimal(score)) => score as f32,
            Some(Node::Whole(0)) => 0.0,
            Some(Node::Whole(1)) => 1.0,
            Some(_) => return Err(self.wrong(field, "a number from 0 to 1")),
        };
        if (0.0..=1.0).contains(&score) {
            Ok(Some(score))
        } else {
            Err(self.range(field, "from 0 to 1".to_owned()))
        }
    }

    pub(super) fn table(&mut self, field: &str) -> Result<Option<Self>, PolicyError> {
        let path = self.path(field);
        match self.fields.remove(field) {
            None => Ok(None),
            Some(Node::Table(fields)) => Ok(Some(Self { path, fields })),
            Some(_) => Err(self.wrong(field, "a table")),
        }
    }

    /// The names of the fields that were not read yet.
    pub(super) fn names(&self) -> Vec<String> {
        self.fields.keys().cloned().collect()
    }

    /// Every field must have been read.
    pub(super) fn finish(self) -> Result<(), PolicyError> {
        match self.fields.keys().next() {
            None => Ok(()),
            Some(field) => Err(PolicyError::UnknownField { path: self.path(field) }),
        }
    }

    pub(super) fn missing(&self, field: &str) -> PolicyError {
        PolicyError::Missing { path: self.path(field) }
    }

    pub(super) fn range(&self, field: &str, expected: String) -> PolicyError {
        PolicyError::OutOfRange { path: self.path(field), expected }
    }

    fn wrong(&self, field: &str, expected: &'static str) -> PolicyError {
        PolicyError::WrongType { path: self.path(field), expected }
    }
}
