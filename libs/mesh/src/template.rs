//! Templates: YAML with `${NAME}` in scalars, and blocks that are there only
//! when a name has a value.
//!
//! Names are replaced after parsing, inside scalars: a value cannot change the
//! shape of the document.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{Error, Result};

/// Names and their values; an empty value counts as none.
pub(crate) type Values = BTreeMap<String, String>;

/// Renders a template to the JSON that Envoy reads.
pub(crate) fn render(template: &str, text: &str, values: &Values) -> Result<Value> {
    let kept = keep_blocks(template, text, values)?;
    let mut document: Value = serde_saphyr::from_str(&kept).map_err(|cause| Error::Syntax {
        template: template.to_owned(),
        detail: cause.to_string(),
    })?;
    let mut missing = BTreeSet::new();
    fill(&mut document, values, &mut missing);
    if missing.is_empty() {
        return Ok(document);
    }
    Err(Error::Unresolved { template: template.to_owned(), names: missing.into_iter().collect() })
}

/// Leaves out the lines between `#if NAME` and `#endif` when NAME has no
/// value. Lines that go become empty, so that errors name the right line.
fn keep_blocks(template: &str, text: &str, values: &Values) -> Result<String> {
    let unbalanced = |line| Error::Unbalanced { template: template.to_owned(), line };
    let mut kept = String::with_capacity(text.len());
    let mut open: Option<(usize, bool)> = None;
    for (index, line) in text.lines().enumerate() {
        if let Some(name) = line.strip_prefix("#if ") {
            if open.is_some() {
                return Err(unbalanced(index + 1));
            }
            open = Some((index + 1, values.get(name.trim()).is_some_and(|v| !v.is_empty())));
        } else if line.trim_end() == "#endif" {
            open.take().ok_or_else(|| unbalanced(index + 1))?;
        } else if open.is_none_or(|(_, keep)| keep) {
            kept.push_str(line);
        }
        kept.push('\n');
    }
    open.map_or(Ok(kept), |(line, _)| Err(unbalanced(line)))
}

fn fill(value: &mut Value, values: &Values, missing: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.contains("${") => *text = replace(text, values, missing),
        Value::Array(items) => {
            for item in items {
                fill(item, values, missing);
            }
        }
        Value::Object(fields) => {
            for field in fields.values_mut() {
                fill(field, values, missing);
            }
        }
        _ => {}
    }
}

fn replace(text: &str, values: &Values, missing: &mut BTreeSet<String>) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("${") {
        filled.push_str(&rest[..start]);
        let after = &rest[start + 2..];
        let Some(end) = after.find('}') else {
            missing.insert(after.to_owned());
            return filled;
        };
        let name = &after[..end];
        match values.get(name).filter(|value| !value.is_empty()) {
            Some(value) => filled.push_str(value),
            None => {
                missing.insert(name.to_owned());
            }
        }
        rest = &after[end + 1..];
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn values(pairs: &[(&str, &str)]) -> Values {
        pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
    }

    #[test]
    fn names_are_filled_in_after_parsing() {
        let values = values(&[("HOST", "x\", injected: true"), ("PORT", "1")]);
        let rendered = render("t", "a: { host: \"${HOST}\", at: '${HOST}:${PORT}' }", &values);
        let host = "x\", injected: true";
        assert_eq!(rendered.unwrap(), json!({"a": {"host": host, "at": format!("{host}:1")}}));
    }

    #[test]
    fn blocks_stand_or_fall_with_their_name() {
        let text = "a: 1\n#if B\nb: ${B}\n#endif\nc: 3\n";
        assert_eq!(render("t", text, &values(&[])).unwrap(), json!({"a": 1, "c": 3}));
        let with = render("t", text, &values(&[("B", "x")])).unwrap();
        assert_eq!(with, json!({"a": 1, "b": "x", "c": 3}));
    }

    #[test]
    fn anchors_are_resolved() {
        let rendered = render("t", "a: &x { p: 1 }\nb: *x\n", &values(&[])).unwrap();
        assert_eq!(rendered["b"], json!({"p": 1}));
    }

    #[test]
    fn what_is_missing_is_named_all_at_once() {
        let error = render("t.yaml", "a: ${ONE}\nb: [\"${TWO}\", \"${ONE}\"]\n", &values(&[]));
        assert_eq!(error.unwrap_err().to_string(), "t.yaml: no value for ONE, TWO");
    }

    #[test]
    fn blocks_that_do_not_match_are_refused() {
        for text in ["#if A\n", "#endif\n", "#if A\n#if B\n#endif\n#endif\n"] {
            assert!(matches!(
                render("t", text, &values(&[])).unwrap_err(),
                Error::Unbalanced { .. }
            ));
        }
    }

    #[test]
    fn a_key_given_twice_is_refused() {
        assert!(render("t", "a: 1\na: 2\n", &values(&[])).is_err());
    }
}
