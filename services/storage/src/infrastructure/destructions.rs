//! Destroyed data keys that wait for their certificates.

use async_trait::async_trait;
use crypto::provider;
use db::{Db, Error, Tx};
use kernel::{PromptId, Result, TenantId, Timestamp};
use prost_types::Timestamp as Time;
use proto::envelope::v1::CertifyDestructionRequest;
use proto::envelope::v1::data_key_service_client::DataKeyServiceClient;
use rpc::Peers;
use sqlx::FromRow;
use uuid::Uuid;

use crate::application::ports::{Certifier, Destroyed, Destructions};
use crate::domain::Prompt;

const DIGEST: usize = 32;
/// In one certificate.
const MOST: usize = 500;

pub struct SqlDestructions(pub Db);

#[derive(FromRow)]
struct Row {
    id: Uuid,
    tenant: Uuid,
    prompt: Uuid,
    digests: Vec<u8>,
    destroyed_at: Timestamp,
}

#[async_trait]
impl Destructions for SqlDestructions {
    async fn pending(&self, after: Option<Uuid>, limit: i64) -> Result<Vec<Destroyed>> {
        const PENDING: &str = "SELECT id, tenant, prompt, digests, destroyed_at \
             FROM destructions WHERE id > $1 ORDER BY id LIMIT $2";
        let rows: Vec<Row> = db::sql!(self.0.read(), |c| sqlx::query_as(PENDING)
            .bind(after.unwrap_or_default())
            .bind(limit)
            .fetch_all(c)
            .await)
        .map_err(Error::from)?;
        let destroyed = |row: Row| Destroyed {
            id: row.id,
            tenant: TenantId::from_uuid(row.tenant),
            prompt: PromptId::from_uuid(row.prompt),
            digests: row.digests.chunks(DIGEST).map(<[u8]>::to_vec).collect(),
            at: row.destroyed_at,
        };
        Ok(rows.into_iter().map(destroyed).collect())
    }

    async fn certified(&self, id: Uuid) -> Result<()> {
        const CERTIFIED: &str = "DELETE FROM destructions WHERE id = $1";
        db::sql!(self.0.write(), |c| sqlx::query(CERTIFIED).bind(id).execute(c).await.map(drop))
            .map_err(Error::from)?;
        Ok(())
    }
}

/// Remembers, in the transaction that destroys them, what is to be certified.
pub(super) async fn put(
    tx: &mut Tx,
    prompt: &Prompt,
    wrapped: &[Vec<u8>],
    now: Timestamp,
) -> Result<()> {
    const PUT: &str = "INSERT INTO destructions (id, tenant, prompt, digests, destroyed_at) \
         VALUES ($1, $2, $3, $4, $5)";
    for some in wrapped.chunks(MOST) {
        let digests: Vec<u8> =
            some.iter().flat_map(|one| provider::default().sha256(&[one.as_slice()])).collect();
        db::sql!(tx.on(), |c| sqlx::query(PUT)
            .bind(Uuid::now_v7())
            .bind(prompt.tenant.uuid())
            .bind(prompt.id.uuid())
            .bind(digests.as_slice())
            .bind(now)
            .execute(c)
            .await
            .map(drop))
        .map_err(Error::from)?;
    }
    Ok(())
}

/// The envelope service.
pub struct PeerCertifier(pub Peers);

#[async_trait]
impl Certifier for PeerCertifier {
    async fn certify(&self, destroyed: &Destroyed) -> Result<()> {
        let request = CertifyDestructionRequest {
            id: destroyed.id.to_string(),
            tenant: format!("tenants/{}", destroyed.tenant),
            subject: format!("prompts/{}", destroyed.prompt),
            wrapped_digests: destroyed.digests.clone(),
            destroy_time: Some(Time { seconds: destroyed.at.timestamp(), nanos: 0 }),
        };
        let mut client = DataKeyServiceClient::new(self.0.for_self());
        let answer = client.certify_destruction(request).await;
        answer.map(drop).map_err(|status| rpc::fault_of(&status))
    }
}
