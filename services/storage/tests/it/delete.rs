//! Deleting, and sweeping what no revision refers to.

use std::sync::atomic::Ordering;

use boot::Service as _;
use chrono::TimeDelta;
use db::Db;
use kernel::{Kind, PromptId};
use storage::Storage;
use storage::application::ports::{Prompts as _, Write};
use storage::domain::{Facts, Place, Prompt, Text};
use storage::infrastructure::SqlPrompts;

use crate::world::{World, refusal, refused};

fn text(text: &str) -> Text {
    Text::check("text", text.to_owned()).unwrap()
}

db::both! { Storage::migrations() =>
    async fn a_deleted_prompt_is_gone_with_its_keys_and_blobs(db: Db) {
        let world = World::new(&db);
        let first = world.create("one").await;
        let second = world.update(&first.name, "", "two").await.unwrap();
        let other = world.create("other").await.name;
        assert_eq!(refusal(world.delete(&first.name, &first.etag).await), refused("ETAG_MISMATCH"));
        assert_eq!(world.delete(&first.name, &second.etag).await, Ok(2));
        for revision in 0..3 {
            assert_eq!(refusal(world.text(&first.name, revision).await), refused("RESOURCE_NOT_FOUND"));
        }
        assert_eq!(refusal(world.update(&first.name, "", "x").await), refused("RESOURCE_NOT_FOUND"));
        assert_eq!(refusal(world.delete(&first.name, "").await), refused("RESOURCE_NOT_FOUND"));
        assert_eq!((world.count("revisions").await, world.count("loose_blobs").await), (1, 0));
        assert_eq!(world.blob_files().len(), 1);
        assert_eq!(world.text(&other, 0).await.unwrap(), "other");
        let events = world.events().await;
        let deleted = events.iter().find(|event| event.r#type.ends_with("deleted")).unwrap();
        assert_eq!(deleted.attributes[0].key, "data_keys_destroyed");
        assert_eq!(deleted.attributes[0].value, "2");
    }

    async fn keys_are_destroyed_even_while_the_blob_store_is_down(db: Db) {
        let world = World::new(&db);
        let name = world.create("text").await.name;
        world.blobs.down.store(true, Ordering::SeqCst);
        assert_eq!(world.delete(&name, "").await, Ok(1));
        assert_eq!((world.count("revisions").await, world.blob_files().len()), (0, 1));
        assert!(world.sweep.once().await.is_err());
        world.blobs.down.store(false, Ordering::SeqCst);
        assert_eq!(world.sweep.once().await.unwrap(), 1);
        assert_eq!((world.count("loose_blobs").await, world.blob_files().len()), (0, 0));
    }

    async fn a_blob_without_a_row_is_swept_after_an_hour(db: Db) {
        let world = World::new(&db);
        let kept = world.create("kept").await.name;
        // What a crash between blob and row leaves.
        let contents = &world.api.create.contents;
        contents.store(&world.cx(), PromptId::new(), 1, &text("lost")).await.unwrap();
        assert_eq!(world.blob_files().len(), 2);
        world.clock.advance(TimeDelta::minutes(59));
        assert_eq!(world.sweep.once().await.unwrap(), 0);
        world.clock.advance(TimeDelta::minutes(2));
        assert_eq!(world.sweep.once().await.unwrap(), 1);
        assert_eq!((world.count("loose_blobs").await, world.blob_files().len()), (0, 1));
        assert_eq!(world.text(&kept, 0).await.unwrap(), "kept");
    }

    async fn a_row_never_refers_to_a_swept_blob(db: Db) {
        let world = World::new(&db);
        let (id, now) = (PromptId::new(), world.api.create.contents.clock.now());
        let contents = &world.api.create.contents;
        let first = contents.store(&world.cx(), id, 1, &text("slow")).await.unwrap();
        world.clock.advance(TimeDelta::hours(2));
        world.sweep.once().await.unwrap();
        let prompt = Prompt {
            tenant: world.user.tenant,
            id,
            facts: Facts::default(),
            revision: 1,
            size: 4,
            created: now,
            updated: now,
        };
        let event = events::Draft::new(&world.cx(), "dev.signet.storage.prompt.created", "x");
        let write = Write { once: None, event: event.finish(now).unwrap(), now };
        let outcome = SqlPrompts(db.clone()).create(&prompt, &first, &write).await;
        assert_eq!(outcome.err().unwrap().kind(), Kind::Unavailable);
        assert_eq!((world.count("prompts").await, world.count("outbox").await), (0, 0));
    }

    async fn a_text_deleted_while_it_is_read_does_not_leave(db: Db) {
        let world = World::new(&db);
        let name = world.create("text").await.name;
        let prompts = SqlPrompts(db.clone());
        let id = name.strip_prefix("prompts/").unwrap().parse().unwrap();
        let found = prompts.find_revision(world.user.tenant, id, None).await.unwrap();
        let (prompt, revision) = found.unwrap();
        let place = Place {
            tenant: prompt.tenant,
            prompt: id,
            revision: revision.number,
            address: revision.address,
        };
        let now = world.api.create.contents.clock.now();
        let event = || {
            let draft = events::Draft::new(&world.cx(), "dev.signet.storage.prompt.read", "x");
            draft.finish(now).unwrap()
        };
        assert!(prompts.record_release(&place, &event()).await.unwrap());
        world.delete(&name, "").await.unwrap();
        assert!(!prompts.record_release(&place, &event()).await.unwrap());
        assert_eq!(world.happened().await, ["created", "read", "deleted"]);
    }

    async fn deleting_and_updating_at_once_leaves_no_half(db: Db) {
        let world = World::new(&db);
        for _ in 0..5 {
            let name = world.create("one").await.name;
            let (updated, deleted) =
                tokio::join!(world.update(&name, "", "two"), world.delete(&name, ""));
            let expected = if updated.is_ok() { 1..=2 } else { 1..=1 };
            assert!(expected.contains(&deleted.unwrap()));
            if let Err(refusal) = updated {
                assert_eq!(refusal.0, "RESOURCE_NOT_FOUND");
            }
            assert_eq!((world.count("prompts").await, world.count("revisions").await), (0, 0));
        }
        world.clock.advance(TimeDelta::hours(2));
        world.sweep.once().await.unwrap();
        assert!(world.blob_files().is_empty());
    }
}
