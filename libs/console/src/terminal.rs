//! What the command line says to a person.

use std::fmt::Display;
use std::io::{self, Write as _};

/// A line for a person, on standard output. A reader that has gone away is no
/// error.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// A complaint, on standard error.
pub fn complain(line: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
