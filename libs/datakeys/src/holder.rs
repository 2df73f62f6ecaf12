//! What a service that keeps wrapped data keys has to offer, so that they can be
//! moved to another version of the KEK.

use async_trait::async_trait;
use kernel::{Result, TenantId};

use crate::Binding;

/// The wrapped keys that are fine: `lower <= wrapped < upper`, byte by byte, as
/// PostgreSQL and SQLite compare them too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub lower: Vec<u8>,
    pub upper: Vec<u8>,
}

/// A wrapped key beside its object.
pub struct Held {
    /// The holder's own name for the object, at most 256 bytes; [`Holder::page`]
    /// goes on after it.
    pub row: Vec<u8>,
    pub wrapped: Vec<u8>,
    pub binding: Binding,
}

/// The same key, wrapped anew.
pub struct Swap {
    pub row: Vec<u8>,
    pub old: Vec<u8>,
    pub new: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Outside the range.
    pub remaining: i64,
    /// Inside.
    pub current: i64,
}

/// A service's wrapped keys.
#[async_trait]
pub trait Holder: Send + Sync {
    /// Up to `limit` of a tenant's keys that are outside the range, in the order
    /// of their rows, after the row `after` (empty: from the beginning).
    async fn page(
        &self,
        tenant: TenantId,
        range: &Range,
        after: &[u8],
        limit: i64,
    ) -> Result<Vec<Held>>;

    /// Replaces each key that is still `old` with `new`, in one transaction; says
    /// how many. A row that has changed or is gone is left alone.
    async fn swap(&self, tenant: TenantId, swaps: &[Swap]) -> Result<u64>;

    /// All of a tenant's keys, as one moment shows them.
    async fn count(&self, tenant: TenantId, range: &Range) -> Result<Counts>;
}
