//! Asking the envelope service for data keys, and remembering for a while what
//! it has unwrapped.

use std::sync::Arc;
use std::time::Duration;

use kernel::{Fault, Result, SharedClock, TenantId};
use keys::{CacheSettings, DataKeyCache, PlaintextKey};
use proto::envelope::v1::data_key_service_client::DataKeyServiceClient;
use proto::envelope::v1::{
    GenerateDataKeysRequest, GetKeyEpochRequest, UnwrapDataKeysRequest, WrappedDataKey,
};
use rpc::{Cx, PeerChannel, Peers};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::Binding;
use crate::epochs::Epochs;

/// The largest batch that the envelope service takes at once; longer ones are cut.
const MOST: usize = 1_000;
/// Keys that nobody uses any more are wiped within this time after their age is over.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// On whose behalf keys are asked for: a tenant's user, or the service itself,
/// whose keys are those of the mesh's own tenant.
#[derive(Clone, Copy)]
pub enum For<'a> {
    Call(&'a Cx),
    Service,
}

impl For<'_> {
    fn tenant(self) -> TenantId {
        match self {
            Self::Call(cx) => cx.tenant(),
            Self::Service => TenantId::SYSTEM,
        }
    }
}

/// A new data key: use the plaintext at once, store the wrapped form beside the
/// object.
pub struct NewKey {
    pub plain: Arc<PlaintextKey>,
    pub wrapped: Vec<u8>,
}

/// The envelope service's data keys. Clones share one cache.
#[derive(Clone)]
pub struct DataKeys {
    peers: Peers,
    cache: Arc<DataKeyCache>,
    epochs: Arc<Epochs>,
}

impl DataKeys {
    /// Keys that were unwrapped are kept in memory as long as `settings` allow: an
    /// object that is read again costs no call, but for one a second and tenant
    /// that asks whether everything is to be forgotten.
    pub fn new(peers: Peers, settings: CacheSettings, clock: SharedClock) -> Self {
        let cache = Arc::new(DataKeyCache::new(settings, clock));
        Self { peers, cache, epochs: Arc::default() }
    }

    /// One new key a binding, in their order.
    pub async fn generate(&self, on: For<'_>, bindings: &[Binding]) -> Result<Vec<NewKey>> {
        let mut made = Vec::with_capacity(bindings.len());
        for some in bindings.chunks(MOST) {
            let contexts = some.iter().map(Binding::message).collect();
            let answer =
                self.client(on).generate_data_keys(GenerateDataKeysRequest { contexts }).await;
            let keys = answer.map_err(|status| rpc::fault_of(&status))?.into_inner().keys;
            if keys.len() != some.len() {
                return Err(Fault::internal("not one data key a binding came"));
            }
            for key in keys {
                let plain = Arc::new(plaintext(key.plaintext)?);
                made.push(NewKey { plain, wrapped: key.wrapped });
            }
        }
        Ok(made)
    }

    /// [`Self::generate`] for one object.
    pub async fn generate_one(&self, on: For<'_>, binding: Binding) -> Result<NewKey> {
        let made = self.generate(on, &[binding]).await?.pop();
        made.ok_or_else(|| Fault::internal("no data key came"))
    }

    /// All of them, in their order, or none: DATA_KEY_REJECTED for one that is
    /// damaged or was made for something else.
    pub async fn unwrap(
        &self,
        on: For<'_>,
        keys: &[(Vec<u8>, Binding)],
    ) -> Result<Vec<Arc<PlaintextKey>>> {
        let tenant = on.tenant();
        self.confirm(on, tenant).await;
        let ids: Vec<_> = keys
            .iter()
            .map(|(wrapped, binding)| keys::cache_id(tenant, wrapped, &binding.encode()))
            .collect();
        let opened = self
            .cache
            .through(tenant, &ids, |missing| async move {
                let mut opened = Vec::with_capacity(missing.len());
                for some in missing.chunks(MOST) {
                    let asked = some.iter().filter_map(|index| keys.get(*index));
                    opened.extend(self.ask(on, asked).await?.into_iter().map(Ok));
                }
                Ok(opened)
            })
            .await?;
        opened.into_iter().collect()
    }

    /// [`Self::unwrap`] for one object.
    pub async fn unwrap_one(
        &self,
        on: For<'_>,
        wrapped: &[u8],
        binding: Binding,
    ) -> Result<Arc<PlaintextKey>> {
        let opened = self.unwrap(on, &[(wrapped.to_vec(), binding)]).await?.pop();
        opened.ok_or_else(|| Fault::internal("no data key came"))
    }

    /// Wipes one key from memory: after its wrapped form was destroyed.
    pub fn forget(&self, tenant: TenantId, wrapped: &[u8], binding: &Binding) {
        self.cache.forget(&keys::cache_id(tenant, wrapped, &binding.encode()));
    }

    /// What is remembered, for invalidation.
    pub fn cache(&self) -> &Arc<DataKeyCache> {
        &self.cache
    }

    /// Wipes what has become too old, until `stop`: a task of the service.
    pub async fn sweep(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.cache.sweep_every(SWEEP_EVERY)).await;
    }

    /// What is in memory is used only in the epoch that it was unwrapped in; with
    /// no answer, it is wiped, and the envelope service is asked for each key.
    async fn confirm(&self, on: For<'_>, tenant: TenantId) {
        if !self.epochs.is_due(tenant) {
            return;
        }
        let asked = Instant::now();
        let holds = match self.client(on).get_key_epoch(GetKeyEpochRequest {}).await {
            Ok(answer) => self.epochs.note(tenant, answer.into_inner().epoch, asked),
            Err(_) => {
                self.epochs.forget(tenant);
                false
            }
        };
        if !holds {
            self.cache.evict(tenant);
        }
    }

    async fn ask<'a>(
        &self,
        on: For<'_>,
        keys: impl Iterator<Item = &'a (Vec<u8>, Binding)>,
    ) -> Result<Vec<PlaintextKey>> {
        let keys: Vec<_> = keys
            .map(|(wrapped, binding)| WrappedDataKey {
                wrapped: wrapped.clone(),
                context: Some(binding.message()),
            })
            .collect();
        let count = keys.len();
        let answer = self.client(on).unwrap_data_keys(UnwrapDataKeysRequest { keys }).await;
        let plaintexts = answer.map_err(|status| rpc::fault_of(&status))?.into_inner().plaintexts;
        if plaintexts.len() != count {
            return Err(Fault::internal("not one data key a wrapped one came"));
        }
        plaintexts.into_iter().map(plaintext).collect()
    }

    fn client(&self, on: For<'_>) -> DataKeyServiceClient<PeerChannel> {
        DataKeyServiceClient::new(match on {
            For::Call(cx) => self.peers.on_behalf(cx),
            For::Service => self.peers.for_self(),
        })
    }
}

fn plaintext(bytes: Vec<u8>) -> Result<PlaintextKey> {
    let bytes = Zeroizing::new(bytes);
    PlaintextKey::from_slice(&bytes).ok_or_else(|| Fault::internal("a data key has not 32 bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_of_another_length_is_refused() {
        assert!(plaintext(vec![0; 32]).is_ok());
        assert!(plaintext(vec![0; 31]).is_err() && plaintext(Vec::new()).is_err());
    }
}
