//! Several providers as one: the real Vault and a keyring.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod conformance;
mod place;

use std::collections::HashMap;
use std::sync::Arc;

use conformance::context;
use kernel::{Result, SystemClock, TenantId};
use keys::vault::{VaultKms, VaultSettings};
use keys::{DataKey, Kms, Provider, Router, WrappedKey, reasons};
use place::{Place, open};
use testkit::vault::{Vault, vault};

struct Both {
    place: Place,
    vault: Vault,
    settings: VaultSettings,
}

impl Both {
    fn new() -> Self {
        let (place, vault) = (Place::new(), vault().unwrap());
        vault.run(&["secrets", "enable", "transit"]).unwrap();
        let token = place.secret("token", vault.root_token());
        let settings = serde_json::json!({
            "address": vault.address(),
            "auth": { "method": "token_file", "path": token },
        });
        Self { place, settings: serde_json::from_value(settings).unwrap(), vault }
    }

    async fn local(&self) -> Arc<dyn Kms> {
        open(&self.place.by_key()).await.unwrap()
    }

    fn remote(&self) -> Arc<dyn Kms> {
        Arc::new(VaultKms::new(&self.settings, SystemClock::shared()).unwrap())
    }

    /// On the keyring, but for these tenants.
    async fn router(&self, on_vault: &[TenantId]) -> Arc<dyn Kms> {
        let tenants = on_vault.iter().map(|tenant| (*tenant, Provider::Vault)).collect();
        Arc::new(Router::new(self.local().await, [self.remote()], tenants).unwrap())
    }
}

async fn keys(kms: &dyn Kms, tenant: TenantId, count: usize) -> Vec<DataKey> {
    let contexts: Vec<_> = (0..count).map(context).collect();
    kms.generate(tenant, &contexts).await.unwrap()
}

fn providers(keys: &[Result<WrappedKey>]) -> Vec<Provider> {
    keys.iter().map(|key| key.as_ref().unwrap().provider()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_whichever_is_the_default() {
    let both = Both::new();
    conformance::all(both.router(&[]).await).await;
    let default_vault = Router::new(both.remote(), [both.local().await], HashMap::new()).unwrap();
    conformance::all(Arc::new(default_vault)).await;
}

/// The main job: a tenant of a keyring is put on Vault and moved, key by key.
#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_moves_from_one_provider_to_the_other_and_back() {
    let both = Both::new();
    let (tenant, other) = (TenantId::new(), TenantId::new());
    let before = both.router(&[]).await;
    let old = keys(&*before, tenant, 3).await;
    // Put on Vault: new keys there, old ones still read, in any mixture and order.
    let after = both.router(&[tenant]).await;
    assert_eq!(after.provider(tenant), Provider::Vault);
    assert_eq!(after.provider(other), Provider::Local);
    assert_eq!(keys(&*after, other, 1).await[0].wrapped.provider(), Provider::Local);
    let new = keys(&*after, tenant, 3).await;
    let mixed: Vec<&DataKey> = vec![&new[0], &old[1], &old[0], &new[1], &old[2], &new[2]];
    let items: Vec<_> =
        mixed.iter().map(|key| key.wrapped.clone()).zip([0, 1, 0, 1, 2, 2].map(context)).collect();
    for (key, opened) in mixed.iter().zip(after.unwrap(tenant, &items).await.unwrap()) {
        assert!(opened.unwrap().expose() == key.plaintext.expose());
    }
    // Rewrapped, all are on Vault, bound as before.
    let moved = after.rewrap(tenant, &items).await.unwrap();
    assert_eq!(providers(&moved), [Provider::Vault; 6]);
    let moved: Vec<_> = moved.into_iter().map(Result::unwrap).collect();
    let renewed: Vec<_> =
        moved.iter().cloned().zip(items.iter().map(|(_, context)| context.clone())).collect();
    for (key, opened) in mixed.iter().zip(both.remote().unwrap(tenant, &renewed).await.unwrap()) {
        assert!(opened.unwrap().expose() == key.plaintext.expose());
    }
    let elsewhere = [(moved[1].clone(), context(9))];
    assert!(after.unwrap(tenant, &elsewhere).await.unwrap()[0].is_err());
    // What it left behind is reached by name, and can be destroyed there.
    let left = after.at(Provider::Local).unwrap();
    assert_eq!(left.versions(tenant).await.unwrap().len(), 1);
    let unused = left.rotate(tenant).await.unwrap();
    left.destroy_below(tenant, unused).await.unwrap();
    assert!(after.unwrap(tenant, &items).await.unwrap()[1].is_err());
    for opened in after.unwrap(tenant, &renewed).await.unwrap() {
        opened.unwrap();
    }
    // And back.
    let back = before.rewrap(tenant, &renewed).await.unwrap();
    assert_eq!(providers(&back), [Provider::Local; 6]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_key_on_the_way_is_answered_by_itself() {
    let both = Both::new();
    let tenant = TenantId::new();
    let old = keys(&*both.router(&[]).await, tenant, 3).await;
    let items: Vec<_> =
        old.iter().map(|key| key.wrapped.clone()).zip([0, 9, 2].map(context)).collect();
    let moved = both.router(&[tenant]).await.rewrap(tenant, &items).await.unwrap();
    let good: Vec<_> = moved.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, false, true]);
    assert_eq!(moved[1].as_ref().unwrap_err().reason(), &reasons::DATA_KEY_UNREADABLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn health_is_that_of_the_providers_that_tenants_are_on() {
    let mut both = Both::new();
    let tenant = TenantId::new();
    let (used, unused) = (both.router(&[tenant]).await, both.router(&[]).await);
    used.health().await.unwrap();
    both.vault.stop();
    assert_eq!(used.health().await.unwrap_err().reason(), &reasons::KMS_UNAVAILABLE);
    unused.health().await.unwrap();
    // Who is not on Vault goes on.
    keys(&*used, TenantId::new(), 1).await;
    assert!(used.generate(tenant, &[context(0)]).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_twice_or_absent_is_a_misconfiguration() {
    let place = Place::new();
    let kms = open(&place.by_key()).await.unwrap();
    let absent = HashMap::from([(TenantId::new(), Provider::Vault)]);
    for (further, tenants) in [(vec![kms.clone()], HashMap::new()), (vec![], absent)] {
        let fault = Router::new(kms.clone(), further, tenants).err().unwrap();
        assert_eq!(fault.reason(), &reasons::KMS_MISCONFIGURED);
    }
}
