//! Rows as the database gives them.

use cas::Address;
use kernel::{Fault, PrincipalId, PromptId, Result, TenantId, Timestamp};
use sqlx::FromRow;
use sqlx::types::Json;
use uuid::Uuid;

use crate::domain::{Facts, Prompt, Revision};

pub(super) const PROMPT: &str = "prompts.id, tenant, display_name, labels, prompts.revision, prompts.size_bytes, \
     prompts.created_at, updated_at";

#[derive(FromRow)]
pub(super) struct PromptRow {
    id: Uuid,
    tenant: Uuid,
    display_name: String,
    labels: Json<Vec<(String, String)>>,
    revision: i64,
    size_bytes: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<PromptRow> for Prompt {
    type Error = Fault;

    fn try_from(row: PromptRow) -> Result<Self> {
        Ok(Self {
            tenant: TenantId::from_uuid(row.tenant),
            id: PromptId::from_uuid(row.id),
            facts: Facts { display_name: row.display_name, labels: row.labels.0 },
            revision: number(row.revision)?,
            size: row.size_bytes,
            created: row.created_at,
            updated: row.updated_at,
        })
    }
}

pub(super) const REVISION: &str =
    "revisions.revision, author, revisions.size_bytes, address, wrapped_key, revisions.created_at";

#[derive(FromRow)]
pub(super) struct RevisionRow {
    revision: i64,
    author: Uuid,
    size_bytes: i64,
    address: Vec<u8>,
    wrapped_key: Vec<u8>,
    created_at: Timestamp,
}

impl TryFrom<RevisionRow> for Revision {
    type Error = Fault;

    fn try_from(row: RevisionRow) -> Result<Self> {
        Ok(Self {
            number: number(row.revision)?,
            author: PrincipalId::from_uuid(row.author),
            size: row.size_bytes,
            address: address(&row.address)?,
            wrapped_key: row.wrapped_key,
            created: row.created_at,
        })
    }
}

fn number(revision: i64) -> Result<i32> {
    i32::try_from(revision).map_err(Fault::internal)
}

pub(super) fn address(bytes: &[u8]) -> Result<Address> {
    let bytes = <[u8; 32]>::try_from(bytes).map_err(Fault::internal)?;
    Ok(Address::from_bytes(bytes))
}
