//! What arguments of several commands mean: files, names of resources, pairs, spans of time.

use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

use crate::problem::{Problem, Result};

/// Reads a file, or standard input for `-`.
pub fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(Vec::new());
    if path == Path::new("-") {
        io::stdin().lock().read_to_end(&mut bytes).map_err(Problem::new)?;
    } else {
        *bytes = std::fs::read(path).map_err(|error| Problem::file(path, error))?;
    }
    Ok(bytes)
}

/// The same, for text.
pub fn read_text(path: &Path) -> Result<String> {
    let mut bytes = read(path)?;
    String::from_utf8(std::mem::take(&mut *bytes))
        .map_err(|_| Problem::file(path, "the text is not UTF-8"))
}

/// Writes to a file, or to standard output for `-`. A file may hold plaintext
/// or a ciphertext of it: nobody else reads it.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    if path == Path::new("-") {
        crate::output::raw(bytes)
    } else {
        crate::private_file::write(path, bytes)
    }
}

/// The resource name for an id: `keys` and `abc` make `keys/abc`; a name stays.
pub fn named(collection: &str, given: &str) -> String {
    let prefix = format!("{collection}/");
    if given.starts_with(&prefix) { given.to_owned() } else { prefix + given }
}

/// `KEY=VALUE`.
pub fn label(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must be KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// A span of time such as `90s`, `10m`, `12h` or `7d`.
pub fn span(text: &str) -> Result<chrono::Duration, String> {
    let form = || "must be a number with s, m, h or d".to_owned();
    let unit = text.chars().last().ok_or_else(form)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return Err(form()),
    };
    let count: i64 = text[..text.len() - 1].parse().map_err(|_| form())?;
    let total = count.checked_mul(seconds).filter(|total| *total > 0).ok_or_else(form)?;
    chrono::Duration::try_seconds(total).ok_or_else(form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_take_ids_and_names() {
        assert_eq!(named("keys", "abc"), "keys/abc");
        assert_eq!(named("keys", "keys/abc"), "keys/abc");
    }

    #[test]
    fn labels_and_spans_parse() {
        assert_eq!(label("a=b=c"), Ok(("a".into(), "b=c".into())));
        assert!(label("a").is_err());
        assert_eq!(span("10m"), Ok(chrono::Duration::minutes(10)));
        assert_eq!(span("7d"), Ok(chrono::Duration::days(7)));
        for wrong in ["", "m", "10", "-5s", "0s", "9223372036854775807d", "1é"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_written_is_read_and_private() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("x");
        write(&path, "text".as_bytes()).unwrap();
        assert_eq!(read_text(&path).unwrap(), "text");
        write(&path, &[0xff]).unwrap();
        assert!(read_text(&path).is_err());
        assert!(read(&place.path().join("absent")).is_err());
    }
}
