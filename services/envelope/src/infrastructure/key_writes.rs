//! The statements that change keys, for transactions of [`super::SqlKeys`].

use db::idempotency::{self, Claim};
use db::{Error, Tx};
use kernel::{Fault, Result, TenantId, Timestamp, common};
use sqlx::types::Json;

use super::key_rows::{purpose_text, state_text};
use crate::application::ports::Once;
use crate::domain::{Head, KeyName, State, Version};

/// What an earlier request with the same id has answered.
pub(super) async fn claim(
    tx: &mut Tx,
    once: Option<&Once>,
    now: Timestamp,
) -> Result<Option<Vec<u8>>> {
    let Some(once) = once else { return Ok(None) };
    match idempotency::claim(tx, &once.key, once.digest, now).await? {
        Claim::New => Ok(None),
        Claim::Replay(response) => Ok(Some(response)),
    }
}

/// What a later request with the same id is to be answered: the key's id.
pub(super) async fn save(tx: &mut Tx, once: Option<&Once>, id: &KeyName) -> Result<()> {
    match once {
        Some(once) => idempotency::save(tx, &once.key, id.as_str().as_bytes()).await,
        None => Ok(()),
    }
}

pub(super) async fn insert_key(tx: &mut Tx, tenant: TenantId, head: &Head) -> Result<()> {
    const INSERT: &str = "INSERT INTO keys (tenant, id, serial, purpose, algorithm, state, \
         owner, registered, labels, created_at, rotation_seconds, rotate_at, revision) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";
    db::sql!(tx.on(), |c| sqlx::query(INSERT)
        .bind(tenant.uuid())
        .bind(head.id.as_str())
        .bind(head.serial)
        .bind(purpose_text(head.key_use()))
        .bind(head.algorithm.as_str())
        .bind(state_text(head.disabled))
        .bind(head.owner.name())
        .bind(head.registered)
        .bind(Json(&head.labels))
        .bind(head.created_at)
        .bind(head.rotation.map(|period| period.num_seconds()))
        .bind(head.rotate_at)
        .bind(head.revision)
        .execute(c)
        .await
        .map(drop))
    .map_err(taken)
}

pub(super) async fn insert_version(
    tx: &mut Tx,
    tenant: TenantId,
    id: &KeyName,
    version: &Version,
) -> Result<()> {
    const INSERT: &str = "INSERT INTO key_versions (tenant, key_id, version, state, kid, \
         public_jwk, private_half, data_key, created_at, activate_at, destroy_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    let private = version.private.as_ref();
    db::sql!(tx.on(), |c| sqlx::query(INSERT)
        .bind(tenant.uuid())
        .bind(id.as_str())
        .bind(i64::from(version.number))
        .bind(version.state.word())
        .bind(version.kid.as_str())
        .bind(version.public_jwk.as_str())
        .bind(private.map(|half| half.sealed.as_slice()))
        .bind(private.map(|half| half.data_key.as_slice()))
        .bind(version.created_at)
        .bind(version.activate_at)
        .bind(version.destroy_at)
        .execute(c)
        .await
        .map(drop))
    .map_err(taken)
}

/// Writes a key's own columns, if nobody has changed the key since `revision`.
pub(super) async fn update_key(
    tx: &mut Tx,
    tenant: TenantId,
    head: &Head,
    revision: i64,
) -> Result<bool> {
    const UPDATE: &str = "UPDATE keys SET state = $4, labels = $5, rotation_seconds = $6, \
         rotate_at = $7, revision = $3 + 1 WHERE tenant = $1 AND id = $2 AND revision = $3";
    let changed = db::sql!(tx.on(), |c| sqlx::query(UPDATE)
        .bind(tenant.uuid())
        .bind(head.id.as_str())
        .bind(revision)
        .bind(state_text(head.disabled))
        .bind(Json(&head.labels))
        .bind(head.rotation.map(|period| period.num_seconds()))
        .bind(head.rotate_at)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(Error::from)?;
    Ok(changed == 1)
}

/// Writes a version's state, and with destruction nulls the private half.
pub(super) async fn update_version(
    tx: &mut Tx,
    tenant: TenantId,
    id: &KeyName,
    version: &Version,
) -> Result<()> {
    const UPDATE: &str = "UPDATE key_versions SET state = $4, activate_at = $5, destroy_at = $6 \
         WHERE tenant = $1 AND key_id = $2 AND version = $3";
    const DESTROY: &str = "UPDATE key_versions SET state = $4, activate_at = $5, destroy_at = $6, \
         private_half = NULL, data_key = NULL WHERE tenant = $1 AND key_id = $2 AND version = $3";
    let statement = if version.state == State::Destroyed { DESTROY } else { UPDATE };
    db::sql!(tx.on(), |c| sqlx::query(statement)
        .bind(tenant.uuid())
        .bind(id.as_str())
        .bind(i64::from(version.number))
        .bind(version.state.word())
        .bind(version.activate_at)
        .bind(version.destroy_at)
        .execute(c)
        .await
        .map(drop))
    .map_err(Error::from)?;
    Ok(())
}

/// The id or a thumbprint is taken.
fn taken(error: sqlx::Error) -> Fault {
    Error::from(error).on_unique(&common::RESOURCE_EXISTS)
}
