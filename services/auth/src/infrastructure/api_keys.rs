//! API keys in the database.

use async_trait::async_trait;
use db::{Db, Error, Tx, outbox, sql};
use events::Draft;
use kernel::{ApiKeyId, Fault, PrincipalId, Result, TenantId, Timestamp};
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use super::accounts::roles_of;
use super::once;
use crate::application::ports::{ApiKeys, Once, Presented};
use crate::domain::{ApiKey, SecretHash};

pub struct SqlApiKeys(pub Db);

#[derive(FromRow)]
struct Row {
    id: Uuid,
    tenant: Uuid,
    owner: Uuid,
    display_name: String,
    hint: String,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

#[derive(FromRow)]
struct PresentedRow {
    #[sqlx(flatten)]
    key: Row,
    roles: String,
}

impl From<Row> for ApiKey {
    fn from(row: Row) -> Self {
        Self {
            id: ApiKeyId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant),
            owner: PrincipalId::from_uuid(row.owner),
            display_name: row.display_name,
            hint: row.hint,
            created: row.created_at,
            expires: row.expires_at,
            revoked: row.revoked_at,
        }
    }
}

const SELECT: &str = "SELECT id, tenant, owner, display_name, hint, created_at, expires_at, revoked_at \
     FROM api_keys WHERE tenant = ";

#[async_trait]
impl ApiKeys for SqlApiKeys {
    async fn create(
        &self,
        key: &ApiKey,
        hash: &SecretHash,
        once: Option<&Once>,
        event: Draft,
    ) -> Result<(ApiKey, bool)> {
        let event = [event.finish(key.created)?];
        db::retry!(async {
            let mut tx = self.0.begin("create_api_key").await?;
            if let Some(id) = once::made_before(&mut tx, once, key.created).await? {
                let before = find(&mut tx, key.tenant, None, id).await?;
                let before = before.ok_or_else(|| Fault::internal("an API key has vanished"))?;
                return Ok((before, false));
            }
            insert(&mut tx, key, hash).await?;
            once::made(&mut tx, once, key.id.uuid()).await?;
            outbox::put(&mut tx, &event).await?;
            tx.commit().await?;
            Ok::<_, Fault>((key.clone(), true))
        })
    }

    async fn list(
        &self,
        tenant: TenantId,
        owner: Option<PrincipalId>,
        before: Option<ApiKeyId>,
        limit: i64,
    ) -> Result<Vec<ApiKey>> {
        let rows: Vec<Row> = sql!(self.0.read(), |c| {
            let mut query = QueryBuilder::new(SELECT);
            query.push_bind(tenant.uuid());
            if let Some(owner) = owner {
                query.push(" AND owner = ").push_bind(owner.uuid());
            }
            if let Some(before) = before {
                query.push(" AND id < ").push_bind(before.uuid());
            }
            // Ids are UUIDv7: their order is that of creation.
            query.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
            query.build_query_as().persistent(false).fetch_all(c).await
        })
        .map_err(Error::from)?;
        Ok(rows.into_iter().map(ApiKey::from).collect())
    }

    async fn revoke(
        &self,
        tenant: TenantId,
        owner: Option<PrincipalId>,
        id: ApiKeyId,
        event: Draft,
        now: Timestamp,
    ) -> Result<Option<(ApiKey, SecretHash)>> {
        const REVOKE: &str = "UPDATE api_keys SET revoked_at = $3 \
             WHERE tenant = $1 AND id = $2 AND revoked_at IS NULL";
        let event = [event.finish(now)?];
        db::retry!(async {
            let mut tx = self.0.begin("revoke_api_key").await?;
            let Some(key) = find(&mut tx, tenant, owner, id.uuid()).await? else {
                return Ok(None);
            };
            let hash = hash_of(&mut tx, tenant, id.uuid()).await?;
            let revoked = sql!(tx.on(), |c| sqlx::query(REVOKE)
                .bind(tenant.uuid())
                .bind(id.uuid())
                .bind(now)
                .execute(c)
                .await
                .map(|done| done.rows_affected()))
            .map_err(Error::from)?;
            if revoked == 0 {
                return Ok(Some((key, hash)));
            }
            outbox::put(&mut tx, &event).await?;
            tx.commit().await?;
            Ok::<_, Fault>(Some((ApiKey { revoked: Some(now), ..key }, hash)))
        })
    }

    async fn by_hash(&self, hash: &SecretHash) -> Result<Option<Presented>> {
        const FIND: &str = "SELECT api_keys.id, api_keys.tenant, api_keys.owner, api_keys.display_name, \
             api_keys.hint, api_keys.created_at, api_keys.expires_at, api_keys.revoked_at, users.roles \
             FROM api_keys JOIN users ON users.id = api_keys.owner AND users.tenant = api_keys.tenant \
             WHERE api_keys.secret_hash = $1";
        let row: Option<PresentedRow> = sql!(self.0.read(), |c| sqlx::query_as(FIND)
            .bind(hash.as_slice())
            .fetch_optional(c)
            .await)
        .map_err(Error::from)?;
        row.map(|row| Ok(Presented { key: row.key.into(), roles: roles_of(&row.roles)? }))
            .transpose()
    }
}

async fn insert(tx: &mut Tx, key: &ApiKey, hash: &SecretHash) -> Result<()> {
    const INSERT: &str = "INSERT INTO api_keys \
         (id, tenant, owner, display_name, hint, secret_hash, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    sql!(tx.on(), |c| sqlx::query(INSERT)
        .bind(key.id.uuid())
        .bind(key.tenant.uuid())
        .bind(key.owner.uuid())
        .bind(key.display_name.as_str())
        .bind(key.hint.as_str())
        .bind(hash.as_slice())
        .bind(key.created)
        .bind(key.expires)
        .execute(c)
        .await
        .map(drop))
    .map_err(Error::from)?;
    Ok(())
}

async fn hash_of(tx: &mut Tx, tenant: TenantId, id: Uuid) -> Result<SecretHash> {
    const HASH: &str = "SELECT secret_hash FROM api_keys WHERE tenant = $1 AND id = $2";
    let hash: Vec<u8> =
        sql!(tx.on(), |c| sqlx::query_scalar(HASH).bind(tenant.uuid()).bind(id).fetch_one(c).await)
            .map_err(Error::from)?;
    SecretHash::try_from(hash).map_err(|_| Fault::internal("a stored hash is not one"))
}

async fn find(
    tx: &mut Tx,
    tenant: TenantId,
    owner: Option<PrincipalId>,
    id: Uuid,
) -> Result<Option<ApiKey>> {
    let row: Option<Row> = sql!(tx.on(), |c| {
        let mut query = QueryBuilder::new(SELECT);
        query.push_bind(tenant.uuid()).push(" AND id = ").push_bind(id);
        if let Some(owner) = owner {
            query.push(" AND owner = ").push_bind(owner.uuid());
        }
        query.build_query_as().persistent(false).fetch_optional(c).await
    })
    .map_err(Error::from)?;
    Ok(row.map(ApiKey::from))
}
