//! Events in the database.

use std::collections::HashSet;

use async_trait::async_trait;
use db::{Db, Error, Tx};
use kernel::{EventId, Fault, Result, TenantId};
use sqlx::{FromRow, QueryBuilder};
use tlog::{Hash, TreeHead};
use uuid::Uuid;

use crate::application::ports::{Events, Head, Kind, Query};
use crate::domain::{Accepted, Salt, Stored};

/// Eight binds a row: far below SQLite's limit of 32,766.
const CHUNK: usize = 1_000;

pub struct SqlEvents(pub Db);

#[derive(FromRow)]
struct Row {
    id: Uuid,
    log_index: i64,
    encoded: Vec<u8>,
    salt: Vec<u8>,
}

impl From<Row> for Stored {
    fn from(row: Row) -> Self {
        Self {
            id: EventId::from_uuid(row.id),
            index: row.log_index,
            encoded: row.encoded,
            salt: row.salt,
        }
    }
}

impl SqlEvents {
    /// The head that was published last, if any was.
    pub async fn published(&self) -> Result<Option<TreeHead>> {
        const GET: &str = "SELECT published_size, published_root FROM log_size WHERE only_row = 1";
        let (size, root): (i64, Vec<u8>) =
            db::sql!(self.0.read(), |c| sqlx::query_as(GET).fetch_one(c).await)
                .map_err(Error::from)?;
        if size == 0 {
            return Ok(None);
        }
        let root = <[u8; 32]>::try_from(root)
            .map_err(|_| Fault::internal("the published root is no hash"))?;
        let size = u64::try_from(size).map_err(Fault::internal)?;
        Ok(Some(TreeHead { size, root: Hash::from_bytes(root) }))
    }
}

const COLUMNS: &str = "SELECT id, log_index, encoded, salt FROM events";

#[async_trait]
impl Events for SqlEvents {
    async fn append(&self, events: &[(Accepted, Salt)]) -> Result<Vec<bool>> {
        db::retry!(async {
            let mut tx = self.0.begin("append_events").await?;
            let size = lock_size(&mut tx).await?;
            let mut known = known(&mut tx, events).await?;
            // `insert` also notices an id that is twice in the batch.
            let new: Vec<bool> =
                events.iter().map(|(event, _)| known.insert(event.id.uuid())).collect();
            let rows: Vec<_> = events
                .iter()
                .zip(&new)
                .filter(|(_, new)| **new)
                .map(|(event, _)| event)
                .zip(size..)
                .collect();
            insert(&mut tx, &rows).await?;
            set_size(&mut tx, size + rows.len() as i64).await?;
            tx.commit().await?;
            Ok::<_, Fault>(new)
        })
    }

    async fn starting_at(&self, first: u64, limit: u32) -> Result<Vec<Stored>> {
        const FROM: &str = "SELECT id, log_index, encoded, salt FROM events WHERE log_index >= $1 ORDER BY log_index LIMIT $2";
        let first = i64::try_from(first).map_err(Fault::internal)?;
        let rows: Vec<Row> = db::sql!(self.0.read(), |c| sqlx::query_as(FROM)
            .bind(first)
            .bind(i64::from(limit))
            .fetch_all(c)
            .await)
        .map_err(Error::from)?;
        Ok(rows.into_iter().map(Stored::from).collect())
    }

    async fn find(&self, tenant: TenantId, id: EventId) -> Result<Option<Stored>> {
        const FIND: &str =
            "SELECT id, log_index, encoded, salt FROM events WHERE tenant = $1 AND id = $2";
        let row: Option<Row> = db::sql!(self.0.read(), |c| sqlx::query_as(FIND)
            .bind(tenant.uuid())
            .bind(id.uuid())
            .fetch_optional(c)
            .await)
        .map_err(Error::from)?;
        Ok(row.map(Stored::from))
    }

