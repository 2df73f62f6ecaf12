//! Blobs that no revision refers to.

use async_trait::async_trait;
use cas::{Address, BlobName};
use db::{Db, Error};
use kernel::{Fault, Result, TenantId, Timestamp};
use uuid::Uuid;

use super::rows::address;
use crate::application::ports::LooseBlobs;

pub struct SqlLooseBlobs(pub Db);

#[async_trait]
impl LooseBlobs for SqlLooseBlobs {
    async fn announce(&self, blob: &BlobName, now: Timestamp) -> Result<()> {
        const ANNOUNCE: &str =
            "INSERT INTO loose_blobs (address, tenant, since, doomed) VALUES ($1, $2, $3, FALSE)";
        db::sql!(self.0.write(), |c| sqlx::query(ANNOUNCE)
            .bind(blob.address.as_bytes().as_slice())
            .bind(blob.tenant.uuid())
            .bind(now)
            .execute(c)
            .await
            .map(drop))
        .map_err(Error::from)?;
        Ok(())
    }

    async fn doom(&self, cutoff: Timestamp, limit: i64) -> Result<Vec<BlobName>> {
        const DOOM: &str =
            "UPDATE loose_blobs SET doomed = TRUE WHERE doomed = FALSE AND since < $1";
        const DOOMED: &str =
            "SELECT tenant, address FROM loose_blobs WHERE doomed = TRUE ORDER BY since LIMIT $1";
        let rows: Vec<(Uuid, Vec<u8>)> = db::retry!(async {
            let mut tx = self.0.begin("doom_blobs").await?;
            db::sql!(tx.on(), |c| sqlx::query(DOOM).bind(cutoff).execute(c).await.map(drop))
                .map_err(Error::from)?;
            let rows = db::sql!(tx.on(), |c| sqlx::query_as(DOOMED).bind(limit).fetch_all(c).await)
                .map_err(Error::from)?;
            tx.commit().await?;
            Ok::<_, Fault>(rows)
        })?;
        rows.into_iter()
            .map(|(tenant, bytes)| {
                let found: Address = address(&bytes)?;
                Ok(BlobName::new(TenantId::from_uuid(tenant), found))
            })
            .collect()
    }

    async fn forget(&self, blob: &BlobName) -> Result<()> {
        const FORGET: &str = "DELETE FROM loose_blobs WHERE address = $1 AND doomed = TRUE";
        db::sql!(self.0.write(), |c| sqlx::query(FORGET)
            .bind(blob.address.as_bytes().as_slice())
            .execute(c)
            .await
            .map(drop))
        .map_err(Error::from)?;
        Ok(())
    }
}
