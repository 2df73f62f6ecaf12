//! What is wrong with a configuration, all of it.

use std::fmt;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// `section.key`; empty for the file as a whole.
    pub key: String,
    /// `audit.toml:12` or the name of a variable.
    pub source: String,
    /// What is expected there. Never the value.
    pub expected: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.expected)?;
        if !self.source.is_empty() {
            write!(f, " ({})", self.source)?;
        }
        Ok(())
    }
}

/// Everything that is wrong, in the order it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
    section: String,
}

impl Problems {
    /// Reports a key of the current section: `problems.add("port", "must not be 0")`.
    pub fn add(&mut self, key: &str, expected: impl Into<String>) {
        let key = join(&self.section, key);
        self.push(Problem { key, source: String::new(), expected: expected.into() });
    }

    /// Reports the error of a check, if it is one.
    pub fn check<E: fmt::Display>(&mut self, key: &str, outcome: Result<(), E>) {
        if let Err(error) = outcome {
            self.add(key, error.to_string());
        }
    }

    /// Validates what stands in a section below this one.
    pub fn section(&mut self, name: &str, settings: &impl Validate) {
        let inner = join(&self.section, name);
        let outer = std::mem::replace(&mut self.section, inner);
        settings.validate(self);
        self.section = outer;
    }

    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }

    pub(crate) fn push(&mut self, problem: Problem) {
        if !self
            .list
            .iter()
            .any(|known| known.key == problem.key && known.expected == problem.expected)
        {
            self.list.push(problem);
        }
    }

    pub(crate) fn extend(&mut self, more: impl IntoIterator<Item = Problem>) {
        more.into_iter().for_each(|problem| self.push(problem));
    }

    /// Takes a problem back; false if there is none such.
    pub(crate) fn forgive(&mut self, key: &str, expected: &str) -> bool {
        let before = self.list.len();
        self.list.retain(|problem| problem.key != key || problem.expected != expected);
        self.list.len() < before
    }

    /// Adds to the problems of a validation where their keys stand.
    pub(crate) fn locate(&mut self, source: impl Fn(&str) -> String) {
        for problem in &mut self.list {
            if problem.source.is_empty() {
                problem.source = source(&problem.key);
            }
        }
    }

    pub(crate) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.list.len();
        write!(f, "configuration: {count} problem{}", if count == 1 { "" } else { "s" })?;
        self.list.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
    }
}

impl std::error::Error for Problems {}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self { list: vec![problem], section: String::new() }
    }
}

/// Rules between values, beyond what their types say. Runs only once every value
/// has its type.
pub trait Validate {
    fn validate(&self, problems: &mut Problems) {
        let _ = problems;
    }
}

pub(crate) fn join(section: &str, key: &str) -> String {
    if section.is_empty() { key.to_owned() } else { format!("{section}.{key}") }
}
