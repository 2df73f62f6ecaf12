//! Why a chat request is refused. Messages name the place and never the content.

/// The longest path that an error repeats.
const PATH: usize = 160;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChatError {
    #[error("the request is not valid JSON")]
    Malformed,
    #[error("{path}: unknown field")]
    UnknownField { path: String },
    #[error("{path}: unknown value")]
    UnknownValue { path: String },
    #[error("{path}: missing")]
    MissingField { path: String },
    #[error("{path}: wrong type or value")]
    WrongType { path: String },
    #[error("{path}: {what}")]
    Unsupported { path: String, what: &'static str },
    #[error("the request is larger than {limit} bytes")]
    TooLarge { limit: usize },
    #[error("{path}: nested deeper than {limit} levels")]
    TooDeep { path: String, limit: usize },
    #[error("messages: more than {limit}")]
    TooManyMessages { limit: usize },
    #[error("the request holds more personal data than can be handled at once")]
    TooMuch,
    /// The check before sending found an original in what would have been sent.
    #[error("{path}: personal data would remain")]
    Residue { path: String },
}

impl ChatError {
    /// The place in the request, such as `messages[2].content[0].type`.
    pub fn path(&self) -> Option<&str> {
        match self {
            Self::UnknownField { path }
            | Self::UnknownValue { path }
            | Self::MissingField { path }
            | Self::WrongType { path }
            | Self::Unsupported { path, .. }
            | Self::TooDeep { path, .. }
            | Self::Residue { path } => Some(path),
            Self::TooManyMessages { .. } => Some("messages"),
            Self::Malformed | Self::TooLarge { .. } | Self::TooMuch => None,
        }
    }

    /// From a parser's error. Its own message may quote what it read, so only its kind is kept.
    pub(super) fn from_parser(error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        let path = tidy(&error.path().to_string());
        let inner = error.inner();
        let message = inner.to_string();
        if inner.is_syntax() || inner.is_eof() || inner.is_io() {
            Self::Malformed
        } else if let Some(rest) = message.strip_prefix("missing field `") {
            let field = rest.split('`').next().unwrap_or_default();
            let path = if path == "." { field.to_owned() } else { format!("{path}.{field}") };
            Self::MissingField { path }
        } else if message.starts_with("unknown field") {
            Self::UnknownField { path }
        } else if message.starts_with("unknown variant") {
            Self::UnknownValue { path }
        } else {
            Self::WrongType { path }
        }
    }
}

/// A path may hold keys that a client chose: short, and of harmless characters.
fn tidy(path: &str) -> String {
    path.chars()
        .take(PATH)
        .map(|c| if c.is_ascii_alphanumeric() || "._[]-".contains(c) { c } else { '?' })
        .collect()
}
