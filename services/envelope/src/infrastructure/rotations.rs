//! Jobs that rotate KEKs, in the database.

use async_trait::async_trait;
use db::idempotency::{self, Claim};
use db::outbox::{self, OutboxEvent};
use db::{Db, Error, Tx};
use kernel::{Fault, Result, TenantId, Timestamp};
use reasons::envelope::KEK_ROTATION_RUNNING;
use sqlx::QueryBuilder;
use sqlx::types::Json;
use uuid::Uuid;

use super::rotation_rows::{PROGRESS, ProgressRow, ROTATION, RotationRow};
use super::rotation_writes as writes;
use crate::application::ports::{Once, Report, Rotations, Turn};
use crate::domain::{Certificate, HOLDERS, OWN, Progress, Rotation, RotationState};

pub struct SqlRotations(pub Db);

impl SqlRotations {
    /// The jobs of these rows, in their order, with what their holders have done.
    async fn whole(&self, rows: Vec<RotationRow>) -> Result<Vec<Rotation>> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let found: Vec<ProgressRow> = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new(PROGRESS);
            sql.push("WHERE rotation IN (");
            let mut list = sql.separated(", ");
            for row in &rows {
                list.push_bind(row.id);
            }
            sql.push(") ORDER BY holder");
            sql.build_query_as().persistent(rows.len() == 1).fetch_all(c).await
        })
        .map_err(Error::from)?;
        let mut progress: Vec<(Uuid, Progress)> =
            found.into_iter().map(|row| (row.rotation, row.progress())).collect();
        let take = |row: RotationRow| {
            let id = row.id;
            let own = progress.extract_if(.., |(of, _)| *of == id).map(|(_, one)| one).collect();
            row.rotation(own)
        };
        rows.into_iter().map(take).collect()
    }
}

#[async_trait]
impl Rotations for SqlRotations {
    async fn answered(&self, once: &Once, now: Timestamp) -> Result<Option<Uuid>> {
        db::retry!(async {
            // Dropped, not committed: the claim that counts comes with the job.
            let mut tx = self.0.begin("look_for_kek_rotation").await?;
            replay(idempotency::claim(&mut tx, &once.key, once.digest, now).await?)
        })
    }

    async fn start(
        &self,
        rotation: &Rotation,
        once: Option<&Once>,
        event: &OutboxEvent,
    ) -> Result<Uuid> {
        db::retry!(async {
            let mut tx = self.0.begin("start_kek_rotation").await?;
            if let Some(once) = once {
                let claim =
                    idempotency::claim(&mut tx, &once.key, once.digest, rotation.created).await?;
                if let Some(before) = replay(claim)? {
                    return Ok(before);
                }
            }
            insert(&mut tx, rotation).await?;
            for holder in HOLDERS.into_iter().chain([OWN]) {
                writes::join(&mut tx, rotation.id, holder).await?;
            }
            writes::join_remembered(&mut tx, rotation.tenant, rotation.id).await?;
            outbox::put(&mut tx, std::slice::from_ref(event)).await?;
            if let Some(once) = once {
                idempotency::save(&mut tx, &once.key, rotation.id.as_bytes()).await?;
            }
            tx.commit().await?;
            Ok::<_, Fault>(rotation.id)
        })
    }

    async fn claimable(&self, tenant: TenantId) -> Result<()> {
        const OPEN: &str = "SELECT count(*) FROM kek_rotations \
             WHERE tenant = $1 AND state IN ('running', 'paused')";
        let open: i64 = db::sql!(self.0.read(), |c| sqlx::query_scalar(OPEN)
            .bind(tenant.uuid())
            .fetch_one(c)
            .await)
        .map_err(Error::from)?;
        if open == 0 { Ok(()) } else { Err(Fault::new(&KEK_ROTATION_RUNNING)) }
    }

