//! The statements that change jobs, for transactions of [`super::SqlRotations`].

use db::{Error, Tx};
use kernel::{Result, TenantId, Timestamp};
use uuid::Uuid;

use super::own_keys::outside;
use crate::application::ports::{Report, Turn};
use crate::domain::{Certificate, Count, LEASE, Rotation};

/// Runs a statement with these binds; says how many rows it changed.
macro_rules! run {
    ($tx:expr, $sql:expr, $($bind:expr),+) => {
        db::sql!($tx.on(), |c| sqlx::query($sql)
            $(.bind($bind))+
            .execute(c)
            .await
            .map(|done| done.rows_affected()))
        .map_err(Error::from)
    };
}

/// The position of a holder that has not begun.
const NOWHERE: &[u8] = &[];

const JOIN: &str = "INSERT INTO kek_rewraps (rotation, holder, rewrapped, failed, position) \
     VALUES ($1, $2, 0, 0, $3) ON CONFLICT DO NOTHING";

/// Makes a holder part of a job.
pub(super) async fn join(tx: &mut Tx, id: Uuid, holder: &str) -> Result<()> {
    run!(tx, JOIN, id, holder, NOWHERE)?;
    Ok(())
}

/// All that have ever been given data keys of the tenant.
pub(super) async fn join_remembered(tx: &mut Tx, tenant: TenantId, id: Uuid) -> Result<()> {
    const REMEMBERED: &str = "SELECT holder FROM kek_holders WHERE tenant = $1";
    let holders: Vec<String> = db::sql!(tx.on(), |c| sqlx::query_scalar(REMEMBERED)
        .bind(tenant.uuid())
        .fetch_all(c)
        .await)
    .map_err(Error::from)?;
    for holder in holders {
        join(tx, id, &holder).await?;
    }
    Ok(())
}

/// A holder that turns up while a job runs becomes part of it.
pub(super) async fn join_open(tx: &mut Tx, tenant: TenantId, holder: &str) -> Result<()> {
    const OPEN: &str = "SELECT id FROM kek_rotations \
         WHERE tenant = $1 AND state IN ('running', 'paused', 'destroying')";
    let open: Vec<Uuid> =
        db::sql!(tx.on(), |c| sqlx::query_scalar(OPEN).bind(tenant.uuid()).fetch_all(c).await)
            .map_err(Error::from)?;
    for id in open {
        join(tx, id, holder).await?;
    }
    Ok(())
}

pub(super) async fn remember(
    tx: &mut Tx,
    tenant: TenantId,
    holder: &str,
    now: Timestamp,
) -> Result<()> {
    const REMEMBER: &str = "INSERT INTO kek_holders (tenant, holder, since) \
         VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    run!(tx, REMEMBER, tenant.uuid(), holder, now)?;
    Ok(())
}

pub(super) async fn turn(tx: &mut Tx, id: Uuid, turn: &Turn) -> Result<bool> {
    const TURN: &str = "UPDATE kek_rotations SET state = $3, updated_at = $4, \
         per_second = COALESCE($5, per_second) WHERE id = $1 AND state = $2";
    let per_second = turn.per_second.map(i64::from);
    Ok(run!(tx, TURN, id, turn.from.word(), turn.to.word(), turn.now, per_second)? == 1)
}

/// From now on only new counts prove anything.
pub(super) async fn forget_counts(tx: &mut Tx, id: Uuid, now: Timestamp) -> Result<()> {
    const SETTLE: &str = "UPDATE kek_rotations SET settled_at = $2 WHERE id = $1";
    const FORGET: &str = "UPDATE kek_rewraps SET counted_at = NULL, position = $2 \
         WHERE rotation = $1";
    run!(tx, SETTLE, id, now)?;
    run!(tx, FORGET, id, NOWHERE)?;
    Ok(())
}

/// Whether neither this service nor any holder has anything left.
pub(super) async fn nothing_left(tx: &mut Tx, rotation: &Rotation) -> Result<bool> {
    const WAITING: &str = "SELECT count(*) FROM kek_rewraps JOIN kek_rotations \
         ON kek_rotations.id = rotation WHERE rotation = $1 AND holder <> 'envelope' AND \
         (counted_at IS NULL OR counted_at < settled_at OR remaining IS NULL OR remaining <> 0)";
    let waiting: i64 =
        db::sql!(tx.on(), |c| sqlx::query_scalar(WAITING).bind(rotation.id).fetch_one(c).await)
            .map_err(Error::from)?;
    Ok(waiting == 0 && outside(tx, rotation.tenant, &rotation.range()).await? == 0)
}

pub(super) async fn certify(tx: &mut Tx, id: Uuid, certificate: &Certificate) -> Result<()> {
    const CERTIFY: &str = "UPDATE kek_rotations SET certificate = $2, certificate_event = $3 \
         WHERE id = $1";
    run!(tx, CERTIFY, id, certificate.jws.as_str(), certificate.event)?;
    Ok(())
}

pub(super) async fn lease(
    tx: &mut Tx,
    (id, holder): (Uuid, &str),
    worker: Uuid,
    now: Timestamp,
) -> Result<bool> {
    const LEASED: &str = "UPDATE kek_rewraps SET worker = $3, leased_until = $4 \
         WHERE rotation = $1 AND holder = $2 \
         AND (worker IS NULL OR worker = $3 OR leased_until < $5)";
    Ok(run!(tx, LEASED, id, holder, worker, now + LEASE, now)? == 1)
}

pub(super) async fn report(tx: &mut Tx, (id, holder): (Uuid, &str), report: &Report) -> Result<()> {
    const REPORT: &str = "UPDATE kek_rewraps SET rewrapped = rewrapped + $3, failed = $4, \
         position = $5 WHERE rotation = $1 AND holder = $2";
    const KEEP: &str = "UPDATE kek_rewraps SET leased_until = $4 \
         WHERE rotation = $1 AND holder = $2 AND worker = $3";
    let position = report.position.as_slice();
    run!(tx, REPORT, id, holder, report.rewrapped, report.failed, position)?;
    if let Some((worker, now)) = report.worker {
        run!(tx, KEEP, id, holder, worker, now + LEASE)?;
    }
    Ok(())
}

pub(super) async fn count(tx: &mut Tx, (id, holder): (Uuid, &str), count: &Count) -> Result<()> {
    const COUNT: &str = "UPDATE kek_rewraps SET remaining = $3, current = $4, counted_at = $5 \
         WHERE rotation = $1 AND holder = $2";
    run!(tx, COUNT, id, holder, count.remaining, count.current, count.at)?;
    Ok(())
}
