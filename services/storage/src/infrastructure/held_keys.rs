//! The wrapped data keys of revisions, for the rotation of the KEK.

use async_trait::async_trait;
use cas::Address;
use datakeys::table::{self, Column};
use datakeys::{Counts, Held, Holder, Range, Swap};
use db::{Db, Error};
use kernel::{Fault, PromptId, Result, TenantId};
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use super::data_keys::binding;
use crate::domain::Place;

pub struct HeldKeys(pub Db);

#[derive(FromRow)]
struct Row {
    prompt: Uuid,
    revision: i64,
    wrapped_key: Vec<u8>,
}

/// Prompt and revision, in the order of the primary key.
fn row_of(prompt: Uuid, revision: i64) -> Vec<u8> {
    [prompt.as_bytes().as_slice(), &revision.to_be_bytes()].concat()
}

fn parse(row: &[u8]) -> Result<(Uuid, i64)> {
    let parts = row.split_first_chunk::<16>().and_then(|(prompt, revision)| {
        Some((Uuid::from_bytes(*prompt), i64::from_be_bytes(revision.try_into().ok()?)))
    });
    parts.ok_or_else(|| Fault::internal("not the name of a revision"))
}

#[async_trait]
impl Holder for HeldKeys {
    async fn page(
        &self,
        tenant: TenantId,
        range: &Range,
        after: &[u8],
        limit: i64,
    ) -> Result<Vec<Held>> {
        let after = if after.is_empty() { None } else { Some(parse(after)?) };
        let rows: Vec<Row> = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new("SELECT prompt, revisions.revision, wrapped_key ");
            sql.push("FROM revisions JOIN prompts ON prompts.id = prompt WHERE tenant = ");
            sql.push_bind(tenant.uuid());
            sql.push(" AND (wrapped_key < ").push_bind(range.lower.as_slice());
            sql.push(" OR wrapped_key >= ").push_bind(range.upper.as_slice()).push(")");
            if let Some((prompt, revision)) = after {
                sql.push(" AND (prompt, revisions.revision) > (").push_bind(prompt);
                sql.push(", ").push_bind(revision).push(")");
            }
            sql.push(" ORDER BY prompt, revisions.revision LIMIT ").push_bind(limit);
            sql.build_query_as().fetch_all(c).await
        })
        .map_err(Error::from)?;
        let held = |row: Row| {
            let place = Place {
                tenant,
                prompt: PromptId::from_uuid(row.prompt),
                revision: i32::try_from(row.revision).map_err(Fault::internal)?,
                // Not a part of what a data key is bound to.
                address: Address::from_bytes([0; 32]),
            };
            let name = row_of(row.prompt, row.revision);
            Ok(Held { row: name, wrapped: row.wrapped_key, binding: binding(&place) })
        };
        rows.into_iter().map(held).collect()
    }

    async fn swap(&self, _: TenantId, swaps: &[Swap]) -> Result<u64> {
        const SWAP: &str = "UPDATE revisions SET wrapped_key = $1 \
             WHERE wrapped_key = $2 AND prompt = $3 AND revision = $4";
        table::swap(&self.0, SWAP, swaps, |row| {
            let (prompt, revision) = parse(row)?;
            Ok(vec![Column::Uuid(prompt), Column::Number(revision)])
        })
        .await
    }

    async fn count(&self, tenant: TenantId, range: &Range) -> Result<Counts> {
        const COUNT: &str = "SELECT count(*), \
             count(*) FILTER (WHERE wrapped_key < $1 OR wrapped_key >= $2) \
             FROM revisions JOIN prompts ON prompts.id = prompt WHERE tenant = $3";
        table::count(&self.0, COUNT, Some(tenant), range).await
    }
}
