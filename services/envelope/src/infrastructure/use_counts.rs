//! Counts of uses in the database.

use async_trait::async_trait;
use db::{Db, Error, Isolation};
use kernel::{Fault, Result, SharedClock, TenantId, Timestamp};

use crate::application::ports::{Counted, UseCounts, VersionUses};
use crate::domain::Head;

pub struct SqlUseCounts {
    pub db: Db,
    pub clock: SharedClock,
}

/// Version, protected, processed, last used, releases that may be repeated.
type Row = (i64, i64, i64, Option<Timestamp>, i64);

#[async_trait]
impl UseCounts for SqlUseCounts {
    async fn add(&self, counted: &[Counted]) -> Result<()> {
        // `greatest` is `max` on SQLite: the condition says it portably.
        const ADD: &str = "INSERT INTO key_uses \
             (tenant, serial, version, protected, processed, last_used_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant, serial, version) DO UPDATE SET \
             protected = key_uses.protected + excluded.protected, \
             processed = key_uses.processed + excluded.processed, \
             last_used_at = CASE WHEN key_uses.last_used_at < excluded.last_used_at \
                 THEN excluded.last_used_at ELSE key_uses.last_used_at END";
        db::retry!(async {
            let mut tx = self.db.begin_with("add_key_uses", Isolation::ReadCommitted).await?;
            for one in counted {
                db::sql!(tx.on(), |c| sqlx::query(ADD)
                    .bind(one.tenant.uuid())
                    .bind(one.serial)
                    .bind(i64::from(one.version))
                    .bind(one.protected)
                    .bind(one.processed)
                    .bind(one.last)
                    .execute(c)
                    .await
                    .map(drop))
                .map_err(Error::from)?;
            }
            tx.commit().await?;
            Ok::<_, Fault>(())
        })
    }

    async fn of(&self, tenant: TenantId, head: &Head) -> Result<Vec<VersionUses>> {
        const OF: &str = "SELECT v.version, COALESCE(u.protected, 0), COALESCE(u.processed, 0), \
             u.last_used_at, (SELECT count(*) FROM releases r WHERE r.tenant = v.tenant \
                 AND r.key_id = v.key_id AND r.key_version = v.version AND r.expires_at > $4) \
             FROM key_versions v LEFT JOIN key_uses u ON u.tenant = v.tenant \
                 AND u.serial = $3 AND u.version = v.version \
             WHERE v.tenant = $1 AND v.key_id = $2 ORDER BY v.version";
        let rows: Vec<Row> = db::sql!(self.db.read(), |c| sqlx::query_as(OF)
            .bind(tenant.uuid())
            .bind(head.id.as_str())
            .bind(head.serial)
            .bind(self.clock.now())
            .fetch_all(c)
            .await)
        .map_err(Error::from)?;
        let uses = rows.into_iter().map(|(version, protected, processed, last, releases)| {
            let version = i32::try_from(version).map_err(Fault::internal)?;
            Ok(VersionUses { version, protected, processed, last, releases })
        });
        uses.collect()
    }
}
