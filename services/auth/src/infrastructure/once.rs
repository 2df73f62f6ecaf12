//! A write that a retry does not repeat: what is remembered is the new row's id,
//! and the answer to a retry is made from the row. No secret is kept that way.

use db::Tx;
use db::idempotency::{self, Claim};
use kernel::{Fault, Result, Timestamp};
use uuid::Uuid;

use crate::application::ports::Once;

/// The id of the row made by an earlier request with the same id; else None,
/// and this transaction has the claim.
pub(super) async fn made_before(
    tx: &mut Tx,
    once: Option<&Once>,
    now: Timestamp,
) -> Result<Option<Uuid>> {
    let Some(once) = once else { return Ok(None) };
    match idempotency::claim(tx, &once.key, once.digest, now).await? {
        Claim::New => Ok(None),
        Claim::Replay(id) => Uuid::from_slice(&id).map(Some).map_err(Fault::internal),
    }
}

pub(super) async fn made(tx: &mut Tx, once: Option<&Once>, id: Uuid) -> Result<()> {
    match once {
        Some(once) => idempotency::save(tx, &once.key, id.as_bytes()).await,
        None => Ok(()),
    }
}
