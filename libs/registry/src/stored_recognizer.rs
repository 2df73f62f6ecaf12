//! Tenants' recognizers as they are stored.

use kernel::{Fault, PrincipalId, Result, TenantId, Timestamp};

use crate::PolicyName;

const COLLECTION: &str = "recognizers/";

/// What is known of a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRecognizer {
    pub tenant: TenantId,
    pub id: String,
    pub revision: i32,
    pub entity: String,
    pub always_on: bool,
    pub entry_count: i64,
    pub author: PrincipalId,
    /// Of the recognizer.
    pub created: Timestamp,
    /// Of the revision.
    pub updated: Timestamp,
}

/// What it holds, encrypted.
#[derive(Clone)]
pub struct SealedRecognizer {
    pub document: Vec<u8>,
    pub entries: Option<Vec<u8>>,
}

impl StoredRecognizer {
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

    /// What its values are bound to.
    pub fn row(&self) -> String {
        format!("{}@{}", self.id, self.revision)
    }
}

/// The id and revision that a field names.
pub fn recognizer_name(field: &str, name: &str) -> Result<(String, Option<i32>)> {
    let PolicyName { id, revision } = PolicyName::of(COLLECTION, field, name)?;
    Ok((id, revision))
}

/// A name without a revision.
pub fn recognizer_id(field: &str, name: &str) -> Result<String> {
    match recognizer_name(field, name)? {
        (id, None) => Ok(id),
        _ => Err(Fault::invalid(field, "must be recognizers/{id}")),
    }
}
