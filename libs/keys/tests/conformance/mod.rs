//! What every provider must do, whichever it is.

use std::sync::Arc;

use kernel::{Kind, TenantId};
use keys::{Context, KekState, Kms, MAX_BATCH, PlaintextKey, Provider, WrappedKey, reasons};

pub(crate) async fn all(kms: Arc<dyn Kms>) {
    kms.health().await.unwrap();
    what_was_generated_is_unwrapped(&*kms).await;
    what_was_wrapped_is_unwrapped(&*kms).await;
    a_key_opens_for_its_tenant_and_context_only(&*kms).await;
    one_bad_item_does_not_spoil_a_batch(&*kms).await;
    batches_of_any_size_keep_their_order(&*kms).await;
    older_versions_unwrap_and_rewrap_moves_to_the_newest(&*kms).await;
    unknown_tenants_and_versions_are_errors(&*kms).await;
    altered_keys_are_unreadable(&*kms).await;
    keys_of_other_providers_are_answered_by_themselves(&*kms).await;
    versions_are_listed_and_destroyed_from_below(&*kms).await;
    what_stays_cannot_be_destroyed(&*kms).await;
    racing_for_the_first_key_makes_one(kms.clone()).await;
    rotation_does_not_disturb_those_at_work(kms).await;
}

pub(crate) fn context(id: impl ToString) -> Context {
    Context::new([("kind", "test".to_owned()), ("id", id.to_string())]).unwrap()
}

async fn one(kms: &dyn Kms, tenant: TenantId) -> (PlaintextKey, WrappedKey) {
    let key = kms.generate(tenant, &[context(0)]).await.unwrap().remove(0);
    (key.plaintext, key.wrapped)
}

async fn unwrap(
    kms: &dyn Kms,
    tenant: TenantId,
    key: &WrappedKey,
    context: Context,
) -> kernel::Result<PlaintextKey> {
    let mut results = kms.unwrap(tenant, &[(key.clone(), context)]).await.unwrap();
    assert_eq!(results.len(), 1);
    results.remove(0)
}

fn reason<T>(result: kernel::Result<T>) -> &'static kernel::Reason {
    match result {
        Ok(_) => panic!("should have failed"),
        Err(fault) => fault.reason(),
    }
}

async fn what_was_generated_is_unwrapped(kms: &dyn Kms) {
    let tenant = TenantId::new();
    let (plain, wrapped) = one(kms, tenant).await;
    assert_eq!(wrapped.provider(), kms.provider(tenant));
    assert!(wrapped.to_bytes().starts_with(&WrappedKey::prefix(wrapped.provider(), 1)));
    assert!(kms.at(wrapped.provider()).is_some());
    assert_eq!(wrapped.version(), 1);
    let stored = WrappedKey::parse(&wrapped.to_bytes()).unwrap();
    assert!(unwrap(kms, tenant, &stored, context(0)).await.unwrap().expose() == plain.expose());
    let (other, again) = one(kms, tenant).await;
    assert!(other.expose() != plain.expose());
    assert_ne!(again, wrapped);
    assert!(!wrapped.to_bytes().windows(8).any(|part| part == &plain.expose()[..8]));
    assert!(kms.generate(tenant, &[]).await.unwrap().is_empty());
    assert!(kms.unwrap(tenant, &[]).await.unwrap().is_empty());
}

async fn what_was_wrapped_is_unwrapped(kms: &dyn Kms) {
    let tenant = TenantId::new();
    let keys = [[1; 32], [2; 32]].map(|bytes| PlaintextKey::from_slice(&bytes).unwrap());
    let items: Vec<_> = keys.into_iter().zip([context(1), context(2)]).collect();
    let wrapped = kms.wrap(tenant, &items).await.unwrap();
    for (n, wrapped) in (1..).zip(&wrapped) {
        let key = unwrap(kms, tenant, wrapped, context(n)).await.unwrap();
        assert!(*key.expose() == [n; 32]);
    }
    // Never the same ciphertext twice, so equal keys do not show.
    assert_ne!(kms.wrap(tenant, &items).await.unwrap(), wrapped);
}

