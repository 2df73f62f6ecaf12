//! The wrapped placeholder secrets, for the rotation of the KEK: one a tenant.

use async_trait::async_trait;
use datakeys::table::{self, Column};
use datakeys::{Counts, Held, Holder, Range, Swap};
use db::{Db, Error};
use kernel::{Result, TenantId};

use super::data_keys::binding;
use crate::application::ports::PLACEHOLDER_SECRET;

pub struct HeldKeys(pub Db);

#[async_trait]
impl Holder for HeldKeys {
    async fn page(
        &self,
        tenant: TenantId,
        range: &Range,
        after: &[u8],
        _: i64,
    ) -> Result<Vec<Held>> {
        const FIND: &str = "SELECT wrapped FROM placeholder_secrets \
             WHERE tenant = $1 AND (wrapped < $2 OR wrapped >= $3)";
        if !after.is_empty() {
            return Ok(Vec::new());
        }
        let found: Vec<Vec<u8>> = db::sql!(self.0.read(), |c| sqlx::query_scalar(FIND)
            .bind(tenant.uuid())
            .bind(range.lower.as_slice())
            .bind(range.upper.as_slice())
            .fetch_all(c)
            .await)
        .map_err(Error::from)?;
        let held = |wrapped| Held {
            row: tenant.uuid().as_bytes().to_vec(),
            wrapped,
            binding: binding(PLACEHOLDER_SECRET, &tenant.to_string()),
        };
        Ok(found.into_iter().map(held).collect())
    }

    async fn swap(&self, tenant: TenantId, swaps: &[Swap]) -> Result<u64> {
        const SWAP: &str = "UPDATE placeholder_secrets SET wrapped = $1 \
             WHERE wrapped = $2 AND tenant = $3";
        table::swap(&self.0, SWAP, swaps, |_| Ok(vec![Column::Uuid(tenant.uuid())])).await
    }

    async fn count(&self, tenant: TenantId, range: &Range) -> Result<Counts> {
        const COUNT: &str = "SELECT count(*), count(*) FILTER (WHERE wrapped < $1 OR wrapped >= $2) \
             FROM placeholder_secrets WHERE tenant = $3";
        table::count(&self.0, COUNT, Some(tenant), range).await
    }
}
