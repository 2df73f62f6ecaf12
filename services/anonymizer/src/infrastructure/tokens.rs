//! The vault's tokens in the database.

use async_trait::async_trait;
use db::outbox;
use db::{Db, Error};
use kernel::{Fault, Result, TenantId, Timestamp};
use sqlx::QueryBuilder;
use transform::TokenId;

use crate::application::ports::{StoredTokens, Telling};
use crate::domain::{KeptToken, Lookup, NewToken};

/// Rows of a statement: SQLite binds 32,766 values at most.
const ROWS: usize = 1_000;
/// What has expired gives way to the new row; what has not stays, until the later of both ends.
const MERGE: &str = " ON CONFLICT (tenant, lookup) DO UPDATE SET \
     token = CASE WHEN vault_tokens.expires_at <= excluded.created_at THEN excluded.token ELSE vault_tokens.token END, \
     value = CASE WHEN vault_tokens.expires_at <= excluded.created_at THEN excluded.value ELSE vault_tokens.value END, \
     created_at = CASE WHEN vault_tokens.expires_at <= excluded.created_at THEN excluded.created_at ELSE vault_tokens.created_at END, \
     expires_at = CASE WHEN vault_tokens.expires_at <= excluded.created_at THEN excluded.expires_at \
         WHEN vault_tokens.expires_at IS NULL OR excluded.expires_at IS NULL THEN NULL \
         WHEN vault_tokens.expires_at > excluded.expires_at THEN vault_tokens.expires_at \
         ELSE excluded.expires_at END \
     RETURNING lookup, token";

pub struct SqlTokens(pub Db);

fn fixed<const N: usize>(bytes: Vec<u8>) -> Result<[u8; N]> {
    bytes.try_into().map_err(|_| Fault::internal("a key of a token has another length"))
}

#[async_trait]
impl StoredTokens for SqlTokens {
    async fn keep(
        &self,
        tenant: TenantId,
        rows: &[NewToken],
        now: Timestamp,
    ) -> Result<Vec<(Lookup, TokenId)>> {
        db::retry!(async {
            let mut tx = self.0.begin("keep_tokens").await?;
            let mut kept = Vec::with_capacity(rows.len());
            for some in rows.chunks(ROWS) {
                let found: Vec<(Vec<u8>, Vec<u8>)> = db::sql!(tx.on(), |c| {
                    let mut sql = QueryBuilder::new(
                        "INSERT INTO vault_tokens (tenant, token, lookup, subject, entity, value, created_at, expires_at) ",
                    );
                    sql.push_values(some, |mut row, new| {
                        row.push_bind(tenant.uuid())
                            .push_bind(new.token.as_slice())
                            .push_bind(new.lookup.as_slice())
                            .push_bind(new.subject.as_slice())
                            .push_bind(new.entity.as_str())
                            .push_bind(new.value.as_slice())
                            .push_bind(now)
                            .push_bind(new.expires);
                    });
                    sql.push(MERGE).build_query_as().persistent(false).fetch_all(c).await
                })
                .map_err(Error::from)?;
                for (lookup, token) in found {
                    kept.push((fixed(lookup)?, fixed(token)?));
                }
            }
            tx.commit().await?;
            Ok::<_, Fault>(kept)
        })
    }

    async fn find(
        &self,
        tenant: TenantId,
        ids: &[TokenId],
        now: Timestamp,
    ) -> Result<Vec<KeptToken>> {
        let mut kept = Vec::new();
        for some in ids.chunks(ROWS) {
            let found: Vec<(Vec<u8>, String, Vec<u8>)> = db::sql!(self.0.read(), |c| {
                let mut sql = QueryBuilder::new(
                    "SELECT token, entity, value FROM vault_tokens WHERE tenant = ",
                );
                sql.push_bind(tenant.uuid());
                sql.push(" AND (expires_at IS NULL OR expires_at > ").push_bind(now);
                sql.push(") AND token IN (");
                let mut list = sql.separated(", ");
                for id in some {
                    list.push_bind(id.as_slice());
                }
                sql.push(")").build_query_as().persistent(false).fetch_all(c).await
            })
            .map_err(Error::from)?;
            for (token, entity, value) in found {
                kept.push(KeptToken { token: fixed(token)?, entity, value });
            }
        }
        Ok(kept)
    }

    async fn erase(&self, tenant: TenantId, subject: &Lookup, event: &Telling<'_>) -> Result<u64> {
        const ERASE: &str = "DELETE FROM vault_tokens WHERE tenant = $1 AND subject = $2";
        db::retry!(async {
            let mut tx = self.0.begin("erase_tokens").await?;
            let erased = db::sql!(tx.on(), |c| sqlx::query(ERASE)
                .bind(tenant.uuid())
                .bind(subject.as_slice())
                .execute(c)
                .await
                .map(|done| done.rows_affected()))
            .map_err(Error::from)?;
            outbox::put(&mut tx, &[event(erased)?]).await?;
            tx.commit().await?;
            Ok::<_, Fault>(erased)
        })
    }

    async fn sweep(&self, now: Timestamp, limit: i64) -> Result<u64> {
        const SWEEP: &str = "DELETE FROM vault_tokens WHERE (tenant, token) IN \
             (SELECT tenant, token FROM vault_tokens WHERE expires_at <= $1 LIMIT $2)";
        let swept = db::sql!(self.0.write(), |c| sqlx::query(SWEEP)
            .bind(now)
            .bind(limit)
            .execute(c)
            .await
            .map(|done| done.rows_affected()))
        .map_err(Error::from)?;
        Ok(swept)
    }
}