async fn a_key_opens_for_its_tenant_and_context_only(kms: &dyn Kms) {
    let (tenant, other) = (TenantId::new(), TenantId::new());
    let (_, wrapped) = one(kms, tenant).await;
    one(kms, other).await;
    let wrong = unwrap(kms, tenant, &wrapped, context(1)).await;
    assert_eq!(reason(wrong), &reasons::DATA_KEY_UNREADABLE);
    let foreign = unwrap(kms, other, &wrapped, context(0)).await;
    assert_eq!(reason(foreign), &reasons::DATA_KEY_UNREADABLE);
    let mut moved = kms.rewrap(tenant, &[(wrapped, context(1))]).await.unwrap();
    assert_eq!(reason(moved.remove(0)), &reasons::DATA_KEY_UNREADABLE);
}

async fn one_bad_item_does_not_spoil_a_batch(kms: &dyn Kms) {
    let tenant = TenantId::new();
    let keys = kms.generate(tenant, &[context(0), context(1), context(2)]).await.unwrap();
    let items: Vec<_> =
        keys.iter().map(|key| key.wrapped.clone()).zip([0, 9, 2].map(context)).collect();
    let unwrapped = kms.unwrap(tenant, &items).await.unwrap();
    let good: Vec<_> = unwrapped.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, false, true]);
    for n in [0, 2] {
        assert!(unwrapped[n].as_ref().is_ok_and(|key| key.expose() == keys[n].plaintext.expose()));
    }
    let rewrapped = kms.rewrap(tenant, &items).await.unwrap();
    let good: Vec<_> = rewrapped.iter().map(Result::is_ok).collect();
    assert_eq!(good, [true, false, true]);
}

/// Up to, at and above what goes to a provider at once.
async fn batches_of_any_size_keep_their_order(kms: &dyn Kms) {
    let tenant = TenantId::new();
    // AWS KMS takes one key a call: no border between batches could be missed.
    let aws = kms.provider(TenantId::SYSTEM) == Provider::Aws;
    let batch = if aws { 50 } else { MAX_BATCH };
    for size in [0, 1, 2, batch - 1, batch, batch + 1, batch * 2 + 1] {
        let contexts: Vec<_> = (0..size).map(context).collect();
        let keys = kms.generate(tenant, &contexts).await.unwrap();
        assert_eq!(keys.len(), size);
        let items: Vec<_> = keys.iter().map(|key| key.wrapped.clone()).zip(contexts).collect();
        let rewrapped = kms.rewrap(tenant, &items).await.unwrap();
        assert_eq!(rewrapped.len(), size);
        let rewrapped = rewrapped.into_iter().zip(&items);
        let renewed: Vec<_> =
            rewrapped.map(|(key, (_, context))| (key.unwrap(), context.clone())).collect();
        for items in [&items, &renewed] {
            let unwrapped = kms.unwrap(tenant, items).await.unwrap();
            assert_eq!(unwrapped.len(), size);
            for (key, unwrapped) in keys.iter().zip(&unwrapped) {
                assert!(unwrapped.as_ref().is_ok_and(|own| own.expose() == key.plaintext.expose()));
            }
        }
        let opened = kms.unwrap(tenant, &items).await.unwrap().into_iter().map(Result::unwrap);
        let again: Vec<_> = opened.zip(items.iter().map(|(_, context)| context.clone())).collect();
        assert_eq!(kms.wrap(tenant, &again).await.unwrap().len(), size);
    }
}

/// Rotations, destructions and use at the same time: no call fails, and nothing
/// under a version that was never destroyed is lost.
async fn rotation_does_not_disturb_those_at_work(kms: Arc<dyn Kms>) {
    let tenant = TenantId::new();
    let (plain, first) = one(&*kms, tenant).await;
    let workers: Vec<_> = (0..8)
        .map(|_| {
            let (kms, first) = (kms.clone(), first.clone());
            tokio::spawn(async move {
                let mut made = Vec::new();
                for _ in 0..5 {
                    made.push(one(&*kms, tenant).await);
                    let items = [(first.clone(), context(0))];
                    unwrap(&*kms, tenant, &first, context(0)).await.unwrap();
                    kms.rewrap(tenant, &items).await.unwrap().remove(0).unwrap();
                }
                made
            })
        })
        .collect();
    for version in 2..=5 {
        assert_eq!(kms.rotate(tenant).await.unwrap(), version);
        kms.destroy_below(tenant, 1).await.unwrap();
    }
    for worker in workers {
        for (plain, wrapped) in worker.await.unwrap() {
            let key = unwrap(&*kms, tenant, &wrapped, context(0)).await.unwrap();
            assert!(key.expose() == plain.expose());
        }
    }
    let items = [(first, context(0))];
    let last = kms.rewrap(tenant, &items).await.unwrap().remove(0).unwrap();
    assert_eq!(last.version(), 5);
    kms.destroy_below(tenant, 5).await.unwrap();
    assert!(unwrap(&*kms, tenant, &last, context(0)).await.unwrap().expose() == plain.expose());
}

