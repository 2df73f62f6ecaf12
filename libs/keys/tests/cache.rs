//! The cache's bounds, and that an eviction beats whatever is under way.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use kernel::{Fault, ManualClock, Result, SystemClock, TenantId, Timestamp};
use keys::local::{LocalKms, LocalSettings};
use keys::{
    CacheSettings, Context, DataKey, DataKeyCache, KekVersion, Kms, PlaintextKey, Provider,
    WrappedKey,
};
use tokio::sync::Semaphore;

/// A real keyring that counts what it is asked, and waits for leave to answer.
struct Counted {
    kms: LocalKms,
    asked: AtomicUsize,
    leave: Semaphore,
    _directory: tempfile::TempDir,
}

impl Counted {
    async fn new() -> Arc<Self> {
        let directory = tempfile::tempdir().unwrap();
        let key = directory.path().join("key");
        keys::create_key_file(&key).unwrap();
        let settings = LocalSettings {
            path: directory.path().join("keyring"),
            passphrase_file: None,
            key_file: Some(key),
            create: true,
        };
        let kms = LocalKms::open(&settings, SystemClock::shared()).await.unwrap();
        let leave = Semaphore::new(Semaphore::MAX_PERMITS);
        Arc::new(Self { kms, asked: AtomicUsize::new(0), leave, _directory: directory })
    }

    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }

    async fn keys(&self, tenant: TenantId, count: usize) -> Vec<(WrappedKey, Context)> {
        let contexts: Vec<_> = (0..count).map(context).collect();
        let keys = self.kms.generate(tenant, &contexts).await.unwrap();
        keys.into_iter().map(|key| key.wrapped).zip(contexts).collect()
    }
}

#[async_trait]
impl Kms for Counted {
    fn provider(&self, tenant: TenantId) -> Provider {
        self.kms.provider(tenant)
    }

    fn at(&self, provider: Provider) -> Option<&dyn Kms> {
        self.kms.at(provider)
    }

    async fn generate(&self, tenant: TenantId, contexts: &[Context]) -> Result<Vec<DataKey>> {
        self.kms.generate(tenant, contexts).await
    }

    async fn wrap(
        &self,
        tenant: TenantId,
        keys: &[(PlaintextKey, Context)],
    ) -> Result<Vec<WrappedKey>> {
        self.kms.wrap(tenant, keys).await
    }

    async fn unwrap(
        &self,
        tenant: TenantId,
        keys: &[(WrappedKey, Context)],
    ) -> Result<Vec<Result<PlaintextKey>>> {
        self.asked.fetch_add(keys.len(), Ordering::SeqCst);
        let _leave = self.leave.acquire().await.map_err(Fault::internal)?;
        self.kms.unwrap(tenant, keys).await
    }

    async fn rewrap(
        &self,
        tenant: TenantId,
        keys: &[(WrappedKey, Context)],
    ) -> Result<Vec<Result<WrappedKey>>> {
        self.kms.rewrap(tenant, keys).await
    }

    async fn rotate(&self, tenant: TenantId) -> Result<u32> {
        self.kms.rotate(tenant).await
    }

    async fn versions(&self, tenant: TenantId) -> Result<Vec<KekVersion>> {
        self.kms.versions(tenant).await
    }

    async fn destroy_below(&self, tenant: TenantId, version: u32) -> Result<()> {
        self.kms.destroy_below(tenant, version).await
    }

    async fn health(&self) -> Result<()> {
        self.kms.health().await
    }
}

fn context(id: usize) -> Context {
    Context::new([("id", id.to_string())]).unwrap()
}

fn clock() -> Arc<ManualClock> {
    ManualClock::at(Timestamp::from_timestamp(1_800_000_000, 0).unwrap())
}

async fn ask(
    cache: &DataKeyCache,
    kms: &Counted,
    tenant: TenantId,
    keys: &[(WrappedKey, Context)],
) {
    for result in cache.unwrap(kms, tenant, keys).await.unwrap() {
        result.unwrap();
    }
}

#[tokio::test]
async fn asks_only_for_what_it_does_not_hold_and_keeps_the_order() {
    let (kms, tenant) = (Counted::new().await, TenantId::new());
    let cache = DataKeyCache::new(CacheSettings::default(), clock());
    let keys = kms.keys(tenant, 5).await;
    ask(&cache, &kms, tenant, &keys[1..3]).await;
    assert_eq!(kms.asked(), 2);
    let cached = cache.unwrap(&*kms, tenant, &keys).await.unwrap();
    assert_eq!(kms.asked(), 3);
    let direct = kms.kms.unwrap(tenant, &keys).await.unwrap();
    for (cached, direct) in cached.into_iter().zip(direct) {
        assert!(cached.unwrap().expose() == direct.unwrap().expose());
    }
    ask(&cache, &kms, tenant, &keys).await;
    assert_eq!(kms.asked(), 0);
}

#[tokio::test]
async fn holds_nothing_for_another_context_or_tenant_and_no_failures() {
    let (kms, tenant) = (Counted::new().await, TenantId::new());
    let cache = DataKeyCache::new(CacheSettings::default(), clock());
    let keys = kms.keys(tenant, 1).await;
    ask(&cache, &kms, tenant, &keys).await;
    let moved = [(keys[0].0.clone(), context(9))];
    for _ in 0..2 {
        assert!(cache.unwrap(&*kms, tenant, &moved).await.unwrap()[0].is_err());
        assert!(cache.unwrap(&*kms, TenantId::new(), &keys).await.unwrap()[0].is_err());
    }
    assert_eq!(kms.asked(), 5);
    assert_eq!(cache.len(), 1);
}

