//! The wrapped placeholder secrets, for the rotation of the KEK: one a tenant.

use async_trait::async_trait;
use datakeys::{Counts, Held, Holder, Range, Swap};
use db::{Db, Error};
use kernel::{Fault, Result, TenantId};

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
        const SWAP: &str = "UPDATE placeholder_secrets SET wrapped = $3 \
             WHERE tenant = $1 AND wrapped = $2";
        db::retry!(async {
            let mut tx = self.0.begin("swap_placeholder_secret").await?;
            let mut swapped = 0;
            for swap in swaps {
                swapped += db::sql!(tx.on(), |c| sqlx::query(SWAP)
                    .bind(tenant.uuid())
                    .bind(swap.old.as_slice())
                    .bind(swap.new.as_slice())
                    .execute(c)
                    .await
                    .map(|done| done.rows_affected()))
                .map_err(Error::from)?;
            }
            tx.commit().await?;
            Ok::<_, Fault>(swapped)
        })
    }

    async fn count(&self, tenant: TenantId, range: &Range) -> Result<Counts> {
        const COUNT: &str = "SELECT count(*), count(*) FILTER (WHERE wrapped < $2 OR wrapped >= $3) \
             FROM placeholder_secrets WHERE tenant = $1";
        let (all, remaining): (i64, i64) = db::sql!(self.0.read(), |c| sqlx::query_as(COUNT)
            .bind(tenant.uuid())
            .bind(range.lower.as_slice())
            .bind(range.upper.as_slice())
            .fetch_one(c)
            .await)
        .map_err(Error::from)?;
        Ok(Counts { remaining, current: all - remaining })
    }
}
