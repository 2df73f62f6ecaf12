//! Epochs of tenants' keys in memory.

use async_trait::async_trait;
use db::outbox::{self, OutboxEvent};
use db::{Db, Error, Tx};
use kernel::{Fault, Result, TenantId};

use crate::application::ports::Epochs;

pub struct SqlEpochs(pub Db);

#[async_trait]
impl Epochs for SqlEpochs {
    async fn current(&self, tenant: TenantId) -> Result<i64> {
        const CURRENT: &str = "SELECT epoch FROM key_epochs WHERE tenant = $1";
        let epoch: Option<i64> = db::sql!(self.0.read(), |c| sqlx::query_scalar(CURRENT)
            .bind(tenant.uuid())
            .fetch_optional(c)
            .await)
        .map_err(Error::from)?;
        Ok(epoch.unwrap_or_default())
    }

    async fn advance(&self, tenant: TenantId, event: &OutboxEvent) -> Result<i64> {
        db::retry!(async {
            let mut tx = self.0.begin("advance_key_epoch").await?;
            let epoch = advance(&mut tx, tenant).await?;
            outbox::put(&mut tx, std::slice::from_ref(event)).await?;
            tx.commit().await?;
            Ok::<_, Fault>(epoch)
        })
    }
}

/// Ends the life of the tenant's unwrapped data keys in every process's memory,
/// when the transaction commits: for whatever makes a KEK version unusable.
pub(super) async fn advance(tx: &mut Tx, tenant: TenantId) -> Result<i64> {
    const ADVANCE: &str = "INSERT INTO key_epochs (tenant, epoch) VALUES ($1, 1) \
         ON CONFLICT (tenant) DO UPDATE SET epoch = key_epochs.epoch + 1 RETURNING epoch";
    let epoch: i64 =
        db::sql!(tx.on(), |c| sqlx::query_scalar(ADVANCE).bind(tenant.uuid()).fetch_one(c).await)
            .map_err(Error::from)?;
    Ok(epoch)
}
