//! The memory of released content keys.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use db::outbox::{self, OutboxEvent};
use db::{Db, Error, Isolation, Tx};
use kernel::{Fault, Result, SharedClock, Timestamp};
use sqlx::FromRow;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::application::ports::{Release, Releases};

pub struct SqlReleases(pub Db);

#[derive(FromRow)]
struct Row {
    manifest: Vec<u8>,
    caller: String,
    request_id: Option<Uuid>,
}

#[async_trait]
impl Releases for SqlReleases {
    async fn record(&self, release: &Release, event: &OutboxEvent) -> Result<bool> {
        db::retry!(async {
            // The primary key is the guard: two at once cannot both be first.
            let mut tx = self.0.begin_with("record_release", Isolation::ReadCommitted).await?;
            if !insert(&mut tx, release).await? && !is_retry(&mut tx, release).await? {
                return Ok(false);
            }
            outbox::put(&mut tx, std::slice::from_ref(event)).await?;
            tx.commit().await?;
            Ok::<_, Fault>(true)
        })
    }

    async fn purge(&self, before: Timestamp) -> Result<u64> {
        const PURGE: &str = "DELETE FROM releases WHERE expires_at < $1";
        let purged = db::sql!(self.0.write(), |c| sqlx::query(PURGE)
            .bind(before)
            .execute(c)
            .await
            .map(|done| done.rows_affected()))
        .map_err(Error::from)?;
        Ok(purged)
    }
}

async fn insert(tx: &mut Tx, release: &Release) -> Result<bool> {
    const INSERT: &str = "INSERT INTO releases \
         (tenant, envelope, key_id, manifest, caller, request_id, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING";
    let inserted = db::sql!(tx.on(), |c| sqlx::query(INSERT)
        .bind(release.tenant.uuid())
        .bind(release.envelope.uuid())
        .bind(release.key.as_str())
        .bind(release.manifest.as_slice())
        .bind(release.caller.as_str())
        .bind(release.request_id)
        .bind(release.expires_at)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(Error::from)?;
    Ok(inserted == 1)
}

/// The same request again, by the same caller, for the same manifest.
async fn is_retry(tx: &mut Tx, release: &Release) -> Result<bool> {
    const FIND: &str = "SELECT manifest, caller, request_id FROM releases \
         WHERE tenant = $1 AND envelope = $2 AND key_id = $3";
    let row: Option<Row> = db::sql!(tx.on(), |c| sqlx::query_as(FIND)
        .bind(release.tenant.uuid())
        .bind(release.envelope.uuid())
        .bind(release.key.as_str())
        .fetch_optional(c)
        .await)
    .map_err(Error::from)?;
    Ok(row.is_some_and(|row| {
        row.request_id.is_some()
            && row.request_id == release.request_id
            && row.caller == release.caller
            && row.manifest == release.manifest
    }))
}

const EVERY: Duration = Duration::from_secs(600);
/// Kept for longer than needed, in case this clock is ahead of another instance's.
const GRACE: chrono::Duration = chrono::Duration::hours(1);

/// Purges until `stop`.
pub async fn purge_every(releases: Arc<dyn Releases>, clock: SharedClock, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        if let Err(fault) = releases.purge(clock.now() - GRACE).await {
            tracing::warn!(cause = ?fault, "releases not purged, will retry");
        }
    }
}
