//! The wrapped keys, as the rotation of the KEK pages through and replaces them.

use boot::Service as _;
use datakeys::{Counts, Holder as _, Range, Swap};
use db::Db;
use kernel::TenantId;
use storage::Storage;
use storage::infrastructure::HeldKeys;

use crate::world::World;

/// The fake wraps as version 1, in four bytes: all is outside, until it says 2.
fn range() -> Range {
    Range { lower: vec![0, 0, 0, 2], upper: vec![0, 0, 1] }
}

fn swapped(old: &[u8]) -> Vec<u8> {
    let mut new = old.to_vec();
    new[3] = 2;
    new
}

db::both! { Storage::migrations() =>
    async fn all_keys_of_a_tenant_are_found_once(db: Db) {
        let world = World::new(&db);
        for text in ["a", "b", "c"] {
            let name = world.create(text).await.name;
            world.update(&name, "", "again").await.unwrap();
        }
        let (held, tenant) = (HeldKeys(db.clone()), world.user.tenant);
        let (mut after, mut found) = (Vec::new(), Vec::new());
        loop {
            let page = held.page(tenant, &range(), &after, 4).await.unwrap();
            assert!(page.len() <= 4);
            let Some(last) = page.last() else { break };
            after.clone_from(&last.row);
            found.extend(page.into_iter().map(|one| one.row));
        }
        assert_eq!(found.len(), 6);
        assert!(found.is_sorted());
        assert_eq!(held.count(tenant, &range()).await.unwrap(), Counts { remaining: 6, current: 0 });
        let other = TenantId::new();
        assert!(held.page(other, &range(), &[], 10).await.unwrap().is_empty());
        assert_eq!(held.count(other, &range()).await.unwrap(), Counts { remaining: 0, current: 0 });
        assert!(held.page(tenant, &range(), b"nonsense", 10).await.is_err());
    }

    async fn a_key_is_replaced_only_if_it_is_what_was_read(db: Db) {
        let world = World::new(&db);
        world.create("a").await;
        let deleted = world.create("b").await.name;
        let (held, tenant) = (HeldKeys(db.clone()), world.user.tenant);
        let page = held.page(tenant, &range(), &[], 10).await.unwrap();
        world.delete(&deleted, "").await.unwrap();
        let swaps: Vec<_> = page.iter().map(|one| Swap {
            row: one.row.clone(),
            old: one.wrapped.clone(),
            new: swapped(&one.wrapped),
        }).collect();
        let stale = Swap { row: page[0].row.clone(), old: vec![1], new: vec![2] };
        assert_eq!(held.swap(tenant, &[stale]).await.unwrap(), 0);
        assert_eq!(held.swap(tenant, &swaps).await.unwrap(), 1, "the other one is gone");
        assert_eq!(held.swap(tenant, &swaps).await.unwrap(), 0, "it has changed");
        assert_eq!(held.count(tenant, &range()).await.unwrap(), Counts { remaining: 0, current: 1 });
        assert!(held.page(tenant, &range(), &[], 10).await.unwrap().is_empty());
    }
}
