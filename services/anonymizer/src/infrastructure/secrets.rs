use async_trait::async_trait;
use db::{Db, Error};
use kernel::{Fault, Result, SharedClock, TenantId};

use crate::application::ports::StoredSecrets;

pub struct SqlSecrets {
    pub db: Db,
    pub clock: SharedClock,
}

#[async_trait]
impl StoredSecrets for SqlSecrets {
    async fn find(&self, tenant: TenantId) -> Result<Option<Vec<u8>>> {
        const FIND: &str = "SELECT wrapped FROM placeholder_secrets WHERE tenant = $1";
        let found = db::sql!(self.db.read(), |c| sqlx::query_scalar(FIND)
            .bind(tenant.uuid())
            .fetch_optional(c)
            .await)
        .map_err(Error::from)?;
        Ok(found)
    }

    async fn keep_first(&self, tenant: TenantId, wrapped: Vec<u8>) -> Result<Vec<u8>> {
        const KEEP: &str = "INSERT INTO placeholder_secrets (tenant, wrapped, created_at) VALUES ($1, $2, $3) \
             ON CONFLICT DO NOTHING";
        db::sql!(self.db.write(), |c| sqlx::query(KEEP)
            .bind(tenant.uuid())
            .bind(wrapped.as_slice())
            .bind(self.clock.now())
            .execute(c)
            .await
            .map(drop))
        .map_err(Error::from)?;
        self.find(tenant)
            .await?
            .ok_or_else(|| Fault::internal("the placeholder secret was not kept"))
    }
}
