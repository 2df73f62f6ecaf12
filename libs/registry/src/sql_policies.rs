//! Policies and their revisions in the database.

use async_trait::async_trait;
use db::outbox::{self, OutboxEvent};
use db::revisions::{Head, Revised};
use db::{Db, Error, Tx};
use kernel::{Fault, PrincipalId, Result, TenantId, Timestamp};
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use crate::StoredPolicy;
use crate::ports::StoredPolicies;

pub struct SqlPolicies(pub Db);

const TABLES: Revised = Revised { heads: "policies", revisions: "policy_revisions" };

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
        TABLES.last(&self.0, tenant, id).await
    }

    async fn add(&self, policy: &StoredPolicy, first: bool, event: &OutboxEvent) -> Result<bool> {
        db::retry!(async {
            let mut tx = self.0.begin("add_policy_revision").await?;
            if !TABLES.advance(&mut tx, &head(policy), first).await? {
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
        db::retry!(async {
            let mut tx = self.0.begin("delete_policy").await?;
            if !TABLES.delete(&mut tx, &head(policy)).await? {
                return Ok(false);
            }
            outbox::put(&mut tx, std::slice::from_ref(event)).await?;
            tx.commit().await?;
            Ok::<_, Fault>(true)
        })
    }
}

fn head(policy: &StoredPolicy) -> Head<'_> {
    let StoredPolicy { tenant, id, revision, created, .. } = policy;
    Head { tenant: *tenant, id, revision: *revision, created: *created }
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