    async fn find(&self, tenant: TenantId, id: Uuid) -> Result<Option<Rotation>> {
        let rows = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new(ROTATION);
            sql.push("WHERE tenant = ").push_bind(tenant.uuid());
            sql.push(" AND id = ").push_bind(id);
            sql.build_query_as().fetch_all(c).await
        })
        .map_err(Error::from)?;
        Ok(self.whole(rows).await?.pop())
    }

    async fn list(
        &self,
        tenant: TenantId,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<Rotation>> {
        let rows = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new(ROTATION);
            sql.push("WHERE tenant = ").push_bind(tenant.uuid());
            if let Some(before) = before {
                sql.push(" AND id < ").push_bind(before);
            }
            sql.push(" ORDER BY id DESC LIMIT ").push_bind(limit);
            sql.build_query_as().fetch_all(c).await
        })
        .map_err(Error::from)?;
        self.whole(rows).await
    }

    async fn open(&self) -> Result<Vec<Rotation>> {
        let rows = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new(ROTATION);
            // At random: jobs that wait for somebody keep no others from their turn.
            sql.push("WHERE state IN ('running', 'destroying') ORDER BY random() LIMIT 1000");
            sql.build_query_as().fetch_all(c).await
        })
        .map_err(Error::from)?;
        self.whole(rows).await
    }

    async fn find_open(&self, id: Uuid) -> Result<Option<Rotation>> {
        let rows = db::sql!(self.0.read(), |c| {
            let mut sql = QueryBuilder::new(ROTATION);
            sql.push("WHERE state IN ('running', 'destroying') AND id = ").push_bind(id);
            sql.build_query_as().fetch_all(c).await
        })
        .map_err(Error::from)?;
        Ok(self.whole(rows).await?.pop())
    }

    async fn turn(&self, id: Uuid, turn: &Turn, event: &OutboxEvent) -> Result<bool> {
        db::retry!(async {
            let mut tx = self.0.begin("turn_kek_rotation").await?;
            if !writes::turn(&mut tx, id, turn).await? {
                return Ok(false);
            }
            if turn.recount {
                writes::forget_counts(&mut tx, id, turn.now).await?;
            }
            outbox::put(&mut tx, std::slice::from_ref(event)).await?;
            tx.commit().await?;
            Ok::<_, Fault>(true)
        })
    }

    async fn retire(
        &self,
        rotation: &Rotation,
        certificate: &Certificate,
        event: &OutboxEvent,
    ) -> Result<bool> {
        let turn = Turn {
            from: RotationState::Running,
            to: RotationState::Retired,
            per_second: None,
            recount: false,
            now: event.created_at,
        };
        db::retry!(async {
            let mut tx = self.0.begin("retire_kek_versions").await?;
            // The last look, in the transaction that says what was seen.
            if !writes::nothing_left(&mut tx, rotation).await?
                || !writes::turn(&mut tx, rotation.id, &turn).await?
            {
                return Ok(false);
            }
            writes::certify(&mut tx, rotation.id, certificate).await?;
            outbox::put(&mut tx, std::slice::from_ref(event)).await?;
            tx.commit().await?;
            Ok::<_, Fault>(true)
        })
    }

    async fn remember(&self, tenant: TenantId, holder: &str, now: Timestamp) -> Result<()> {
        db::retry!(async {
            let mut tx = self.0.begin("remember_kek_holder").await?;
            writes::remember(&mut tx, tenant, holder, now).await?;
            writes::join_open(&mut tx, tenant, holder).await?;
            tx.commit().await?;
            Ok::<_, Fault>(())
        })
    }

    async fn lease(&self, id: Uuid, holder: &str, worker: Uuid, now: Timestamp) -> Result<bool> {
        db::retry!(async {
            let mut tx = self.0.begin("lease_rewrap").await?;
            let leased = writes::lease(&mut tx, (id, holder), worker, now).await?;
            tx.commit().await?;
            Ok::<_, Fault>(leased)
        })
    }

    async fn report(&self, id: Uuid, holder: &str, report: &Report) -> Result<()> {
        db::retry!(async {
            let mut tx = self.0.begin("report_rewrap").await?;
            writes::report(&mut tx, (id, holder), report).await?;
            if let Some(count) = &report.count {
                writes::count(&mut tx, (id, holder), count).await?;
            }
            tx.commit().await?;
            Ok::<_, Fault>(())
        })
    }
}

fn replay(claim: Claim) -> Result<Option<Uuid>> {
    match claim {
        Claim::New => Ok(None),
        Claim::Replay(id) => Uuid::from_slice(&id).map(Some).map_err(Fault::internal),
    }
}

async fn insert(tx: &mut Tx, rotation: &Rotation) -> Result<()> {
    const INSERT: &str = "INSERT INTO kek_rotations (id, tenant, state, provider, version, \
         retires, per_second, settled_at, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)";
    db::sql!(tx.on(), |c| sqlx::query(INSERT)
        .bind(rotation.id)
        .bind(rotation.tenant.uuid())
        .bind(rotation.state.word())
        .bind(rotation.provider.name())
        .bind(i64::from(rotation.version))
        .bind(Json(&rotation.retires))
        .bind(i64::from(rotation.per_second))
        .bind(rotation.settled)
        .bind(rotation.created)
        .execute(c)
        .await
        .map(drop))
    .map_err(|error| Error::from(error).on_unique(&KEK_ROTATION_RUNNING))
}
