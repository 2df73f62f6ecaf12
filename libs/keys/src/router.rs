//! Several providers behind one: each tenant is on one of them, and what it
//! left on another is still read.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Fault, Result, TenantId};

use crate::context::Context;
use crate::key::{DataKey, PlaintextKey};
use crate::kms::{KekVersion, Kms};
use crate::reasons;
use crate::wrapped::{Provider, WrappedKey};

/// New keys are wrapped by the tenant's provider. A wrapped key says which one
/// wrapped it, and that one unwraps it, whoever the tenant's provider is now. To
/// rewrap it is to unwrap it there and wrap it here: so a tenant moves.
///
/// Versions, rotation and destruction are those of the tenant's provider; for
/// what it left behind there is [`Kms::at`].
pub struct Router {
    providers: BTreeMap<Provider, Arc<dyn Kms>>,
    default: Provider,
    tenants: HashMap<TenantId, Provider>,
}

impl Router {
    /// `tenants` are those that are not on the default provider. A provider that
    /// is named but not given is a fault.
    pub fn new(
        default: Arc<dyn Kms>,
        further: impl IntoIterator<Item = Arc<dyn Kms>>,
        tenants: HashMap<TenantId, Provider>,
    ) -> Result<Self> {
        let name = |kms: &Arc<dyn Kms>| kms.provider(TenantId::SYSTEM);
        let misconfigured = |note: String| Fault::new(&reasons::KMS_MISCONFIGURED).with_note(note);
        let default_name = name(&default);
        let mut providers = BTreeMap::new();
        for kms in [default].into_iter().chain(further) {
            let name = name(&kms);
            if providers.insert(name, kms).is_some() {
                return Err(misconfigured(format!("provider {name} is configured twice")));
            }
        }
        if let Some(absent) = tenants.values().find(|name| !providers.contains_key(name)) {
            return Err(misconfigured(format!("a tenant is on {absent}, which is not configured")));
        }
        Ok(Self { providers, default: default_name, tenants })
    }

    fn of(&self, tenant: TenantId) -> Result<&dyn Kms> {
        self.at(self.provider(tenant)).ok_or_else(|| Fault::internal("a provider is missing"))
    }

    /// For each provider the positions of its keys.
    fn split(keys: &[(WrappedKey, Context)]) -> BTreeMap<Provider, Vec<usize>> {
        let mut parts = BTreeMap::<_, Vec<_>>::new();
        for (at, (key, _)) in keys.iter().enumerate() {
            parts.entry(key.provider()).or_default().push(at);
        }
        parts
    }

    /// From one provider to the tenant's own.
    async fn carry(
        &self,
        tenant: TenantId,
        from: &dyn Kms,
        keys: &[(WrappedKey, Context)],
    ) -> Result<Vec<Result<WrappedKey>>> {
        let (mut opened, mut outcomes) = (Vec::new(), Vec::with_capacity(keys.len()));
        for (key, (_, context)) in from.unwrap(tenant, keys).await?.into_iter().zip(keys) {
            outcomes.push(key.map(|key| opened.push((key, context.clone()))));
        }
        let mut wrapped = self.of(tenant)?.wrap(tenant, &opened).await?.into_iter();
        let outcomes = outcomes.into_iter();
        Ok(outcomes
            .map(|outcome| outcome.and_then(|()| wrapped.next().ok_or_else(short_answer)))
            .collect())
    }
}

/// Puts the answers of one provider where the questions stood.
struct Answers<T>(Vec<Option<Result<T>>>);

impl<T> Answers<T> {
    fn new(size: usize) -> Self {
        Self(std::iter::repeat_with(|| None).take(size).collect())
    }

    fn put(&mut self, positions: &[usize], answers: Vec<Result<T>>) {
        for (at, answer) in positions.iter().zip(answers) {
            if let Some(place) = self.0.get_mut(*at) {
                *place = Some(answer);
            }
        }
    }

    fn all(self) -> Vec<Result<T>> {
        self.0.into_iter().map(|answer| answer.unwrap_or_else(|| Err(short_answer()))).collect()
    }
}

fn short_answer() -> Fault {
    Fault::internal("a key provider answered fewer keys than asked for")
}

/// What nobody here can open is said of each key.
fn unknown<T>(provider: Provider, count: usize) -> Vec<Result<T>> {
    let fault = || {
        Fault::new(&reasons::DATA_KEY_UNREADABLE)
            .with_note(format!("wrapped by {provider}, which is not configured"))
    };
    (0..count).map(|_| Err(fault())).collect()
}

fn part(keys: &[(WrappedKey, Context)], positions: &[usize]) -> Vec<(WrappedKey, Context)> {
    positions.iter().filter_map(|at| keys.get(*at)).cloned().collect()
}

#[async_trait]
impl Kms for Router {
    fn provider(&self, tenant: TenantId) -> Provider {
        self.tenants.get(&tenant).copied().unwrap_or(self.default)
    }

    fn at(&self, provider: Provider) -> Option<&dyn Kms> {
        self.providers.get(&provider).map(AsRef::as_ref)
    }

    async fn generate(&self, tenant: TenantId, contexts: &[Context]) -> Result<Vec<DataKey>> {
        self.of(tenant)?.generate(tenant, contexts).await
    }

    async fn wrap(
        &self,
        tenant: TenantId,
        keys: &[(PlaintextKey, Context)],
    ) -> Result<Vec<WrappedKey>> {
        self.of(tenant)?.wrap(tenant, keys).await
    }

    async fn unwrap(
        &self,
        tenant: TenantId,
        keys: &[(WrappedKey, Context)],
    ) -> Result<Vec<Result<PlaintextKey>>> {
        let mut answers = Answers::new(keys.len());
        for (provider, positions) in Self::split(keys) {
            let keys = part(keys, &positions);
            let answer = match self.at(provider) {
                Some(kms) => kms.unwrap(tenant, &keys).await?,
                None => unknown(provider, keys.len()),
            };
            answers.put(&positions, answer);
        }
        Ok(answers.all())
    }

    async fn rewrap(
        &self,
        tenant: TenantId,
        keys: &[(WrappedKey, Context)],
    ) -> Result<Vec<Result<WrappedKey>>> {
        let mut answers = Answers::new(keys.len());
        for (provider, positions) in Self::split(keys) {
            let keys = part(keys, &positions);
            let answer = match self.at(provider) {
                Some(kms) if provider == self.provider(tenant) => kms.rewrap(tenant, &keys).await?,
                Some(kms) => self.carry(tenant, kms, &keys).await?,
                None => unknown(provider, keys.len()),
            };
            answers.put(&positions, answer);
        }
        Ok(answers.all())
    }

    async fn rotate(&self, tenant: TenantId) -> Result<u32> {
        self.of(tenant)?.rotate(tenant).await
    }

    async fn versions(&self, tenant: TenantId) -> Result<Vec<KekVersion>> {
        self.of(tenant)?.versions(tenant).await
    }

    async fn destroy_below(&self, tenant: TenantId, version: u32) -> Result<()> {
        self.of(tenant)?.destroy_below(tenant, version).await
    }

    /// Fails if a provider that a tenant is on does. The others are asked too,
    /// since that keeps their log-ins alive.
    async fn health(&self) -> Result<()> {
        let mut outcome = Ok(());
        for (name, kms) in &self.providers {
            let needed = *name == self.default || self.tenants.values().any(|of| of == name);
            let answer = kms.health().await;
            if needed {
                outcome = outcome.and(answer);
            }
        }
        outcome
    }
}
