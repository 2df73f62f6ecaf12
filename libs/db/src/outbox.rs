//! Events for another service, stored in the transaction of the change they tell
//! of and delivered afterwards, at least once.
//!
//! The relay deletes what was taken, so it needs no cursor, and a transaction
//! that commits late is not passed over. Asks for [`crate::Shared::Outbox`].

use std::time::Duration;

use kernel::{EventId, TenantId, Timestamp};
use sqlx::{QueryBuilder, Row};
use uuid::Uuid;

use crate::{Db, Result, Tx, sql};

/// Rows of one statement: five binds a row stay far below both limits.
const CHUNK: usize = 1_000;

/// An event on its way. Its bytes are the service's business.
#[derive(Clone, PartialEq, Eq)]
pub struct OutboxEvent {
    pub id: EventId,
    pub tenant: TenantId,
    pub bytes: Vec<u8>,
    pub created_at: Timestamp,
}

/// Adds events to the transaction. The relay wakes when it commits.
pub async fn put(tx: &mut Tx, events: &[OutboxEvent]) -> Result<()> {
    const INSERT: &str = "INSERT INTO outbox (id, tenant, event, created_at) ";
    for chunk in events.chunks(CHUNK) {
        sql!(tx.on(), |c| {
            let mut query = QueryBuilder::new(INSERT);
            query.push_values(chunk, |mut row, event| {
                row.push_bind(event.id.uuid())
                    .push_bind(event.tenant.uuid())
                    .push_bind(event.bytes.as_slice())
                    .push_bind(event.created_at);
            });
            query.build().persistent(false).execute(c).await.map(drop)
        })?;
        tx.wake_relay_on_commit();
    }
    Ok(())
}

/// The oldest events that are still here, by id.
pub async fn next(db: &Db, limit: u32) -> Result<Vec<OutboxEvent>> {
    const SELECT: &str = "SELECT id, tenant, event, created_at FROM outbox ORDER BY id LIMIT $1";
    sql!(db.read(), |c| {
        let rows = sqlx::query(SELECT).bind(i64::from(limit)).fetch_all(c).await?;
        rows.iter()
            .map(|row| {
                Ok(OutboxEvent {
                    id: EventId::from_uuid(row.try_get::<Uuid, _>(0)?),
                    tenant: TenantId::from_uuid(row.try_get::<Uuid, _>(1)?),
                    bytes: row.try_get(2)?,
                    created_at: row.try_get(3)?,
                })
            })
            .collect()
    })
}

/// Removes events that their receiver has stored durably.
pub async fn done(db: &Db, ids: &[EventId]) -> Result<()> {
    for chunk in ids.chunks(CHUNK) {
        sql!(db.write(), |c| {
            let mut query = QueryBuilder::new("DELETE FROM outbox WHERE id IN (");
            let mut list = query.separated(", ");
            for id in chunk {
                list.push_bind(id.uuid());
            }
            query.push(")");
            query.build().persistent(false).execute(c).await.map(drop)
        })?;
    }
    Ok(())
}

/// How many events wait; also the gauge `outbox_depth`.
pub async fn depth(db: &Db) -> Result<u64> {
    const COUNT: &str = "SELECT count(*) FROM outbox";
    let depth: i64 = sql!(db.read(), |c| sqlx::query_scalar(COUNT).fetch_one(c).await)?;
    let depth = u64::try_from(depth).unwrap_or_default();
    metrics::gauge!("outbox_depth", "db" => db.name()).set(depth as f64);
    Ok(depth)
}

/// Returns when this process has committed an event since the last wait, or
/// after `at_most`: another process, or a failed delivery, may have left some.
pub async fn wait(db: &Db, at_most: Duration) {
    // Either way the caller looks; which it was does not matter.
    let _ = tokio::time::timeout(at_most, db.relay().notified()).await;
}
