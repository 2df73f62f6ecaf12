//! A write with a `request_id` happens once, however often it is sent.
//!
//! The claim, the write and the saved answer are one transaction. A second call
//! at the same time waits for the first (SQLite has one writer; PostgreSQL blocks
//! on the unique index), or loses the race and is repeated by [`crate::retry!`];
//! either way it finds the first one's answer. Asks for
//! [`crate::Shared::Idempotency`].

use chrono::Duration;
use kernel::{Fault, PrincipalId, Result, TenantId, Timestamp, common};
use sha2::{Digest as _, Sha256};
use sqlx::Row;

use crate::{Db, Error, Tx, sql};

/// How long an answer is kept, as the API documents it.
pub const KEPT_FOR: Duration = Duration::hours(24);

/// The caller chooses it; long enough for a UUID with a prefix.
const MAX_REQUEST_ID: usize = 128;

/// Whose request it is. A `request_id` means nothing outside its caller and method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    tenant: TenantId,
    principal: PrincipalId,
    method: &'static str,
    request_id: String,
}

impl Key {
    /// `None` if the request has no id, and so asks for no idempotency.
    pub fn new(
        tenant: TenantId,
        principal: PrincipalId,
        method: &'static str,
        request_id: &str,
    ) -> Result<Option<Self>> {
        if request_id.is_empty() {
            return Ok(None);
        }
        let plain = request_id.bytes().all(|byte| byte.is_ascii_graphic());
        if request_id.len() > MAX_REQUEST_ID || !plain {
            return Err(Fault::invalid(
                "request_id",
                "must be at most 128 visible ASCII characters, for example a UUID",
            ));
        }
        Ok(Some(Self { tenant, principal, method, request_id: request_id.to_owned() }))
    }
}

/// SHA-256 of the request as it was sent, without its `request_id`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn of(canonical_request: &[u8]) -> Self {
        Self(Sha256::digest(canonical_request).into())
    }
}

/// What a claim found.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Claim {
    /// Do the write, then [`save`] its answer in the same transaction.
    New,
    /// Done before: this was the answer.
    Replay(Vec<u8>),
}

/// Takes the request id for this transaction, or finds the earlier answer.
///
/// An answer older than [`KEPT_FOR`] is as good as gone, purged or not.
pub async fn claim(tx: &mut Tx, key: &Key, digest: Digest, now: Timestamp) -> Result<Claim> {
    const EXPIRE: &str = "DELETE FROM idempotency WHERE tenant = $1 AND principal = $2 \
         AND method = $3 AND request_id = $4 AND created_at < $5";
    const CLAIM: &str = "INSERT INTO idempotency (tenant, principal, method, request_id, digest, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    const FIND: &str = "SELECT digest, response FROM idempotency WHERE tenant = $1 \
         AND principal = $2 AND method = $3 AND request_id = $4";
    macro_rules! keyed {
        ($sql:expr) => {
            sqlx::query($sql)
                .bind(key.tenant.uuid())
                .bind(key.principal.uuid())
                .bind(key.method)
                .bind(&key.request_id)
        };
    }
    sql!(tx.on(), |c| keyed!(EXPIRE).bind(now - KEPT_FOR).execute(c).await.map(drop))
        .map_err(Error::from)?;
    let claimed = sql!(tx.on(), |c| keyed!(CLAIM)
        .bind(digest.0.as_slice())
        .bind(now)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(Error::from)?;
    if claimed == 1 {
        return Ok(Claim::New);
    }
    let (before, response): (Vec<u8>, Option<Vec<u8>>) = sql!(tx.on(), |c| {
        let row = keyed!(FIND).fetch_one(c).await.map_err(Error::from)?;
        (row.try_get(0).map_err(Error::from)?, row.try_get(1).map_err(Error::from)?)
    });
    if before != digest.0 {
        return Err(Fault::new(&common::REQUEST_ID_REUSED));
    }
    match response {
        Some(response) => Ok(Claim::Replay(response)),
        None => Err(Fault::internal("a claim was committed without its answer")),
    }
}

/// Stores the answer of a claimed request.
pub async fn save(tx: &mut Tx, key: &Key, response: &[u8]) -> Result<()> {
    const SAVE: &str = "UPDATE idempotency SET response = $5 WHERE tenant = $1 AND principal = $2 \
         AND method = $3 AND request_id = $4";
    let saved = sql!(tx.on(), |c| sqlx::query(SAVE)
        .bind(key.tenant.uuid())
        .bind(key.principal.uuid())
        .bind(key.method)
        .bind(&key.request_id)
        .bind(response)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(Error::from)?;
    if saved == 1 { Ok(()) } else { Err(Fault::internal("save without a claim")) }
}

/// Deletes what has expired; returns how many. Run it now and then.
pub async fn purge(db: &Db, now: Timestamp) -> Result<u64> {
    const PURGE: &str = "DELETE FROM idempotency WHERE created_at < $1";
    let purged = sql!(db.write(), |c| sqlx::query(PURGE)
        .bind(now - KEPT_FOR)
        .execute(c)
        .await
        .map(|done| done.rows_affected()))
    .map_err(Error::from)?;
    Ok(purged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_are_checked() {
        let key = |id: &str| Key::new(TenantId::new(), PrincipalId::new(), "M", id);
        assert!(key("").unwrap().is_none());
        assert!(key("6f1e9c1e-0000-4000-8000-000000000001").unwrap().is_some());
        for bad in ["a b", "a\u{0}", "ä", &"x".repeat(129)] {
            assert_eq!(key(bad).unwrap_err().violations()[0].field, "request_id");
        }
    }
}
