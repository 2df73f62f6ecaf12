//! Keys in the process, over Redis: public halves, states, and private halves as
//! they are stored. Those are ciphertext twice over (PKCS#8 under a data key, and
//! that under the tenant's KEK), so Redis never holds what opens anything.

use std::sync::Arc;

use async_trait::async_trait;
use cache::{Cache, MetadataOnly, Settings};
use db::{Db, Error};
use kernel::{Fault, Result, SharedClock, TenantId};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio_util::sync::CancellationToken;

use super::key_rows::{Row, gather};
use super::keys::rows_of;
use crate::application::ports::KnownKeys;
use crate::domain::{Key, KeyName, Keyed};

/// A clone is the same caches.
#[derive(Clone)]
pub struct CachedKeys {
    db: Db,
    /// Which key a thumbprint belongs to. That never changes.
    names: Cache<KnownName>,
    keys: Cache<KnownKey>,
}

/// The id of a key.
#[derive(Clone, Serialize, Deserialize)]
struct KnownName(String);

/// Ids of keys are chosen by administrators to be read by everybody in the
/// tenant, and in Redis they lie under a keyed hash.
impl MetadataOnly for KnownName {}

/// A key, and the rows that it came from, which are what is shared.
#[derive(Clone)]
struct KnownKey {
    key: Arc<Key>,
    rows: Arc<Vec<Row>>,
}

/// Public halves, states, times and owners' ids; private halves only wrapped. The
/// tenant's labels are left out.
impl MetadataOnly for KnownKey {}

impl KnownKey {
    /// None without rows.
    fn of(rows: Vec<Row>) -> Result<Option<Self>> {
        let key = gather(rows.clone())?.pop();
        Ok(key.map(|key| Self { key: Arc::new(key), rows: Arc::new(rows) }))
    }
}

impl Serialize for KnownKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.rows.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for KnownKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let known = Self::of(Vec::deserialize(deserializer)?);
        known.ok().flatten().ok_or_else(|| D::Error::custom("expected the rows of a key"))
    }
}

impl CachedKeys {
    pub fn new(db: Db, settings: &Settings, clock: &SharedClock) -> Result<Self> {
        Ok(Self {
            db,
            names: Cache::new("envelope.key_name", settings, Arc::clone(clock))?,
            keys: Cache::new("envelope.key", settings, Arc::clone(clock))?,
        })
    }

    /// Keeps the connections to Redis until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        tokio::join!(self.names.run(stop.clone()), self.keys.run(stop));
    }

    /// Whether Redis is connected and trusted.
    pub fn is_shared(&self) -> bool {
        self.names.is_shared() && self.keys.is_shared()
    }

    async fn by_kid(&self, tenant: TenantId, kid: &str) -> Result<Option<Keyed>> {
        const NAME: &str = "SELECT key_id FROM key_versions WHERE tenant = $1 AND kid = $2";
        let at = place(tenant, kid);
        let name = self.names.get_or_load(&at, || async {
            let id: Option<String> = db::sql!(self.db.read(), |c| sqlx::query_scalar(NAME)
                .bind(tenant.uuid())
                .bind(kid)
                .fetch_optional(c)
                .await)
            .map_err(Error::from)?;
            Ok::<_, Fault>(id.map(KnownName))
        });
        let Some(KnownName(id)) = name.await? else { return Ok(None) };
        let at = place(tenant, &id);
        let key = self
            .keys
            .get_or_load(&at, || async { KnownKey::of(rows_of(&self.db, tenant, &id).await?) });
        let Some(KnownKey { key, .. }) = key.await? else { return Ok(None) };
        // Not there: the version is newer than what is known.
        let version = key.versions.iter().find(|version| version.kid == kid).cloned();
        Ok(version.map(|version| Keyed { head: key.head.clone(), version }))
    }
}

#[async_trait]
impl KnownKeys for CachedKeys {
    async fn by_kids(&self, tenant: TenantId, kids: &[String]) -> Result<Vec<Keyed>> {
        let mut found = Vec::with_capacity(kids.len());
        for kid in kids {
            found.extend(self.by_kid(tenant, kid).await?);
        }
        Ok(found)
    }

    async fn changed(&self, tenant: TenantId, id: &KeyName) {
        // Where it cannot be sent, what decides is confirmed at the source.
        let _reach = self.keys.invalidate(&place(tenant, id.as_str())).await;
    }
}

fn place(tenant: TenantId, name: &str) -> Vec<u8> {
    [tenant.uuid().as_bytes().as_slice(), name.as_bytes()].concat()
}
