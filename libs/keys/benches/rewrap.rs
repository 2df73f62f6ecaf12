//! Data keys on the real Vault: rewrapping in batches against one call an
//! object, and unwrapping from a warm cache against asking Vault. Prints one
//! ratio each, both sides taken in the same run against the same server.
//!
//! Needs `make tools`. `OBJECTS=5000` for a quick run.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark: prints, and ends where it fails"
)]

use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::{SystemClock, TenantId};
use keys::vault::{VaultKms, VaultSettings};
use keys::{CacheSettings, Context, DataKeyCache, Kms, MAX_BATCH, WrappedKey};
use tempfile::TempDir;
use testkit::vault::{Vault, vault};

/// As many as the issue asks about.
const OBJECTS: usize = 100_000;
/// Of these so many one by one: the time of one call does not depend on how many follow.
const ONE_BY_ONE: usize = 3_000;
/// Callers at a time, for those who would rewrap one by one but not in a row.
const CROWD: usize = 16;
const UNWRAPS: usize = 3_000;
const WARM_UNWRAPS: usize = 300_000;

type Item = (WrappedKey, Context);

fn main() {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(run());
}

async fn run() {
    let objects = std::env::var("OBJECTS").map_or(OBJECTS, |given| given.parse().unwrap());
    let (_vault, _files, kms) = start();
    let tenant = TenantId::new();
    let items = objects_of(&*kms, tenant, objects).await;
    kms.rotate(tenant).await.unwrap();
    rewrapping(&kms, tenant, &items).await;
    unwrapping(&*kms, tenant, &items[..UNWRAPS.min(objects)]).await;
}

fn start() -> (Vault, TempDir, Arc<dyn Kms>) {
    let vault = vault().unwrap();
    vault.run(&["secrets", "enable", "transit"]).unwrap();
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("token");
    std::fs::write(&path, vault.root_token()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let settings: VaultSettings = serde_json::from_value(serde_json::json!({
        "address": vault.address(),
        "auth": { "method": "token_file", "path": path },
    }))
    .unwrap();
    let kms = VaultKms::new(&settings, SystemClock::shared()).unwrap();
    (vault, files, Arc::new(kms))
}

async fn objects_of(kms: &dyn Kms, tenant: TenantId, count: usize) -> Vec<Item> {
    let contexts: Vec<Context> = (0..count)
        .map(|n| Context::new([("kind", "record".to_owned()), ("id", n.to_string())]).unwrap())
        .collect();
    let keys = kms.generate(tenant, &contexts).await.unwrap();
    keys.into_iter().map(|key| key.wrapped).zip(contexts).collect()
}

async fn rewrapping(kms: &Arc<dyn Kms>, tenant: TenantId, items: &[Item]) {
    let started = Instant::now();
    let mut moved = 0;
    for batch in items.chunks(MAX_BATCH) {
        for key in kms.rewrap(tenant, batch).await.unwrap() {
            assert_eq!(key.unwrap().version(), 2);
            moved += 1;
        }
    }
    assert_eq!(moved, items.len());
    let in_batches = started.elapsed() / u32::try_from(items.len()).unwrap();

    let few = &items[..ONE_BY_ONE.min(items.len())];
    let started = Instant::now();
    for item in few {
        rewrap_one(&**kms, tenant, item).await;
    }
    let in_a_row = started.elapsed() / u32::try_from(few.len()).unwrap();

    let started = Instant::now();
    let part = few.len().div_ceil(CROWD);
    let crowd: Vec<_> = few
        .chunks(part)
        .map(|part| {
            let (kms, part) = (kms.clone(), part.to_vec());
            tokio::spawn(async move {
                for item in &part {
                    rewrap_one(&*kms, tenant, item).await;
                }
            })
        })
        .collect();
    for caller in crowd {
        caller.await.unwrap();
    }
    let by_a_crowd = started.elapsed() / u32::try_from(few.len()).unwrap();

    let count = items.len();
    println!("rewrap {count} data keys on Vault, {MAX_BATCH} a call: {in_batches:?} a key");
    against("one call a key, in a row", in_a_row, in_batches, count);
    against(&format!("one call a key, {CROWD} at a time"), by_a_crowd, in_batches, count);
}

async fn rewrap_one(kms: &dyn Kms, tenant: TenantId, item: &Item) {
    let moved = kms.rewrap(tenant, std::slice::from_ref(item)).await.unwrap().remove(0);
    assert_eq!(moved.unwrap().version(), 2);
}

fn against(what: &str, theirs: Duration, ours: Duration, count: usize) {
    let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
    let whole = theirs * u32::try_from(count).unwrap();
    println!(
        "  {what}: {theirs:?} a key (measured on {ONE_BY_ONE}; {count} would take {whole:.1?}): {ratio:.1} x slower"
    );
}

async fn unwrapping(kms: &dyn Kms, tenant: TenantId, items: &[Item]) {
    let started = Instant::now();
    for item in items {
        let key = kms.unwrap(tenant, std::slice::from_ref(item)).await.unwrap().remove(0);
        assert!(key.is_ok());
    }
    let cold = started.elapsed() / u32::try_from(items.len()).unwrap();

    let cache = DataKeyCache::new(CacheSettings::default(), SystemClock::shared());
    for batch in items.chunks(MAX_BATCH) {
        cache.unwrap(kms, tenant, batch).await.unwrap();
    }
    let started = Instant::now();
    for item in items.iter().cycle().take(WARM_UNWRAPS) {
        let key = cache.unwrap(kms, tenant, std::slice::from_ref(item)).await.unwrap().remove(0);
        assert!(key.is_ok());
    }
    let warm = started.elapsed() / u32::try_from(WARM_UNWRAPS).unwrap();
    let ratio = cold.as_secs_f64() / warm.as_secs_f64();
    println!("unwrap a data key, warm cache: {warm:?}; uncached, on Vault: {cold:?}: {ratio:.0} x");
}
