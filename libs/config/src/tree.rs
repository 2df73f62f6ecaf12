//! File and environment as one tree, each value with the place it came from.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::rc::Rc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::problem::{Problem, join};

/// A value and where it stands.
pub(crate) struct Node {
    pub(crate) value: Value,
    /// `audit.toml:12`, or the name of a variable.
    pub(crate) origin: String,
}

pub(crate) type Table = BTreeMap<String, Rc<Node>>;

pub(crate) enum Value {
    Table(Table),
    List(Vec<Rc<Node>>),
    Text(String),
    Integer(i64),
    Float(f64),
    Bool(bool),
    /// From a variable: has no type of its own, is read as what is asked for.
    Untyped(String),
}

impl Node {
    pub(crate) fn new(value: Value, origin: impl Into<String>) -> Rc<Self> {
        Rc::new(Self { value, origin: origin.into() })
    }

    pub(crate) fn child(&self, key: &str) -> Option<&Rc<Self>> {
        match &self.value {
            Value::Table(table) => table.get(key),
            Value::List(list) => list.get(key.parse::<usize>().ok()?),
            _ => None,
        }
    }

    /// The origin of `a.b.c`, or of the nearest section above it that stands somewhere.
    pub(crate) fn origin_of(&self, path: &str) -> &str {
        let mut node = self;
        for key in path.split('.').filter(|key| !key.is_empty()) {
            match node.child(key) {
                Some(child) => node = child,
                None => break,
            }
        }
        &node.origin
    }
}

/// Parses a TOML document; `name` is what problems call it.
pub(crate) fn parse(name: &str, text: &str) -> Result<Table, Problem> {
    let lines = Lines { name, text };
    let document = DeTable::parse(text).map_err(|error| Problem {
        key: String::new(),
        source: lines.origin(error.span().map_or(0, |span| span.start)),
        // Its `Display` would quote the line.
        expected: format!("not valid TOML: {}", error.message()),
    })?;
    lines.table(document.get_ref())
}

struct Lines<'a> {
    name: &'a str,
    text: &'a str,
}

impl Lines<'_> {
    fn origin(&self, at: usize) -> String {
        let before = self.text.as_bytes().get(..at).unwrap_or_default();
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        format!("{}:{line}", self.name)
    }

    fn table(&self, table: &DeTable<'_>) -> Result<Table, Problem> {
        table
            .iter()
            .map(|(key, value)| {
                let key_text = key.get_ref().to_string();
                let at = self.origin(key.span().start);
                Ok((key_text, self.node(value, at)?))
            })
            .collect()
    }

    fn node(&self, value: &Spanned<DeValue<'_>>, origin: String) -> Result<Rc<Node>, Problem> {
        let too_large = || Problem {
            key: String::new(),
            source: origin.clone(),
            expected: "a number that fits into 64 bits".into(),
        };
        let value = match value.get_ref() {
            DeValue::String(text) => Value::Text(text.to_string()),
            DeValue::Integer(number) => Value::Integer(
                i64::from_str_radix(number.as_str(), number.radix()).map_err(|_| too_large())?,
            ),
            DeValue::Float(number) => {
                Value::Float(number.as_str().parse().map_err(|_| too_large())?)
            }
            DeValue::Boolean(on) => Value::Bool(*on),
            DeValue::Datetime(time) => Value::Text(time.to_string()),
            DeValue::Array(list) => {
                let nodes = list.iter().map(|item| self.node(item, self.origin(item.span().start)));
                Value::List(nodes.collect::<Result<_, _>>()?)
            }
            DeValue::Table(table) => Value::Table(self.table(table)?),
        };
        Ok(Node::new(value, origin))
    }
}

/// Lays the service's variables over the file's values.
pub(crate) fn overlay(
    table: &mut Table,
    service: &str,
    variables: &BTreeMap<String, String>,
) -> Vec<Problem> {
    let prefix = format!("SIGNET_{}__", service.to_ascii_uppercase().replace('-', "_"));
    let mut problems = Vec::new();
    for (name, value) in variables {
        let Some(rest) = name.strip_prefix(&prefix) else { continue };
        let path: Vec<String> = rest.split("__").map(str::to_ascii_lowercase).collect();
        let leaf = Node::new(Value::Untyped(value.clone()), name.as_str());
        if path.iter().any(String::is_empty) || !insert(table, &path, leaf) {
            problems.push(Problem {
                key: path.join("."),
                source: name.clone(),
                expected: "a variable that names one value, not a section".into(),
            });
        }
    }
    problems
}

/// False if a value stands where a section should, or the reverse.
fn insert(table: &mut Table, path: &[String], leaf: Rc<Node>) -> bool {
    let Some((key, rest)) = path.split_first() else { return false };
    let origin = leaf.origin.clone();
    match (table.entry(key.clone()), rest.is_empty()) {
        (Entry::Vacant(vacant), true) => {
            vacant.insert(leaf);
            true
        }
        (Entry::Occupied(mut occupied), true) => {
            let section = matches!(occupied.get().value, Value::Table(_));
            if !section {
                occupied.insert(leaf);
            }
            !section
        }
        (Entry::Vacant(vacant), false) => {
            let mut inner = Table::new();
            let inserted = insert(&mut inner, rest, leaf);
            vacant.insert(Node::new(Value::Table(inner), origin));
            inserted
        }
        (Entry::Occupied(mut occupied), false) => match Rc::get_mut(occupied.get_mut()) {
            Some(Node { value: Value::Table(inner), .. }) => insert(inner, rest, leaf),
            _ => false,
        },
    }
}

/// Whether `a.b.c`, or the file that holds it, is given.
pub(crate) fn contains(root: &Node, path: &str) -> bool {
    let mut node = root;
    for key in path.split('.') {
        match node.child(key).or_else(|| node.child(&format!("{key}_file"))) {
            Some(child) => node = child,
            None => return false,
        }
    }
    true
}

/// For messages about lists: `a.b.3`.
pub(crate) fn index(path: &str, at: usize) -> String {
    join(path, &at.to_string())
}