#[tokio::test]
async fn a_key_is_dropped_after_its_age() {
    let (kms, tenant, clock) = (Counted::new().await, TenantId::new(), clock());
    let cache = DataKeyCache::new(CacheSettings::default(), clock.clone());
    let keys = kms.keys(tenant, 2).await;
    ask(&cache, &kms, tenant, &keys[..1]).await;
    clock.advance(chrono::Duration::seconds(200));
    ask(&cache, &kms, tenant, &keys).await;
    assert_eq!(kms.asked(), 2);
    // Use does not lengthen a key's life.
    clock.advance(chrono::Duration::seconds(100));
    cache.sweep();
    assert_eq!(cache.len(), 1);
    ask(&cache, &kms, tenant, &keys).await;
    assert_eq!(kms.asked(), 1);
    clock.advance(chrono::Duration::seconds(300));
    cache.sweep();
    assert!(cache.is_empty());
}

#[tokio::test]
async fn a_key_is_dropped_after_its_uses() {
    let (kms, tenant) = (Counted::new().await, TenantId::new());
    let settings = CacheSettings { max_uses: 3, ..CacheSettings::default() };
    let cache = DataKeyCache::new(settings, clock());
    let keys = kms.keys(tenant, 1).await;
    for _ in 0..9 {
        ask(&cache, &kms, tenant, &keys).await;
    }
    assert_eq!(kms.asked(), 3);
}

#[tokio::test]
async fn holds_so_many_and_drops_the_one_used_longest_ago() {
    let (kms, tenant) = (Counted::new().await, TenantId::new());
    let settings = CacheSettings { max_keys: 2, ..CacheSettings::default() };
    let cache = DataKeyCache::new(settings, clock());
    let keys = kms.keys(tenant, 3).await;
    ask(&cache, &kms, tenant, &keys[..2]).await;
    ask(&cache, &kms, tenant, &keys[..1]).await;
    ask(&cache, &kms, tenant, &keys[2..]).await;
    assert_eq!((cache.len(), kms.asked()), (2, 3));
    ask(&cache, &kms, tenant, &keys[..1]).await;
    assert_eq!(kms.asked(), 0);
    ask(&cache, &kms, tenant, &keys[1..2]).await;
    assert_eq!(kms.asked(), 1);
    let off = DataKeyCache::new(CacheSettings { max_keys: 0, ..settings }, clock());
    ask(&off, &kms, tenant, &keys).await;
    assert!(off.is_empty());
}

#[tokio::test]
async fn eviction_lets_go_of_every_reference() {
    let (kms, tenant, other) = (Counted::new().await, TenantId::new(), TenantId::new());
    let cache = DataKeyCache::new(CacheSettings::default(), clock());
    let (keys, others) = (kms.keys(tenant, 3).await, kms.keys(other, 2).await);
    let held = cache.unwrap(&*kms, tenant, &keys[..1]).await.unwrap().remove(0).unwrap();
    ask(&cache, &kms, tenant, &keys).await;
    ask(&cache, &kms, other, &others).await;
    assert_eq!(Arc::strong_count(&held), 2);
    cache.evict(tenant);
    // The last reference wipes the key: it is the caller's now.
    assert_eq!(Arc::strong_count(&held), 1);
    assert_eq!(cache.len(), 2);
    cache.evict_all();
    assert!(cache.is_empty());
}

/// Revoked between the provider's answer and the caching of it.
#[tokio::test]
async fn an_answer_under_way_is_not_kept_after_an_eviction() {
    let (kms, tenant) = (Counted::new().await, TenantId::new());
    let cache = Arc::new(DataKeyCache::new(CacheSettings::default(), clock()));
    let keys = kms.keys(tenant, 1).await;
    kms.leave.forget_permits(Semaphore::MAX_PERMITS);
    let asking = {
        let (cache, kms, keys) = (cache.clone(), kms.clone(), keys.clone());
        tokio::spawn(async move { ask(&cache, &kms, tenant, &keys).await })
    };
    while kms.asked.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    cache.evict(tenant);
    kms.leave.add_permits(1);
    asking.await.unwrap();
    assert!(cache.is_empty());
    ask(&cache, &kms, tenant, &keys).await;
    assert_eq!(cache.len(), 1);
}

#[tokio::test]
async fn no_setting_fills_the_memory_with_keys() {
    let (kms, tenant) = (Counted::new().await, TenantId::new());
    let settings = CacheSettings { max_keys: usize::MAX, ..CacheSettings::default() };
    let cache = DataKeyCache::new(settings, SystemClock::shared());
    let some = kms.keys(tenant, 1_000).await;
    let mut held = 0;
    for _ in 0..30 {
        let keys = kms.keys(tenant, 1_000).await;
        cache.unwrap(kms.as_ref(), tenant, &keys).await.unwrap();
        held = cache.len();
    }
    assert!(held > 5_000 && held * 100 < 4 << 20, "{held}");
    let newest = cache.unwrap(kms.as_ref(), tenant, &some).await.unwrap();
    assert!(newest.iter().all(Result::is_ok) && cache.len() == held);
}
