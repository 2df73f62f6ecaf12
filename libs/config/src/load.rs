//! From the sources to the settings of a service.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::de::DeserializeOwned;

use crate::de::Reader;
use crate::problem::{Problem, Problems, Validate};
use crate::tree::{self, Node, Table, Value};

/// Where a service's configuration comes from.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// `audit`: its variables begin with `SIGNET_AUDIT__`.
    pub service: String,
    pub file: Option<PathBuf>,
    /// The environment; others' variables in it are left alone.
    pub env: BTreeMap<String, String>,
}

impl Sources {
    /// The file given and the environment of this process.
    pub fn of_process(service: &str, file: Option<PathBuf>) -> Self {
        // Names and values that are not Unicode cannot be ours.
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self {
            service: service.to_owned(),
            file,
            env: std::env::vars_os().filter_map(text).collect(),
        }
    }
}

/// Settings, and what an operator should look at though it is no error; log it
/// once there is a log.
#[derive(Debug)]
pub struct Loaded<T> {
    pub settings: T,
    pub warnings: Vec<String>,
}

/// Reads, checks and validates; or says everything that is wrong.
pub fn load<T: DeserializeOwned + Validate>(sources: &Sources) -> Result<Loaded<T>, Problems> {
    let (name, mut table) = match &sources.file {
        Some(path) => {
            let name = path.display().to_string();
            // What is missing in a file that cannot be read is no news: stop here.
            let table = read_file(path, &name)?;
            (name, table)
        }
        None => (format!("SIGNET_{}__*", sources.service.to_ascii_uppercase()), Table::new()),
    };
    let mut problems = Problems::default();
    problems.extend(tree::overlay(&mut table, &sources.service, &sources.env));
    let root = Node::new(Value::Table(table), name);
    let outcome = Reader::new(true).read::<T>(&root);
    problems.extend(outcome.problems.iter().cloned());
    let Some(settings) = outcome.value else { return Err(problems) };
    let mut invalid = Problems::default();
    settings.validate(&mut invalid);
    invalid.locate(|key| root.origin_of(key).to_owned());
    problems.extend(invalid.iter().cloned());
    problems.or(Loaded { settings, warnings: outcome.warnings })
}

pub(crate) fn read_file(path: &std::path::Path, name: &str) -> Result<Table, Problem> {
    let text = std::fs::read_to_string(path).map_err(|error| Problem {
        key: String::new(),
        source: name.to_owned(),
        expected: format!("the file cannot be read: {error}"),
    })?;
    tree::parse(name, &text)
}
