//! Recognizers and their revisions in the database.

use async_trait::async_trait;
use db::outbox::{self, OutboxEvent};
use db::revisions::{Head, Revised};
use db::{Db, Error, Tx};
use kernel::{Fault, PrincipalId, Result, TenantId, Timestamp};
use sqlx::{FromRow, QueryBuilder};
use uuid::Uuid;

use crate::ports::StoredRecognizers;
use crate::{SealedRecognizer, StoredRecognizer};

pub struct SqlRecognizers(pub Db);

const TABLES: Revised = Revised { heads: "recognizers", revisions: "recognizer_revisions" };

const KNOWN: &str = "SELECT heads.tenant, heads.id, revisions.revision, entity, always_on, \
     entry_count, author, heads.created_at, revisions.created_at AS updated_at";
const WITH_VALUES: &str = ", document, entries";
const FROM: &str = " FROM recognizers heads JOIN recognizer_revisions revisions \
     ON revisions.tenant = heads.tenant AND revisions.id = heads.id WHERE heads.tenant = ";

#[derive(FromRow)]
struct Row {
    tenant: Uuid,
    id: String,
    revision: i64,
    entity: String,
    always_on: bool,
    entry_count: i64,
    author: Uuid,
    created_at: Timestamp,
    updated_at: Timestamp,
}

#[derive(FromRow)]
struct Whole {
    #[sqlx(flatten)]
    row: Row,
    document: Vec<u8>,
    entries: Option<Vec<u8>>,
}

impl TryFrom<Row> for StoredRecognizer {
    type Error = Fault;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            tenant: TenantId::from_uuid(row.tenant),
            id: row.id,
            revision: i32::try_from(row.revision).map_err(Fault::internal)?,
            entity: row.entity,
            always_on: row.always_on,
            entry_count: row.entry_count,
            author: PrincipalId::from_uuid(row.author),
            created: row.created_at,
            updated: row.updated_at,
        })
    }
}

#[async_trait]
impl StoredRecognizers for SqlRecognizers {
    async fn last(&self, tenant: TenantId, id: &str) -> Result<Option<(i32, bool)>> {
        TABLES.last(&self.0, tenant, id).await
    }

    async fn add(
        &self,
        known: &StoredRecognizer,
        sealed: &SealedRecognizer,
        first: bool,
        event: &OutboxEvent,
    ) -> Result<bool> {
        db::retry!(async {
            let mut tx = self.0.begin("add_recognizer_revision").await?;
            if !TABLES.advance(&mut tx, &head(known), first).await? {
                return Ok(false);
            }
            insert_revision(&mut tx, known, sealed).await?;
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
    ) -> Result<Option<(StoredRecognizer, SealedRecognizer)>> {
        let found: Option<Whole> = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new(KNOWN);
            sql.push(WITH_VALUES).push(FROM).push_bind(tenant.uuid());
            sql.push(" AND heads.id = ").push_bind(id).push(" AND revisions.revision = ");
            match revision {
                Some(revision) => sql.push_bind(i64::from(revision)),
                None => sql.push("heads.revision"),
            };
            sql.build_query_as().fetch_optional(c).await
        })
        .map_err(Error::from)?;
        let Some(Whole { row, document, entries }) = found else { return Ok(None) };
        Ok(Some((row.try_into()?, SealedRecognizer { document, entries })))
    }

    async fn list(
        &self,
        tenant: TenantId,
        after: Option<&str>,
        limit: i64,
    ) -> Result<Vec<StoredRecognizer>> {
        let rows: Vec<Row> = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new(KNOWN);
            sql.push(FROM).push_bind(tenant.uuid());
            sql.push(" AND revisions.revision = heads.revision");
            if let Some(after) = after {
                sql.push(" AND heads.id > ").push_bind(after);
            }
            sql.push(" ORDER BY heads.id LIMIT ").push_bind(limit);
            sql.build_query_as().fetch_all(c).await
        })
        .map_err(Error::from)?;
        rows.into_iter().map(StoredRecognizer::try_from).collect()
    }

    async fn delete(&self, known: &StoredRecognizer, event: &OutboxEvent) -> Result<bool> {
        db::retry!(async {
            let mut tx = self.0.begin("delete_recognizer").await?;
            if !TABLES.delete(&mut tx, &head(known)).await? {
                return Ok(false);
            }
            outbox::put(&mut tx, std::slice::from_ref(event)).await?;
            tx.commit().await?;
            Ok::<_, Fault>(true)
        })
    }
}

fn head(known: &StoredRecognizer) -> Head<'_> {
    let StoredRecognizer { tenant, id, revision, created, .. } = known;
    Head { tenant: *tenant, id, revision: *revision, created: *created }
}

async fn insert_revision(
    tx: &mut Tx,
    known: &StoredRecognizer,
    sealed: &SealedRecognizer,
) -> Result<()> {
    const INSERT: &str = "INSERT INTO recognizer_revisions (tenant, id, revision, entity, \
         always_on, entry_count, document, entries, author, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    db::sql!(tx.on(), |c| sqlx::query(INSERT)
        .bind(known.tenant.uuid())
        .bind(&known.id)
        .bind(i64::from(known.revision))
        .bind(&known.entity)
        .bind(known.always_on)
        .bind(known.entry_count)
        .bind(sealed.document.as_slice())
        .bind(sealed.entries.as_deref())
        .bind(known.author.uuid())
        .bind(known.updated)
        .execute(c)
        .await
        .map(drop))
    .map_err(Error::from)?;
    Ok(())
}
