//! Shipped samples cannot rot: a test reads each as the service would.

use std::path::Path;
use std::rc::Rc;

use serde::de::DeserializeOwned;

use crate::de::{Outcome, Reader};
use crate::problem::{Problem, Problems, Validate, join};
use crate::tree::{self, Node, Value};

/// Checks that a sample is valid as it is, and that it shows every key there is.
///
/// An optional key may be shown commented out, without a space after the `#`
/// (`#endpoint = "…"`, `#[section]`), prose being what has one. Files that
/// `*_file` keys name are not read.
pub fn check_sample<T: DeserializeOwned + Validate>(path: &Path) -> Result<(), Problems> {
    let name = path.display().to_string();
    let mut problems = Problems::default();
    let text = std::fs::read_to_string(path).map_err(|error| Problem {
        key: String::new(),
        source: name.clone(),
        expected: error.to_string(),
    })?;
    let (_, shipped) = read::<T>(&name, &text)?;
    problems.extend(shipped.problems.iter().cloned());
    if let Some(settings) = shipped.value {
        let mut invalid = Problems::default();
        settings.validate(&mut invalid);
        problems.extend(invalid.iter().filter(|p| !shipped.unread.contains(&p.key)).cloned());
    }
    let full = uncommented(&text);
    let (root, complete) = read::<T>(&name, &full)?;
    problems.extend(complete.problems.iter().cloned());
    for (section, fields) in complete.sections {
        for field in fields {
            let key = join(&section, field);
            if !tree::contains(&root, &key) {
                let expected = "is not in the sample".to_owned();
                problems.push(Problem { key, source: name.clone(), expected });
            }
        }
    }
    problems.or(())
}

type Read<T> = (Rc<Node>, Outcome<T>);

fn read<T: DeserializeOwned>(name: &str, text: &str) -> Result<Read<T>, Problems> {
    let root = Node::new(Value::Table(tree::parse(name, text)?), name);
    let outcome = Reader::new(false).read(&root);
    Ok((root, outcome))
}

fn uncommented(text: &str) -> String {
    let line = |line: &str| match line.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
