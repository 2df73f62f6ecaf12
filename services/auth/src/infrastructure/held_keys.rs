//! The wrapped data keys of signing keys, for the rotation of the KEK. They
//! belong to the mesh's own tenant; of others there are none.

use async_trait::async_trait;
use datakeys::table::{self, Column};
use datakeys::{Counts, Held, Holder, Range, Swap};
use db::{Db, Error};
use kernel::{Fault, Result, TenantId};
use sqlx::{FromRow, QueryBuilder};

use super::data_keys::binding;

pub struct HeldKeys(pub Db);

#[derive(FromRow)]
struct Row {
    kid: String,
    wrapped_key: Vec<u8>,
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
        if tenant != TenantId::SYSTEM {
            return Ok(Vec::new());
        }
        let after = std::str::from_utf8(after).map_err(Fault::internal)?;
        let rows: Vec<Row> = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new("SELECT kid, wrapped_key FROM signing_keys WHERE ");
            sql.push("(wrapped_key < ").push_bind(range.lower.as_slice());
            sql.push(" OR wrapped_key >= ").push_bind(range.upper.as_slice()).push(")");
            sql.push(" AND kid > ").push_bind(after);
            sql.push(" ORDER BY kid LIMIT ").push_bind(limit);
            sql.build_query_as().fetch_all(c).await
        })
        .map_err(Error::from)?;
        let held = |row: Row| {
            let binding = binding(&row.kid);
            Held { row: row.kid.into_bytes(), wrapped: row.wrapped_key, binding }
        };
        Ok(rows.into_iter().map(held).collect())
    }

    async fn swap(&self, _: TenantId, swaps: &[Swap]) -> Result<u64> {
        const SWAP: &str = "UPDATE signing_keys SET wrapped_key = $1 \
             WHERE wrapped_key = $2 AND kid = $3";
        table::swap(&self.0, SWAP, swaps, |row| {
            let kid = std::str::from_utf8(row).map_err(Fault::internal)?;
            Ok(vec![Column::Text(kid.to_owned())])
        })
        .await
    }

    async fn count(&self, tenant: TenantId, range: &Range) -> Result<Counts> {
        const COUNT: &str = "SELECT count(*), \
             count(*) FILTER (WHERE wrapped_key < $1 OR wrapped_key >= $2) \
             FROM signing_keys";
        if tenant != TenantId::SYSTEM {
            return Ok(Counts { remaining: 0, current: 0 });
        }
        table::count(&self.0, COUNT, None, range).await
    }
}