    async fn set_published(&self, head: &Head) -> Result<()> {
        const SET: &str =
            "UPDATE log_size SET published_size = $1, published_root = $2 WHERE only_row = 1";
        let size = i64::try_from(head.size).map_err(Fault::internal)?;
        db::sql!(self.0.write(), |c| sqlx::query(SET)
            .bind(size)
            .bind(head.root.as_slice())
            .execute(c)
            .await
            .map(drop))
        .map_err(Error::from)?;
        Ok(())
    }

    async fn list(&self, tenant: TenantId, query: &Query) -> Result<Vec<Stored>> {
        let rows: Vec<Row> = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new(COLUMNS);
            sql.push(" WHERE tenant = ").push_bind(tenant.uuid());
            if let Some(before) = query.before {
                sql.push(" AND log_index < ").push_bind(before);
            }
            if let Some(request_id) = &query.request_id {
                sql.push(" AND request_id = ").push_bind(request_id.as_str());
            }
            if let Some(subject) = &query.subject {
                sql.push(" AND subject = ").push_bind(subject.as_str());
            }
            match &query.kind {
                None => {}
                Some(Kind::Exactly(kind)) => {
                    sql.push(" AND kind = ").push_bind(kind.as_str());
                }
                // Not LIKE: its case and wildcards differ between the databases.
                Some(Kind::StartsWith(start)) => {
                    sql.push(" AND substr(kind, 1, ").push_bind(start.len() as i32);
                    sql.push(") = ").push_bind(start.as_str());
                }
            }
            sql.push(" ORDER BY log_index DESC LIMIT ").push_bind(query.limit);
            sql.build_query_as().persistent(false).fetch_all(c).await
        })
        .map_err(Error::from)?;
        Ok(rows.into_iter().map(Stored::from).collect())
    }
}

/// The log's size; nobody else can append until this transaction ends.
async fn lock_size(tx: &mut Tx) -> Result<i64> {
    const LOCK: &str = "UPDATE log_size SET size = size WHERE only_row = 1 RETURNING size";
    let size =
        db::sql!(tx.on(), |c| sqlx::query_scalar(LOCK).fetch_one(c).await).map_err(Error::from)?;
    Ok(size)
}

async fn set_size(tx: &mut Tx, size: i64) -> Result<()> {
    const SET: &str = "UPDATE log_size SET size = $1 WHERE only_row = 1";
    db::sql!(tx.on(), |c| sqlx::query(SET).bind(size).execute(c).await.map(drop))
        .map_err(Error::from)?;
    Ok(())
}

/// Which of the ids are stored already: a relay delivers at least once.
async fn known(tx: &mut Tx, events: &[(Accepted, Salt)]) -> Result<HashSet<Uuid>> {
    let mut found = HashSet::new();
    for chunk in events.chunks(CHUNK) {
        let ids: Vec<Uuid> = db::sql!(tx.on(), |c| {
            let mut sql = QueryBuilder::new("SELECT id FROM events WHERE id IN (");
            let mut list = sql.separated(", ");
            for (event, _) in chunk {
                list.push_bind(event.id.uuid());
            }
            sql.push(")");
            sql.build_query_scalar().persistent(false).fetch_all(c).await
        })
        .map_err(Error::from)?;
        found.extend(ids);
    }
    Ok(found)
}

async fn insert(tx: &mut Tx, rows: &[(&(Accepted, Salt), i64)]) -> Result<()> {
    const INSERT: &str =
        "INSERT INTO events (id, log_index, tenant, kind, subject, request_id, encoded, salt) ";
    for chunk in rows.chunks(CHUNK) {
        db::sql!(tx.on(), |c| {
            let mut sql = QueryBuilder::new(INSERT);
            sql.push_values(chunk, |mut row, ((event, salt), index)| {
                row.push_bind(event.id.uuid())
                    .push_bind(*index)
                    .push_bind(event.tenant.uuid())
                    .push_bind(event.kind.as_str())
                    .push_bind(event.subject.as_str())
                    .push_bind(event.request_id.as_str())
                    .push_bind(event.encoded.as_slice())
                    .push_bind(salt.as_slice());
            });
            sql.build().persistent(false).execute(c).await.map(drop)
        })
        .map_err(Error::from)?;
    }
    Ok(())
}
