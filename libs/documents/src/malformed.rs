//! Why a document cannot be taken apart.

/// Says where, and never what stands there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}.")]
pub struct Malformed {
    /// Counted from 1.
    pub line: usize,
    pub what: &'static str,
}

/// What values would become makes another document of it: a cell more, another string that is
/// JSON itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("with what its values become, it would not be the document that it was")]
pub struct Broken;

impl Malformed {
    /// At a byte of the document.
    pub(crate) fn at(document: &str, byte: usize, what: &'static str) -> Self {
        let before = document.as_bytes().get(..byte).unwrap_or(document.as_bytes());
        Self { line: before.iter().filter(|byte| **byte == b'\n').count() + 1, what }
    }
}
