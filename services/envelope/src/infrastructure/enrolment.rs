//! Challenges and import keys: both live for a short while.

use async_trait::async_trait;
use db::{Db, Error, Tx};
use kernel::{Fault, PrincipalId, Result, TenantId, Timestamp};
use uuid::Uuid;

use crate::application::ports::{Answer, Enrolment, ImportHalf};
use crate::domain::SealedHalf;

pub struct SqlEnrolment(pub Db);

#[async_trait]
impl Enrolment for SqlEnrolment {
    async fn challenge(&self, tenant: TenantId, due: &Answer, until: Timestamp) -> Result<()> {
        // A new one takes the place of one that was not answered.
        const PUT: &str = "INSERT INTO key_challenges (tenant, principal, kid, answer, expires_at) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant, principal, kid) \
             DO UPDATE SET answer = excluded.answer, expires_at = excluded.expires_at";
        db::sql!(self.0.write(), |c| sqlx::query(PUT)
            .bind(tenant.uuid())
            .bind(due.user.uuid())
            .bind(due.kid.as_str())
            .bind(due.digest.as_slice())
            .bind(until)
            .execute(c)
            .await
            .map(drop))
        .map_err(Error::from)?;
        Ok(())
    }

    async fn add_import_key(
        &self,
        tenant: TenantId,
        user: PrincipalId,
        half: &ImportHalf,
    ) -> Result<()> {
        const ADD: &str = "INSERT INTO import_keys (tenant, id, principal, algorithm, \
             private_half, data_key, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
        db::sql!(self.0.write(), |c| sqlx::query(ADD)
            .bind(tenant.uuid())
            .bind(half.id)
            .bind(user.uuid())
            .bind(half.algorithm.as_str())
            .bind(half.private.sealed.as_slice())
            .bind(half.private.data_key.as_slice())
            .bind(half.expires_at)
            .execute(c)
            .await
            .map(drop))
        .map_err(Error::from)?;
        Ok(())
    }

    async fn import_key(
        &self,
        tenant: TenantId,
        user: PrincipalId,
        id: Uuid,
    ) -> Result<Option<ImportHalf>> {
        const FIND: &str = "SELECT algorithm, private_half, data_key, expires_at FROM import_keys \
             WHERE tenant = $1 AND id = $2 AND principal = $3";
        let row: Option<(String, Vec<u8>, Vec<u8>, Timestamp)> =
            db::sql!(self.0.read(), |c| sqlx::query_as(FIND)
                .bind(tenant.uuid())
                .bind(id)
                .bind(user.uuid())
                .fetch_optional(c)
                .await)
            .map_err(Error::from)?;
        let Some((algorithm, sealed, data_key, expires_at)) = row else { return Ok(None) };
        let algorithm = algorithm
            .parse()
            .map_err(|_| Fault::internal("import_keys.algorithm holds no algorithm"))?;
        let private = SealedHalf { data_key, sealed };
        Ok(Some(ImportHalf { id, algorithm, private, expires_at }))
    }

    async fn purge(&self, before: Timestamp) -> Result<()> {
        const CHALLENGES: &str = "DELETE FROM key_challenges WHERE expires_at < $1";
        const IMPORT_KEYS: &str = "DELETE FROM import_keys WHERE expires_at < $1";
        for statement in [CHALLENGES, IMPORT_KEYS] {
            db::sql!(self.0.write(), |c| sqlx::query(statement)
                .bind(before)
                .execute(c)
                .await
                .map(drop))
            .map_err(Error::from)?;
        }
        Ok(())
    }
}

/// Uses a challenge up. False if there is none with this answer, or not any more.
pub(super) async fn consume(
    tx: &mut Tx,
    tenant: TenantId,
    answer: &Answer,
    now: Timestamp,
) -> Result<bool> {
    const CONSUME: &str = "DELETE FROM key_challenges WHERE tenant = $1 AND principal = $2 \
         AND kid = $3 AND answer = $4 AND expires_at > $5";
    let found = db::sql!(tx.on(), |c| sqlx::query(CONSUME)
        .bind(tenant.uuid())
        .bind(answer.user.uuid())
        .bind(answer.kid.as_str())
        .bind(answer.digest.as_slice())
        .bind(now)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(Error::from)?;
    Ok(found == 1)
}
