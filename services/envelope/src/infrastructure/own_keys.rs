//! The data keys of private halves, of keys and of keys for imports, by the KEK version that wraps them.

use async_trait::async_trait;
use db::{Db, Error, Tx};
use kernel::{Fault, Result, TenantId};
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use crate::application::ports::{OwnId, OwnKey, OwnKeys};
use crate::domain::Range;

/// How the names of keys for imports begin; what locks them is bound to version 0.
const IMPORT: &str = "import-";

pub struct SqlOwnKeys(pub Db);

#[derive(FromRow)]
struct Row {
    key_id: String,
    version: i64,
    data_key: Vec<u8>,
}

#[async_trait]
impl OwnKeys for SqlOwnKeys {
    async fn page(
        &self,
        tenant: TenantId,
        range: &Range,
        after: Option<&OwnId>,
        limit: i64,
    ) -> Result<Vec<OwnKey>> {
        // Versions first, then keys for imports.
        let import = after.map(import_of).transpose()?.flatten();
        if import.is_none() {
            let versions = self.versions(tenant, range, after, limit).await?;
            if !versions.is_empty() {
                return Ok(versions);
            }
        }
        self.imports(tenant, range, import.unwrap_or_default(), limit).await
    }

    async fn swap(&self, tenant: TenantId, swaps: &[(OwnKey, Vec<u8>)]) -> Result<i64> {
        db::retry!(async {
            let mut tx = self.0.begin("swap_private_halves_keys").await?;
            let mut swapped = 0;
            for (own, new) in swaps {
                swapped += match import_of(&own.id)? {
                    Some(id) => swap_import(&mut tx, tenant, id, (&own.wrapped, new)).await?,
                    None => swap_version(&mut tx, tenant, own, new).await?,
                };
            }
            tx.commit().await?;
            i64::try_from(swapped).map_err(Fault::internal)
        })
    }

    async fn by_prefix(&self, tenant: TenantId) -> Result<Vec<(Vec<u8>, i64)>> {
        const BY_PREFIX: &str = "SELECT substr(data_key, 1, 6) AS prefix, count(*) \
             FROM key_versions WHERE tenant = $1 AND data_key IS NOT NULL GROUP BY prefix";
        let found = db::sql!(self.0.read(), |c| sqlx::query_as(BY_PREFIX)
            .bind(tenant.uuid())
            .fetch_all(c)
            .await)
        .map_err(Error::from)?;
        Ok(found)
    }

    async fn count(&self, tenant: TenantId, range: &Range) -> Result<(i64, i64)> {
        const ALL: &str = "SELECT (SELECT count(data_key) FROM key_versions WHERE tenant = $1) \
             + (SELECT count(*) FROM import_keys WHERE tenant = $1)";
        let mut tx = self.0.begin("count_private_halves").await?;
        let left = outside(&mut tx, tenant, range).await?;
        let all: i64 =
            db::sql!(tx.on(), |c| sqlx::query_scalar(ALL).bind(tenant.uuid()).fetch_one(c).await)
                .map_err(Error::from)?;
        Ok((left, all - left))
    }
}

impl SqlOwnKeys {
    async fn versions(
        &self,
        tenant: TenantId,
        range: &Range,
        after: Option<&OwnId>,
        limit: i64,
    ) -> Result<Vec<OwnKey>> {
        let rows: Vec<Row> = db::sql!(self.0.read(), |c| {
            let mut sql =
                QueryBuilder::new("SELECT key_id, version, data_key FROM key_versions WHERE ");
            sql.push("tenant = ").push_bind(tenant.uuid());
            sql.push(" AND (data_key < ").push_bind(range.lower.as_slice());
            sql.push(" OR data_key >= ").push_bind(range.upper.as_slice()).push(")");
            if let Some((id, version)) = after {
                sql.push(" AND (key_id, version) > (").push_bind(id.as_str());
                sql.push(", ").push_bind(i64::from(*version)).push(")");
            }
            sql.push(" ORDER BY key_id, version LIMIT ").push_bind(limit);
            sql.build_query_as().fetch_all(c).await
        })
        .map_err(Error::from)?;
        let own = |row: Row| {
            let id = row.key_id.parse().map_err(|_| Fault::internal("not a key's id"))?;
            let version = i32::try_from(row.version).map_err(Fault::internal)?;
            Ok(OwnKey { id: (id, version), wrapped: row.data_key })
        };
        rows.into_iter().map(own).collect()
    }

