//! How answers are shown: aligned for people, JSON for programs.

use std::io::{self, Write as _};

use chrono::{DateTime, SecondsFormat};
use serde_json::Value;

use crate::problem::{Problem, Result};
use crate::terminal::say;

#[derive(Clone, Copy)]
pub struct Output {
    pub json: bool,
}

impl Output {
    /// A list as a table with these members as columns.
    pub fn list(self, rows: &[Value], columns: &[&str]) {
        if self.json {
            return say(pretty(&Value::Array(rows.to_vec())));
        }
        for line in table(rows, columns) {
            say(line);
        }
    }

    /// One thing, a member a line.
    pub fn object(self, value: &Value) {
        if self.json {
            return say(pretty(value));
        }
        for line in members(value, 0) {
            say(line);
        }
    }

    /// A sentence; programs do not get it.
    pub fn note(self, text: impl std::fmt::Display) {
        if !self.json {
            say(text);
        }
    }
}

/// Bytes as they are, on standard output.
pub fn raw(bytes: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes).and_then(|()| out.flush()).map_err(Problem::new)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// A value in one cell. Control characters are no business of a terminal.
fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.replace(char::is_control, " "),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn table(rows: &[Value], columns: &[&str]) -> Vec<String> {
    let heads = columns.iter().map(|column| column.replace('_', " ").to_uppercase());
    let mut lines = vec![heads.collect::<Vec<_>>()];
    lines.extend(rows.iter().map(|row| columns.iter().map(|column| cell(&row[*column])).collect()));
    let widths: Vec<usize> = (0..columns.len())
        .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
        .collect();
    let padded = |line: &Vec<String>| {
        let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(padded).collect()
}

fn members(value: &Value, depth: usize) -> Vec<String> {
    let Some(object) = value.as_object() else { return vec![cell(value)] };
    let indent = "  ".repeat(depth);
    let width = object.keys().map(String::len).max().unwrap_or(0);
    let mut lines = Vec::new();
    for (name, value) in object {
        let nested = value.is_object()
            || value.as_array().is_some_and(|items| items.iter().any(Value::is_object));
        if !nested {
            lines.push(format!("{indent}{name:width$}  {}", cell(value)).trim_end().to_owned());
            continue;
        }
        lines.push(format!("{indent}{name}"));
        match value.as_array() {
            Some(items) => lines.extend(items.iter().flat_map(|item| members(item, depth + 1))),
            None => lines.extend(members(value, depth + 1)),
        }
    }
    lines
}

/// A time in RFC 3339, UTC; null if unset.
pub fn time(timestamp: Option<&prost_types::Timestamp>) -> Value {
    let nanos = |stamp: &prost_types::Timestamp| u32::try_from(stamp.nanos).unwrap_or_default();
    timestamp
        .and_then(|stamp| DateTime::from_timestamp(stamp.seconds, nanos(stamp)))
        .map_or(Value::Null, |time| time.to_rfc3339_opts(SecondsFormat::Millis, true).into())
}

/// Lower-case name of an enum value: `KEY_STATE_ENABLED` of prefix `KEY_STATE_` is `enabled`.
pub fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn tables_align_and_hide_control_characters() {
        let rows = [json!({"name": "keys/a", "roles": ["x", "y"]}), json!({"name": "k\u{1b}[31m"})];
        assert_eq!(table(&rows, &["name", "roles"]), ["NAME    ROLES", "keys/a  x, y", "k [31m"]);
    }

    #[test]
    fn objects_nest_by_indentation() {
        let value = json!({"a": 1, "list": [{"x": "y"}]});
        assert_eq!(members(&value, 0), ["a     1", "list", "  x  y"]);
    }

    #[test]
    fn times_and_words() {
        let stamp = prost_types::Timestamp { seconds: 0, nanos: 5_000_000 };
        assert_eq!(time(Some(&stamp)), "1970-01-01T00:00:00.005Z");
        assert_eq!(time(None), Value::Null);
        assert_eq!(word("KEY_STATE_ENABLED", "KEY_STATE_"), "enabled");
    }
}
