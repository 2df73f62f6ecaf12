//! Certificates of destruction: crypto-shredding, shown. docs/keys.md documents
//! the JSON.

use std::sync::Arc;

use async_trait::async_trait;
use crypto::{KeyUse, encoding, statement};
use db::outbox::OutboxEvent;
use events::Draft;
use kernel::{Fault, Result, SharedClock, TenantId, Timestamp};
use keys::DataKeyCache;
use rpc::Cx;
use serde::Serialize;
use uuid::Uuid;

use crate::application::keys::custody::Custody;
use crate::application::keys::directory::Directory;
use crate::domain::{KeyHolder, Keyed};

const KIND: &str = "data-keys-destroyed";
const DESTROYED: &str = "dev.signet.envelope.data_key.destroyed";

/// What a service has destroyed.
pub struct Destruction {
    pub id: Uuid,
    pub tenant: TenantId,
    pub subject: String,
    /// SHA-256 of the wrapped keys.
    pub digests: Vec<[u8; 32]>,
    pub at: Timestamp,
}

/// A certificate as it is kept.
pub struct Issued {
    pub id: Uuid,
    pub serial: Uuid,
    pub tenant: TenantId,
    pub holder: String,
    pub subject: String,
    pub statement: String,
    pub event: Uuid,
    pub at: Timestamp,
}

/// The certificates, as stored.
#[async_trait]
pub trait IssuedCertificates: Send + Sync {
    async fn knows(&self, id: Uuid) -> Result<bool>;

    /// Stores it with its event; nothing if its id is there already.
    async fn add(&self, issued: &Issued, event: &OutboxEvent) -> Result<()>;

    /// Newest first.
    async fn list(
        &self,
        tenant: TenantId,
        subject: &str,
        before: Option<Uuid>,
        limit: i64,
    ) -> Result<Vec<Issued>>;
}

#[derive(Serialize)]
struct Statement<'a> {
    kind: &'static str,
    certificate: String,
    tenant: String,
    holder: &'a str,
    subject: &'a str,
    /// SHA-256 of each wrapped key, base64url.
    wrapped_sha256: Vec<String>,
    destroyed_at: i64,
    issued_at: i64,
}

#[derive(Clone)]
pub struct Certificates {
    pub issued: Arc<dyn IssuedCertificates>,
    pub directory: Directory,
    pub custody: Arc<Custody>,
    pub cache: Arc<DataKeyCache>,
    pub clock: SharedClock,
}

impl Certificates {
    pub async fn certify(&self, cx: &Cx, destroyed: Destruction) -> Result<()> {
        // They open nothing any more, so nothing here may open by them either.
        self.cache.evict(destroyed.tenant);
        if self.issued.knows(destroyed.id).await? {
            return Ok(());
        }
        let (holder, now) = (cx.caller().name(), self.clock.now());
        let digest = |digest: &[u8; 32]| encoding::encode(digest);
        let said = Statement {
            kind: KIND,
            certificate: format!("certificates/{}", destroyed.id),
            tenant: format!("tenants/{}", destroyed.tenant),
            holder,
            subject: &destroyed.subject,
            wrapped_sha256: destroyed.digests.iter().map(digest).collect(),
            destroyed_at: destroyed.at.timestamp(),
            issued_at: now.timestamp(),
        };
        let statement = self.sign(destroyed.tenant, &said).await?;
        let hash = crypto::provider::default().sha256(&[statement.as_bytes()]);
        let subject = destroyed.subject.clone();
        let event = Draft::of_service("envelope", destroyed.tenant, DESTROYED, subject)
            .with("holder", holder)
            .with("count", destroyed.digests.len())
            .with("certificate", &said.certificate)
            .with("certificate_digest", hex::encode(hash))
            .finish(now)?;
        let issued = Issued {
            id: destroyed.id,
            serial: Uuid::now_v7(),
            tenant: destroyed.tenant,
            holder: holder.to_owned(),
            subject: destroyed.subject.clone(),
            statement,
            event: event.id.uuid(),
            at: now,
        };
        self.issued.add(&issued, &event).await
    }

    async fn sign(&self, tenant: TenantId, said: &Statement<'_>) -> Result<String> {
        let key = self.directory.of_service(tenant, (KeyHolder::Envelope, KeyUse::Sign)).await?;
        let keyed = key.primary().filter(Keyed::may_protect);
        let keyed = keyed.ok_or_else(|| Fault::internal("the certifying key is not usable"))?;
        let private = self.custody.private(tenant, &keyed).await?;
        statement::sign(&private, said).map_err(Fault::internal)
    }
}
