//! Policies and their revisions in the database.

use async_trait::async_trait;
use db::outbox::{self, OutboxEvent};
use db::{Db, Error, Tx};
use kernel::{Fault, PrincipalId, Result, TenantId, Timestamp};
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use crate::application::ports::StoredPolicies;
use crate::domain::StoredPolicy;

pub struct SqlPolicies(pub Db);

/// A revision, with what its policy says of itself.
const SELECT: &str = "SELECT policies.tenant, policies.id, policy_revisions.revision, document, \
     description, reversible, author, policies.created_at, policy_revisions.created_at AS updated_at \
     FROM policies JOIN policy_revisions ON policy_revisions.tenant = policies.tenant \
     AND policy_revisions.id = policies.id WHERE policies.tenant = ";

#[derive(FromRow)]
struct Row {
    tenant: Uuid,
    id: String,
    revision: i64,
    document: String,
    description: String,
    reversible: bool,
    author: Uuid,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl TryFrom<Row> for StoredPolicy {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            tenant: TenantId::from_uuid(row.tenant),
            id: row.id,
            revision: i32::try_from(row.revision).map_err(Fault::internal)?,
            document: row.document,
            description: row.description,
            reversible: row.reversible,
            author: PrincipalId::from_uuid(row.author),
            created: row.created_at,
            updated: row.updated_at,
        })
    }
}

#[async_trait]
impl StoredPolicies for SqlPolicies {
    async fn last(&self, tenant: TenantId, id: &str) -> Result<Option<(i32, bool)>> {
        const LAST: &str = "SELECT revision, deleted FROM policies WHERE tenant = $1 AND id = $2";
        let found: Option<(i64, bool)> = db::sql!(self.0.read(), |c| sqlx::query_as(LAST)
            .bind(tenant.uuid())
            .bind(id)
            .fetch_optional(c)
            .await)
        .map_err(Error::from)?;
        let Some((revision, deleted)) = found else { return Ok(None) };
        Ok(Some((i32::try_from(revision).map_err(Fault::internal)?, deleted)))
    }

    async fn add(&self, policy: &StoredPolicy, first: bool, event: &OutboxEvent) -> Result<bool> {
        db::retry!(async {
            let mut tx = self.0.begin("add_policy_revision").await?;
            let moved = if first && policy.revision == 1 {
                insert_policy(&mut tx, policy).await?
            } else {
                move_policy(&mut tx, policy, first).await?
            };
            if !moved {
                return Ok(false);
            }
            insert_revision(&mut tx, policy).await?;
            outbox::put(&mut tx, std::slice::from_ref(event)).await?;
            tx.commit().await?;
            Ok::<_, Fault>(true)
        })
    }

