//! What is certified at the end of a rotation. docs/keys.md documents the JSON.

use kernel::{Fault, Result, Timestamp};
use serde::Serialize;

use crate::domain::{Retired, Rotation};

const KIND: &str = "kek-versions-retired";

#[derive(Serialize)]
pub(super) struct RetiredStatement<'a> {
    kind: &'static str,
    tenant: String,
    rotation: String,
    /// Wraps nothing that lives any more.
    retired: &'a [Retired],
    /// What wraps instead.
    target: Target,
    /// Who has counted, and what.
    holders: Vec<Holder<'a>>,
    /// A key made under an older version cannot have been stored after this.
    settled_at: i64,
    /// Seconds since 1970, as all times here.
    issued_at: i64,
}

#[derive(Serialize)]
struct Target {
    provider: &'static str,
    from_version: u32,
}

#[derive(Serialize)]
struct Holder<'a> {
    holder: &'a str,
    remaining: i64,
    current: i64,
    counted_at: i64,
}

/// What a job that waits for nobody any more has shown.
pub(super) fn retired(rotation: &Rotation, now: Timestamp) -> Result<RetiredStatement<'_>> {
    let mut holders = Vec::with_capacity(rotation.holders.len());
    for one in &rotation.holders {
        let count = one.count.filter(|count| rotation.is_proof(count));
        let count = count.ok_or_else(|| Fault::internal("a holder has not counted"))?;
        holders.push(Holder {
            holder: &one.holder,
            remaining: count.remaining,
            current: count.current,
            counted_at: count.at.timestamp(),
        });
    }
    Ok(RetiredStatement {
        kind: KIND,
        tenant: format!("tenants/{}", rotation.tenant),
        rotation: rotation.name(),
        retired: &rotation.retires,
        target: Target { provider: rotation.provider.name(), from_version: rotation.version },
        holders,
        settled_at: rotation.settled.timestamp(),
        issued_at: now.timestamp(),
    })
}
