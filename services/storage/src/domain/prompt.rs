//! A prompt and its revisions, without texts.

use cas::Address;
use kernel::{Fault, PrincipalId, PromptId, Result, TenantId, Timestamp};
use proto::common::v1::KeyValue;
use rpc::parse;
use serde::{Deserialize, Serialize};

/// A prompt as one of its revisions shows it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    pub tenant: TenantId,
    pub id: PromptId,
    pub facts: Facts,
    pub revision: i32,
    /// Of the text, in bytes.
    pub size: i64,
    pub created: Timestamp,
    pub updated: Timestamp,
}

impl Prompt {
    pub fn name(&self) -> String {
        format!("prompts/{}", self.id)
    }

    /// Revisions are counted, and a prompt's id is never used again: the number
    /// is all that an etag has to say.
    pub fn etag(&self) -> String {
        format!("r{}", self.revision)
    }

    /// Whether the caller's etag, if any, allows a change.
    pub fn allows(&self, etag: &str) -> Result<()> {
        if etag.is_empty() || etag == self.etag() {
            return Ok(());
        }
        Err(Fault::new(&kernel::common::ETAG_MISMATCH))
    }

    /// The prompt as it was with that revision.
    #[must_use]
    pub fn at(self, revision: &Revision) -> Self {
        Self { revision: revision.number, size: revision.size, updated: revision.created, ..self }
    }
}

/// What a prompt says of itself without its text. Not encrypted.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub display_name: String,
    pub labels: Vec<(String, String)>,
}

impl Facts {
    pub fn check(field: &str, display_name: String, labels: &[KeyValue]) -> Result<Self> {
        let named = format!("{field}.display_name");
        parse::text(&named, &display_name, 0, 100)?;
        printable(&named, &display_name)?;
        let labels = parse::pairs(&format!("{field}.labels"), labels, 16)?;
        for (index, (_, value)) in labels.iter().enumerate() {
            printable(&format!("{field}.labels[{index}].value"), value)?;
        }
        Ok(Self { display_name, labels })
    }

    /// These, where they are set, over the earlier ones.
    #[must_use]
    pub fn over(self, earlier: Self) -> Self {
        Self {
            display_name: if self.display_name.is_empty() {
                earlier.display_name
            } else {
                self.display_name
            },
            labels: if self.labels.is_empty() { earlier.labels } else { self.labels },
        }
    }
}

/// PostgreSQL takes no U+0000, and no honest name has a control character.
fn printable(field: &str, text: &str) -> Result<()> {
    if text.chars().any(char::is_control) {
        return Err(Fault::invalid(field, "must not have control characters"));
    }
    Ok(())
}

/// One text that a prompt has had.
#[derive(Clone)]
pub struct Revision {
    pub number: i32,
    pub author: PrincipalId,
    pub size: i64,
    pub address: Address,
    pub wrapped_key: Vec<u8>,
    pub created: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label(value: &str) -> KeyValue {
        KeyValue { key: "team".into(), value: value.into() }
    }

    #[test]
    fn wrong_facts_are_named() {
        let field = |name: &str, labels: &[KeyValue]| {
            let fault = Facts::check("prompt", name.into(), labels).err().unwrap();
            fault.violations()[0].field.clone()
        };
        assert_eq!(field(&"x".repeat(101), &[]), "prompt.display_name");
        assert_eq!(field("a\0b", &[]), "prompt.display_name");
        assert_eq!(field("", &[label("\n")]), "prompt.labels[0].value");
        assert_eq!(field("", &vec![label("x"); 17]), "prompt.labels");
    }

    #[test]
    fn what_is_not_set_stays() {
        let earlier = Facts::check("p", "a".into(), &[label("x")]).unwrap();
        let named = Facts { display_name: "b".into(), labels: Vec::new() };
        let changed = named.over(earlier.clone());
        assert_eq!((changed.display_name.as_str(), &changed.labels), ("b", &earlier.labels));
        assert!(Facts::default().over(earlier.clone()) == earlier);
    }
}
