//! The statements that change keys, for transactions of [`super::SqlKeys`].

use db::idempotency::{self, Claim};
use db::{Error, Tx};
use kernel::{Fault, Result, TenantId, Timestamp, common};
use sqlx::types::Json;

use super::key_rows::{purpose_text, state_text};
use crate::application::ports::Once;
use crate::domain::{Head, KeyName, Version};

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
         primary_version, owner, registered, labels, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    db::sql!(tx.on(), |c| sqlx::query(INSERT)
        .bind(tenant.uuid())
        .bind(head.id.as_str())
        .bind(head.serial)
        .bind(purpose_text(head.key_use()))
        .bind(head.algorithm.as_str())
        .bind(state_text(head.state))
        .bind(i64::from(head.primary))
        .bind(head.owner.name())
        .bind(head.registered)
        .bind(Json(&head.labels))
        .bind(head.created_at)
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
         public_jwk, private_half, data_key, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    let private = version.private.as_ref();
    db::sql!(tx.on(), |c| sqlx::query(INSERT)
        .bind(tenant.uuid())
        .bind(id.as_str())
        .bind(i64::from(version.number))
        .bind(state_text(version.state))
        .bind(version.kid.as_str())
        .bind(version.public_jwk.as_str())
        .bind(private.map(|half| half.sealed.as_slice()))
        .bind(private.map(|half| half.data_key.as_slice()))
        .bind(version.created_at)
        .execute(c)
        .await
        .map(drop))
    .map_err(taken)
}

/// Makes `next` the primary version, if it follows the present one and the key
/// is still enabled.
pub(super) async fn advance(
    tx: &mut Tx,
    tenant: TenantId,
    id: &KeyName,
    next: i32,
) -> Result<bool> {
    const ADVANCE: &str = "UPDATE keys SET primary_version = $3 \
         WHERE tenant = $1 AND id = $2 AND primary_version = $3 - 1 AND state = 'enabled'";
    let changed = db::sql!(tx.on(), |c| sqlx::query(ADVANCE)
        .bind(tenant.uuid())
        .bind(id.as_str())
        .bind(i64::from(next))
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(Error::from)?;
    Ok(changed == 1)
}

pub(super) async fn disable(
    tx: &mut Tx,
    tenant: TenantId,
    id: &KeyName,
    version: Option<i32>,
) -> Result<bool> {
    const KEY: &str = "UPDATE keys SET state = 'disabled' \
         WHERE tenant = $1 AND id = $2 AND state = 'enabled'";
    const VERSION: &str = "UPDATE key_versions SET state = 'disabled' \
         WHERE tenant = $1 AND key_id = $2 AND state = 'enabled' AND version = $3";
    let changed = match version {
        None => db::sql!(tx.on(), |c| sqlx::query(KEY)
            .bind(tenant.uuid())
            .bind(id.as_str())
            .execute(c)
            .await
            .map(|done| done.rows_affected())),
        Some(number) => db::sql!(tx.on(), |c| sqlx::query(VERSION)
            .bind(tenant.uuid())
            .bind(id.as_str())
            .bind(i64::from(number))
            .execute(c)
            .await
            .map(|done| done.rows_affected())),
    };
    Ok(changed.map_err(Error::from)? == 1)
}

/// The id or a thumbprint is taken.
fn taken(error: sqlx::Error) -> Fault {
    Error::from(error).on_unique(&common::RESOURCE_EXISTS)
}