async fn older_versions_unwrap_and_rewrap_moves_to_the_newest(kms: &dyn Kms) {
    let tenant = TenantId::new();
    let (plain, first) = one(kms, tenant).await;
    assert_eq!(kms.rotate(tenant).await.unwrap(), 2);
    assert_eq!(one(kms, tenant).await.1.version(), 2);
    assert!(unwrap(kms, tenant, &first, context(0)).await.unwrap().expose() == plain.expose());
    let second = kms.rewrap(tenant, &[(first, context(0))]).await.unwrap().remove(0).unwrap();
    assert_eq!(second.version(), 2);
    assert!(unwrap(kms, tenant, &second, context(0)).await.unwrap().expose() == plain.expose());
    assert_eq!(
        reason(unwrap(kms, tenant, &second, context(1)).await),
        &reasons::DATA_KEY_UNREADABLE
    );
    // A rotation makes the key if there is none.
    assert_eq!(kms.rotate(TenantId::new()).await.unwrap(), 2);
}

async fn unknown_tenants_and_versions_are_errors(kms: &dyn Kms) {
    let tenant = TenantId::new();
    let (_, wrapped) = one(kms, tenant).await;
    let stranger = unwrap(kms, TenantId::new(), &wrapped, context(0)).await;
    assert_eq!(reason(stranger), &reasons::KEK_VERSION_UNAVAILABLE);
    let mut bytes = wrapped.to_bytes();
    bytes[5] = 77;
    let later = WrappedKey::parse(&bytes).unwrap();
    let fault = unwrap(kms, tenant, &later, context(0)).await.err().unwrap();
    assert_eq!(fault.reason(), &reasons::KEK_VERSION_UNAVAILABLE);
    let moved = kms.rewrap(tenant, &[(later, context(0))]).await.unwrap().remove(0);
    assert_eq!(reason(moved), &reasons::KEK_VERSION_UNAVAILABLE);
}

async fn altered_keys_are_unreadable(kms: &dyn Kms) {
    let tenant = TenantId::new();
    let (_, wrapped) = one(kms, tenant).await;
    let bytes = wrapped.to_bytes();
    let altered: Vec<_> = (6..bytes.len())
        .map(|at| {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1;
            (WrappedKey::parse(&bytes).unwrap(), context(0))
        })
        .collect();
    for result in kms.unwrap(tenant, &altered).await.unwrap() {
        let fault = result.err().unwrap();
        assert_eq!(fault.reason(), &reasons::DATA_KEY_UNREADABLE);
        assert_eq!(fault.kind(), Kind::DataLoss);
    }
}

/// Another provider's form is not tried at all, and does not spoil the batch.
async fn keys_of_other_providers_are_answered_by_themselves(kms: &dyn Kms) {
    let tenant = TenantId::new();
    let (_, own) = one(kms, tenant).await;
    let others = Provider::ALL.into_iter().filter(|other| kms.at(*other).is_none());
    let foreign = others.map(|other| {
        let stored = [&WrappedKey::prefix(other, 1)[..], &[7; 60]].concat();
        WrappedKey::parse(&stored).unwrap()
    });
    let items: Vec<_> =
        foreign.flat_map(|foreign| [(foreign, context(0)), (own.clone(), context(0))]).collect();
    assert!(!items.is_empty());
    let unwrapped = kms.unwrap(tenant, &items).await.unwrap();
    let rewrapped = kms.rewrap(tenant, &items).await.unwrap();
    assert_eq!((unwrapped.len(), rewrapped.len()), (items.len(), items.len()));
    for (at, (unwrapped, rewrapped)) in unwrapped.into_iter().zip(rewrapped).enumerate() {
        if at % 2 == 0 {
            assert_eq!(reason(unwrapped), &reasons::DATA_KEY_UNREADABLE);
            assert_eq!(reason(rewrapped), &reasons::DATA_KEY_UNREADABLE);
        } else {
            assert!(unwrapped.is_ok() && rewrapped.is_ok());
        }
    }
}

