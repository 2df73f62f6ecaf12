//! A tenant's policy as one of its revisions shows it.

use kernel::{Fault, PrincipalId, Result, TenantId, Timestamp};

const COLLECTION: &str = "policies/";
/// As `transform` has it.
const LONGEST_ID: usize = 64;

/// A document, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPolicy {
    pub tenant: TenantId,
    pub id: String,
    pub revision: i32,
    pub document: String,
    pub description: String,
    pub reversible: bool,
    pub author: PrincipalId,
    /// Of the policy.
    pub created: Timestamp,
    /// Of the revision.
    pub updated: Timestamp,
}

impl StoredPolicy {
    /// Revisions are counted, and a number is never used again: it is all that an etag has to say.
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
}

/// `policies/{id}`, or `policies/{id}@{revision}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyName {
    pub id: String,
    /// None: the newest.
    pub revision: Option<i32>,
}

impl PolicyName {
    pub fn parse(field: &str, name: &str) -> Result<Self> {
        Self::of(COLLECTION, field, name)
    }

    /// The same for another collection than that of policies.
    pub fn of(collection: &str, field: &str, name: &str) -> Result<Self> {
        let why = || format!("must be {collection}{{id}} or {collection}{{id}}@{{revision}}");
        let wrong = || Fault::invalid(field, why());
        let rest = name.strip_prefix(collection).ok_or_else(wrong)?;
        let (id, revision) = match rest.split_once('@') {
            None => (rest, None),
            Some((id, revision)) => {
                let number = revision.parse().ok().filter(|number| *number > 0);
                (id, Some(number.ok_or_else(wrong)?))
            }
        };
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=LONGEST_ID).contains(&id.len()) || !id.bytes().all(legal) {
            return Err(wrong());
        }
        Ok(Self { id: id.to_owned(), revision })
    }

    /// A name without a revision.
    pub fn unpinned(field: &str, name: &str) -> Result<String> {
        match Self::parse(field, name)? {
            Self { id, revision: None } => Ok(id),
            _ => Err(Fault::invalid(field, "must be policies/{id}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_strict() {
        let name = |id: &str, revision| PolicyName { id: id.to_owned(), revision };
        assert_eq!(PolicyName::parse("name", "policies/a-1").unwrap(), name("a-1", None));
        assert_eq!(PolicyName::parse("name", "policies/a@12").unwrap(), name("a", Some(12)));
        assert!(PolicyName::unpinned("name", "policies/a@12").is_err());
        let long = format!("policies/{}", "a".repeat(65));
        for wrong in [
            "",
            "a",
            "policies/",
            "policies/A",
            "policies/a@",
            "policies/a@0",
            "policies/a@-1",
            "policies/a@x",
            "policies/a@1@2",
            "policies/a/b",
            "policies/a@99999999999",
            &long,
        ] {
            let fault = PolicyName::parse("name", wrong).unwrap_err();
            assert_eq!(fault.violations()[0].field, "name", "{wrong}");
        }
    }
}
