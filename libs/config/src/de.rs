//! A serde deserializer that goes on after an error, so that one run finds all.
//!
//! serde gives up at the first error. So the whole is read again, and the value
//! that was wrong (or missing) is replaced by a stand-in of the kind the type asks
//! for; `load` throws the result away in the end, since there were problems.

mod access;
mod error;
mod stand_in;
mod value;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::rc::Rc;

use serde::de::DeserializeOwned;

use self::error::Error;
use crate::problem::{Problem, Problems, join};
use crate::tree::{Node, Value};

/// A key, a token, a URL: nothing that belongs in `*_file` is larger.
const MAX_SECRET_FILE: u64 = 1 << 20;

/// Reads values out of a tree, and remembers what was wrong.
pub(crate) struct Reader {
    state: RefCell<State>,
    /// Read `*_file`s? A sample's do not exist where it is tested.
    read_files: bool,
}

#[derive(Default)]
struct State {
    problems: Problems,
    warnings: Vec<String>,
    /// Which stand-in is tried at a path that was wrong.
    stand_ins: BTreeMap<String, usize>,
    /// Sections that are not there, and count as empty.
    absent: BTreeSet<String>,
    /// Sections seen, with the keys they know.
    sections: BTreeMap<String, &'static [&'static str]>,
    files: BTreeMap<String, Option<Rc<Node>>>,
}

pub(crate) struct Outcome<T> {
    /// None if something is wrong: then it may hold stand-ins.
    pub(crate) value: Option<T>,
    /// Keys that have a stand-in, because their `*_file` was not to be read.
    pub(crate) unread: Vec<String>,
    pub(crate) problems: Problems,
    pub(crate) warnings: Vec<String>,
    pub(crate) sections: BTreeMap<String, &'static [&'static str]>,
}

impl Reader {
    pub(crate) fn new(read_files: bool) -> Self {
        Self { state: RefCell::default(), read_files }
    }

    pub(crate) fn read<T: DeserializeOwned>(self, root: &Rc<Node>) -> Outcome<T> {
        let value = loop {
            let de = value::De { reader: &self, path: String::new(), node: Some(Rc::clone(root)) };
            match T::deserialize(de) {
                Ok(value) => break Some(value),
                Err(error) => {
                    if !self.remember(root, error) {
                        break None;
                    }
                }
            }
        };
        let state = self.state.into_inner();
        Outcome {
            value: value.filter(|_| state.problems.is_empty()),
            unread: state
                .files
                .into_iter()
                .filter(|(_, file)| file.is_none())
                .map(|(key, _)| key)
                .collect(),
            problems: state.problems,
            warnings: state.warnings,
            sections: state.sections,
        }
    }

    /// Notes the error. False once no stand-in pleases the type: then what has
    /// been found so far has to do.
    fn remember(&self, root: &Node, error: Error) -> bool {
        let (path, what) = error.parts();
        let mut state = self.state.borrow_mut();
        if let Some(tried) = state.stand_ins.get_mut(&path) {
            *tried += 1;
            return *tried < stand_in::TEXTS.len();
        }
        if !state.files.contains_key(&path) {
            let source = root.origin_of(&path).to_owned();
            state.problems.push(Problem { key: path.clone(), source, expected: what });
        }
        state.stand_ins.insert(path, 0);
        true
    }

    fn report(&self, key: String, source: &str, expected: impl Into<String>) {
        let problem = Problem { key, source: source.to_owned(), expected: expected.into() };
        self.state.borrow_mut().problems.push(problem);
    }

    fn stand_in(&self, path: &str) -> Option<usize> {
        self.state.borrow().stand_ins.get(path).copied()
    }

    fn section(&self, path: &str, fields: &'static [&'static str]) {
        self.state.borrow_mut().sections.insert(path.to_owned(), fields);
    }

    /// Whether a field that is not given has something to be given all the same.
    fn fills(&self, path: &str) -> bool {
        let state = self.state.borrow();
        state.stand_ins.contains_key(path) || state.absent.contains(path)
    }

    /// A section that is missing is an empty one: its own keys say what is missing.
    fn absent_section(&self, path: &str) {
        let mut state = self.state.borrow_mut();
        if state.problems.forgive(path, error::MISSING) {
            state.stand_ins.remove(path);
            state.absent.insert(path.to_owned());
        }
    }

    /// The value of `key`, from the file that `key_file` names. None: not read.
    fn file(&self, path: &str, name: &Rc<Node>) -> Option<Rc<Node>> {
        if let Some(known) = self.state.borrow().files.get(path) {
            return known.clone();
        }
        let node = if self.read_files { self.open(path, name) } else { None };
        let mut state = self.state.borrow_mut();
        if node.is_none() {
            state.stand_ins.insert(path.to_owned(), 0);
        }
        state.files.insert(path.to_owned(), node.clone());
        node
    }

    fn open(&self, path: &str, name: &Node) -> Option<Rc<Node>> {
        let key = format!("{path}_file");
        let (Value::Text(file) | Value::Untyped(file)) = &name.value else {
            self.report(key, &name.origin, "expected the path of a file");
            return None;
        };
        match read_secret(file) {
            Ok((text, mode)) => {
                if mode & 0o077 != 0 {
                    let warning =
                        format!("{key}: others than its owner can use the file (mode {mode:o})");
                    self.state.borrow_mut().warnings.push(warning);
                }
                Some(Node::new(Value::Text(text), name.origin.as_str()))
            }
            Err(error) => {
                self.report(key, &name.origin, format!("the file cannot be read: {error}"));
                None
            }
        }
    }
}

/// The text without the newline that editors put at the end, and the file's mode.
fn read_secret(path: &str) -> io::Result<(String, u32)> {
    let file = fs::File::open(path)?;
    let mode = file.metadata()?.permissions().mode() & 0o777;
    let mut text = String::new();
    file.take(MAX_SECRET_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_SECRET_FILE {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "larger than 1 MiB"));
    }
    text.truncate(text.trim_end_matches(['\r', '\n']).len());
    Ok((text, mode))
}

/// `section.key` of a file's stem, if `key` is `stem_file` and only `stem` is known.
fn stem_of<'k>(key: &'k str, fields: &[&str]) -> Option<&'k str> {
    let stem = key.strip_suffix("_file")?;
    (!fields.contains(&key) && fields.contains(&stem)).then_some(stem)
}

fn unknown(fields: &[&str]) -> String {
    if fields.is_empty() {
        return "unknown key; none is expected here".into();
    }
    format!("unknown key; known are {}", fields.join(", "))
}

fn child(path: &str, key: &str) -> String {
    join(path, key)
}