    async fn imports(
        &self,
        tenant: TenantId,
        range: &Range,
        after: Uuid,
        limit: i64,
    ) -> Result<Vec<OwnKey>> {
        const IMPORTS: &str = "SELECT id, data_key FROM import_keys WHERE tenant = $1 \
             AND (data_key < $2 OR data_key >= $3) AND id > $4 ORDER BY id LIMIT $5";
        let rows: Vec<(Uuid, Vec<u8>)> = db::sql!(self.0.read(), |c| sqlx::query_as(IMPORTS)
            .bind(tenant.uuid())
            .bind(range.lower.as_slice())
            .bind(range.upper.as_slice())
            .bind(after)
            .bind(limit)
            .fetch_all(c)
            .await)
        .map_err(Error::from)?;
        let own = |(id, wrapped): (Uuid, Vec<u8>)| {
            let name = format!("{IMPORT}{id}").parse();
            let name = name.map_err(|_| Fault::internal("not a key's id"))?;
            Ok(OwnKey { id: (name, 0), wrapped })
        };
        rows.into_iter().map(own).collect()
    }
}

/// Which key for imports it is; None for a version of a key. Versions begin at 1.
fn import_of((name, version): &OwnId) -> Result<Option<Uuid>> {
    if *version != 0 {
        return Ok(None);
    }
    let id = name.as_str().strip_prefix(IMPORT).and_then(|id| Uuid::try_parse(id).ok());
    id.map(Some).ok_or_else(|| Fault::internal("not the name of a key for imports"))
}

async fn swap_version(tx: &mut Tx, tenant: TenantId, own: &OwnKey, new: &[u8]) -> Result<u64> {
    const SWAP: &str = "UPDATE key_versions SET data_key = $5 \
         WHERE tenant = $1 AND key_id = $2 AND version = $3 AND data_key = $4";
    let swapped = db::sql!(tx.on(), |c| sqlx::query(SWAP)
        .bind(tenant.uuid())
        .bind(own.id.0.as_str())
        .bind(i64::from(own.id.1))
        .bind(own.wrapped.as_slice())
        .bind(new)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(Error::from)?;
    Ok(swapped)
}

async fn swap_import(
    tx: &mut Tx,
    tenant: TenantId,
    id: Uuid,
    (old, new): (&[u8], &[u8]),
) -> Result<u64> {
    const SWAP: &str = "UPDATE import_keys SET data_key = $4 \
         WHERE tenant = $1 AND id = $2 AND data_key = $3";
    let swapped = db::sql!(tx.on(), |c| sqlx::query(SWAP)
        .bind(tenant.uuid())
        .bind(id)
        .bind(old)
        .bind(new)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(Error::from)?;
    Ok(swapped)
}

/// How many are to be rewrapped. A version without a private half has no data
/// key, and NULL is neither below nor above anything.
pub(super) async fn outside(tx: &mut Tx, tenant: TenantId, range: &Range) -> Result<i64> {
    const OUTSIDE: &str = "SELECT (SELECT count(*) FROM key_versions \
         WHERE tenant = $1 AND (data_key < $2 OR data_key >= $3)) + \
         (SELECT count(*) FROM import_keys \
         WHERE tenant = $1 AND (data_key < $2 OR data_key >= $3))";
    let count = db::sql!(tx.on(), |c| sqlx::query_scalar(OUTSIDE)
        .bind(tenant.uuid())
        .bind(range.lower.as_slice())
        .bind(range.upper.as_slice())
        .fetch_one(c)
        .await)
    .map_err(Error::from)?;
    Ok(count)
}
