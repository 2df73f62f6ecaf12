//! Errors of serde, stripped of values and with the path of the key.

use std::fmt::{self, Display};

use serde::de::{self, Expected, Unexpected};

use crate::tree::{Node, Value};

pub(super) const MISSING: &str = "is required";

#[derive(Debug)]
pub(super) struct Error {
    path: String,
    what: String,
    /// Set where the error was first seen: deeper means more exact.
    placed: bool,
}

impl Error {
    fn new(what: String) -> Self {
        Self { path: String::new(), what, placed: false }
    }

    pub(super) fn parts(self) -> (String, String) {
        (self.path, self.what)
    }

    /// Says where, unless a deeper place is known; for a missing field its own
    /// name is already there.
    pub(super) fn at(mut self, path: &str, node: Option<&Node>) -> Self {
        if self.placed {
            return self;
        }
        self.path = match (path, self.path.as_str()) {
            (section, "") => section.to_owned(),
            (section, field) => super::child(section, field),
        };
        self.placed = true;
        // Messages made by a type's own code may quote the value.
        if let Some(Value::Text(text) | Value::Untyped(text)) = node.map(|node| &node.value)
            && text.len() > 2
            && self.what.contains(text.as_str())
        {
            self.what = "is not valid".into();
        }
        self
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Error {}

/// The kind of what was found, never what it is.
fn kind(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a number",
        Unexpected::Float(_) => "a decimal number",
        Unexpected::Char(_) | Unexpected::Str(_) => "a text",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a section",
        Unexpected::Unit | Unexpected::Option => "nothing",
        _ => "something else",
    }
}

fn expected(what: &dyn Expected) -> String {
    let what = what.to_string();
    match what.as_str() {
        "u8" | "u16" | "u32" | "u64" | "usize" => {
            format!("expected a whole number, not negative ({what})")
        }
        "i8" | "i16" | "i32" | "i64" | "isize" => format!("expected a whole number ({what})"),
        "a boolean" => "expected true or false".into(),
        text if text.starts_with("struct ") => "expected a section".into(),
        text => format!("expected {text}"),
    }
}

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self::new(message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::new(format!("{}, not {}", expected(wanted), kind(&found)))
    }

    fn invalid_value(_: Unexpected<'_>, wanted: &dyn Expected) -> Self {
        Self::new(expected(wanted))
    }

    fn invalid_length(_: usize, wanted: &dyn Expected) -> Self {
        Self::new(expected(wanted))
    }

    fn unknown_variant(_: &str, known: &'static [&'static str]) -> Self {
        Self::new(format!("expected one of: {}", known.join(", ")))
    }

    fn missing_field(field: &'static str) -> Self {
        Self { path: field.to_owned(), ..Self::new(MISSING.into()) }
    }
}