    async fn find(
        &self,
        tenant: TenantId,
        id: &str,
        revision: Option<i32>,
    ) -> Result<Option<StoredPolicy>> {
        let row: Option<Row> = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new(SELECT);
            sql.push_bind(tenant.uuid()).push(" AND policies.id = ").push_bind(id);
            sql.push(" AND policy_revisions.revision = ");
            match revision {
                Some(revision) => sql.push_bind(i64::from(revision)),
                None => sql.push("policies.revision"),
            };
            sql.build_query_as().fetch_optional(c).await
        })
        .map_err(Error::from)?;
        row.map(StoredPolicy::try_from).transpose()
    }

    async fn list(
        &self,
        tenant: TenantId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<StoredPolicy>> {
        let rows: Vec<Row> = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new(SELECT);
            sql.push_bind(tenant.uuid());
            sql.push(" AND policy_revisions.revision = policies.revision");
            if let Some(after) = after {
                sql.push(" AND policies.id > ").push_bind(after);
            }
            sql.push(" ORDER BY policies.id LIMIT ").push_bind(limit);
            sql.build_query_as().fetch_all(c).await
        })
        .map_err(Error::from)?;
        rows.into_iter().map(StoredPolicy::try_from).collect()
    }

    async fn revisions(
        &self,
        tenant: TenantId,
        id: &str,
        before: Option<i32>,
        limit: i64,
    ) -> Result<Vec<StoredPolicy>> {
        let rows: Vec<Row> = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new(SELECT);
            sql.push_bind(tenant.uuid()).push(" AND policies.id = ").push_bind(id);
            if let Some(before) = before {
                sql.push(" AND policy_revisions.revision < ").push_bind(i64::from(before));
            }
            sql.push(" ORDER BY policy_revisions.revision DESC LIMIT ").push_bind(limit);
            sql.build_query_as().fetch_all(c).await
        })
        .map_err(Error::from)?;
        rows.into_iter().map(StoredPolicy::try_from).collect()
    }

    async fn delete(&self, policy: &StoredPolicy, event: &OutboxEvent) -> Result<bool> {
        const MARK: &str = "UPDATE policies SET deleted = TRUE \
             WHERE tenant = $1 AND id = $2 AND revision = $3 AND deleted = FALSE";
        const FORGET: &str = "DELETE FROM policy_revisions WHERE tenant = $1 AND id = $2";
        db::retry!(async {
            let mut tx = self.0.begin("delete_policy").await?;
            let marked = db::sql!(tx.on(), |c| sqlx::query(MARK)
                .bind(policy.tenant.uuid())
                .bind(&policy.id)
                .bind(i64::from(policy.revision))
                .execute(c)
                .await
                .map(|done| done.rows_affected()))
            .map_err(Error::from)?;
            if marked != 1 {
                return Ok(false);
            }
            db::sql!(tx.on(), |c| sqlx::query(FORGET)
                .bind(policy.tenant.uuid())
                .bind(&policy.id)
                .execute(c)
                .await
                .map(drop))
            .map_err(Error::from)?;
            outbox::put(&mut tx, std::slice::from_ref(event)).await?;
            tx.commit().await?;
            Ok::<_, Fault>(true)
        })
    }
}

/// False: there is one of this name, or has been.
async fn insert_policy(tx: &mut Tx, policy: &StoredPolicy) -> Result<bool> {
    const INSERT: &str = "INSERT INTO policies (tenant, id, revision, deleted, created_at) \
         VALUES ($1, $2, 1, FALSE, $3) ON CONFLICT DO NOTHING";
    let made = db::sql!(tx.on(), |c| sqlx::query(INSERT)
        .bind(policy.tenant.uuid())
        .bind(&policy.id)
        .bind(policy.created)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(Error::from)?;
    Ok(made == 1)
}

/// Moves a policy on by one revision; false if it is not where it was.
async fn move_policy(tx: &mut Tx, policy: &StoredPolicy, deleted: bool) -> Result<bool> {
    const MOVE: &str = "UPDATE policies SET revision = $3, deleted = FALSE, created_at = $4 \
         WHERE tenant = $1 AND id = $2 AND revision = $3 - 1 AND deleted = $5";
    let moved = db::sql!(tx.on(), |c| sqlx::query(MOVE)
        .bind(policy.tenant.uuid())
        .bind(&policy.id)
        .bind(i64::from(policy.revision))
        .bind(policy.created)
        .bind(deleted)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(Error::from)?;
    Ok(moved == 1)
}

async fn insert_revision(tx: &mut Tx, policy: &StoredPolicy) -> Result<()> {
    const INSERT: &str = "INSERT INTO policy_revisions (tenant, id, revision, document, \
         description, reversible, author, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    db::sql!(tx.on(), |c| sqlx::query(INSERT)
        .bind(policy.tenant.uuid())
        .bind(&policy.id)
        .bind(i64::from(policy.revision))
        .bind(&policy.document)
        .bind(&policy.description)
        .bind(policy.reversible)
        .bind(policy.author.uuid())
        .bind(policy.updated)
        .execute(c)
        .await
        .map(drop))
    .map_err(Error::from)?;
    Ok(())
}
