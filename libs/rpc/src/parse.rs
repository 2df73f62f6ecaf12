//! Turns fields of messages into domain types, or into a fault that names the
//! field. Handlers use these instead of checking by hand.

use std::fmt::Display;
use std::str::FromStr;

use kernel::{Fault, Result};
use uuid::Uuid;

/// `prompts/{uuid}` and the like.
pub fn resource<T: FromStr>(field: &str, collection: &str, value: &str) -> Result<T> {
    value
        .strip_prefix(collection)
        .and_then(|rest| rest.strip_prefix('/'))
        .and_then(|id| id.parse().ok())
        .ok_or_else(|| Fault::invalid(field, format!("must be {collection}/{{id}}")))
}

/// A message field that must be there.
pub fn required<T>(field: &str, value: Option<T>) -> Result<T> {
    value.ok_or_else(|| Fault::invalid(field, "is required"))
}

/// An optional `request_id`.
pub fn request_id(value: &str) -> Result<Option<Uuid>> {
    if value.is_empty() {
        return Ok(None);
    }
    Uuid::try_parse(value).map(Some).map_err(|_| Fault::invalid("request_id", "must be a UUID"))
}

/// Text of a length in characters.
pub fn text(field: &str, value: &str, least: usize, most: usize) -> Result<()> {
    // A character has at least one byte: the cheap bound spares counting a huge text.
    let fits =
        value.len() <= most.saturating_mul(4) && (least..=most).contains(&value.chars().count());
    if fits {
        Ok(())
    } else {
        Err(Fault::invalid(field, format!("must have {least} to {most} characters")))
    }
}

/// A number, or bytes, or items within bounds.
pub fn within<T: PartialOrd + Display>(
    field: &str,
    value: T,
    least: T,
    most: T,
    unit: &str,
) -> Result<T> {
    if value >= least && value <= most {
        return Ok(value);
    }
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    Err(Fault::invalid(field, format!("must be {least} to {most}{unit}")))
}

/// Labels and other pairs: few, short, each key once.
pub fn pairs(
    field: &str,
    pairs: &[proto::common::v1::KeyValue],
    most: usize,
) -> Result<Vec<(String, String)>> {
    within(field, pairs.len(), 0, most, "pairs")?;
    let mut found: Vec<(String, String)> = Vec::with_capacity(pairs.len());
    for (index, pair) in pairs.iter().enumerate() {
        let legal =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
        if pair.key.is_empty() || pair.key.len() > 63 || !pair.key.bytes().all(legal) {
            return Err(Fault::invalid(
                format!("{field}[{index}].key"),
                "must be 1 to 63 characters of a-z0-9_.-",
            ));
        }
        if found.iter().any(|(key, _)| *key == pair.key) {
            return Err(Fault::invalid(format!("{field}[{index}].key"), "is there twice"));
        }
        within(&format!("{field}[{index}].value"), pair.value.len(), 0, 256, "bytes")?;
        found.push((pair.key.clone(), pair.value.clone()));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use kernel::PromptId;

    use super::*;

    #[test]
    fn resource_names_are_strict() {
        let id = PromptId::new();
        assert_eq!(resource::<PromptId>("name", "prompts", &format!("prompts/{id}")).unwrap(), id);
        for wrong in [
            "",
            "prompts",
            "prompts/",
            "prompts/x",
            "keys/",
            &format!("keys/{id}"),
            &format!("prompts/{id}/x"),
        ] {
            let fault = resource::<PromptId>("name", "prompts", wrong).unwrap_err();
            assert_eq!(fault.violations()[0].field, "name", "{wrong}");
        }
    }

    #[test]
    fn texts_are_counted_in_characters() {
        assert!(text("t", "äöü", 1, 3).is_ok());
        assert!(text("t", "äöüß", 1, 3).is_err());
        assert!(text("t", "", 1, 3).is_err());
    }

    #[test]
    fn a_pair_that_is_wrong_is_named() {
        let pair = |key: &str| proto::common::v1::KeyValue { key: key.into(), value: "v".into() };
        let fault = pairs("labels", &[pair("ok"), pair("Not ok")], 16).unwrap_err();
        assert_eq!(fault.violations()[0].field, "labels[1].key");
        assert!(pairs("labels", &[pair("a"), pair("a")], 16).is_err());
        assert!(pairs("labels", &[pair("a"), pair("b")], 1).is_err());
    }
}
