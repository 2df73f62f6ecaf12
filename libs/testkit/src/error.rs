//! One error: a sentence for the person who runs the tests.

use std::fmt;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What could not be started or found, and what to do about it.
pub struct Error(String);

impl Error {
    pub fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    pub(crate) fn io(doing: impl fmt::Display, cause: &std::io::Error) -> Self {
        Self(format!("testkit: {doing}: {cause}"))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As `Display`, because this is what `unwrap` in a test shows.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}