/// Without those that only wait for their end.
async fn numbers(kms: &dyn Kms, tenant: TenantId) -> Vec<(u32, KekState)> {
    let mut versions = kms.versions(tenant).await.unwrap();
    versions.retain(|version| version.state != KekState::Destroying);
    versions.iter().map(|version| (version.number, version.state)).collect()
}

async fn versions_are_listed_and_destroyed_from_below(kms: &dyn Kms) {
    let (tenant, other) = (TenantId::new(), TenantId::new());
    assert_eq!(kms.versions(tenant).await.unwrap(), []);
    let mut keys = Vec::new();
    for version in 1..=4 {
        if version > 1 {
            assert_eq!(kms.rotate(tenant).await.unwrap(), version);
        }
        keys.push(one(kms, tenant).await);
    }
    let (_, of_other) = one(kms, other).await;
    use KekState::{Primary, UnwrapOnly};
    let all = [(1, UnwrapOnly), (2, UnwrapOnly), (3, UnwrapOnly), (4, Primary)];
    assert_eq!(numbers(kms, tenant).await, all);
    let versions = kms.versions(tenant).await.unwrap();
    assert!(versions.is_sorted_by_key(|version| version.created), "{versions:?}");
    kms.destroy_below(tenant, 1).await.unwrap();
    assert_eq!(numbers(kms, tenant).await, all);
    // Twice, and once more for less: that changes nothing.
    for version in [3, 3, 2] {
        kms.destroy_below(tenant, version).await.unwrap();
        assert_eq!(numbers(kms, tenant).await, all[2..]);
    }
    let items: Vec<_> = keys.iter().map(|(_, key)| (key.clone(), context(0))).collect();
    let unwrapped = kms.unwrap(tenant, &items).await.unwrap();
    let rewrapped = kms.rewrap(tenant, &items).await.unwrap();
    for (at, (unwrapped, rewrapped)) in unwrapped.into_iter().zip(rewrapped).enumerate() {
        if at < 2 {
            assert_eq!(reason(unwrapped), &reasons::KEK_VERSION_UNAVAILABLE);
            assert_eq!(reason(rewrapped), &reasons::KEK_VERSION_UNAVAILABLE);
        } else {
            assert!(unwrapped.unwrap().expose() == keys[at].0.expose());
            assert_eq!(rewrapped.unwrap().version(), 4);
        }
    }
    // Numbers go on, and neighbours keep theirs.
    kms.destroy_below(tenant, 4).await.unwrap();
    assert_eq!(kms.rotate(tenant).await.unwrap(), 5);
    assert_eq!(numbers(kms, tenant).await, [(4, UnwrapOnly), (5, Primary)]);
    unwrap(kms, other, &of_other, context(0)).await.unwrap();
}

async fn what_stays_cannot_be_destroyed(kms: &dyn Kms) {
    let tenant = TenantId::new();
    let nobody = kms.destroy_below(tenant, 1).await;
    assert_eq!(reason(nobody), &reasons::KEK_VERSION_NOT_DESTROYABLE);
    assert_eq!(kms.versions(tenant).await.unwrap(), []);
    let (plain, wrapped) = one(kms, tenant).await;
    for version in [2, u32::MAX] {
        let refused = kms.destroy_below(tenant, version).await;
        assert_eq!(reason(refused), &reasons::KEK_VERSION_NOT_DESTROYABLE);
    }
    kms.destroy_below(tenant, 0).await.unwrap();
    assert!(unwrap(kms, tenant, &wrapped, context(0)).await.unwrap().expose() == plain.expose());
}

async fn racing_for_the_first_key_makes_one(kms: Arc<dyn Kms>) {
    let tenant = TenantId::new();
    let racers: Vec<_> = (0..16)
        .map(|_| {
            let kms = kms.clone();
            tokio::spawn(async move { one(&*kms, tenant).await })
        })
        .collect();
    for racer in racers {
        let (plain, wrapped) = racer.await.unwrap();
        assert_eq!(wrapped.version(), 1);
        let key = unwrap(&*kms, tenant, &wrapped, context(0)).await.unwrap();
        assert!(key.expose() == plain.expose());
    }
}
