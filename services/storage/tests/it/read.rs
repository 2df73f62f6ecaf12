//! Reading and sealing: what is checked, and what is recorded first.

use std::fs;
use std::sync::atomic::Ordering;

use boot::Service as _;
use cas::{Address, BlobName};
use db::Db;
use kernel::KeyId;
use proto::audit::v1::Outcome;
use proto::storage::v1::*;
use storage::Storage;
use storage::application::ports::BlobStore as _;

use crate::world::{World, invalid, refusal, refused, somebody};

fn seal(name: &str) -> SealPromptRequest {
    SealPromptRequest {
        name: name.into(),
        recipients: vec![format!("keys/{}", KeyId::new()), "keys/response-seal".into()],
        signing_key: format!("keys/{}", KeyId::new()),
        purpose: "respond".into(),
        ..Default::default()
    }
}

async fn blobs(world: &World) -> Vec<BlobName> {
    const ADDRESSES: &str = "SELECT address FROM revisions ORDER BY revision";
    let rows: Vec<Vec<u8>> =
        db::sql!(world.db.read(), |c| sqlx::query_scalar(ADDRESSES).fetch_all(c).await).unwrap();
    let address = |row: Vec<u8>| Address::from_bytes(row.try_into().unwrap());
    rows.into_iter().map(|row| BlobName::new(world.user.tenant, address(row))).collect()
}

db::both! { Storage::migrations() =>
    async fn a_reading_is_recorded_before_the_text_leaves(db: Db) {
        let world = World::new(&db);
        let name = world.create("text").await.name;
        world.text(&name, 0).await.unwrap();
        let events = world.events().await;
        let read = events.last().unwrap();
        assert_eq!(read.r#type, "dev.signet.storage.prompt.read");
        assert_eq!((&read.subject, &read.actor), (&name, &world.user.user_name()));
        const DROP: &str = "DROP TABLE outbox";
        db::sql!(db.write(), |c| sqlx::query(DROP).execute(c).await.map(drop)).unwrap();
        assert_eq!(refusal(world.text(&name, 0).await), refused("INTERNAL"));
    }

    async fn another_tenants_prompt_is_absent(db: Db) {
        let world = World::new(&db);
        let (name, stranger) = (world.create("text").await.name, somebody());
        let absent = refused("RESOURCE_NOT_FOUND");
        let get = GetPromptRequest { name: name.clone(), revision: 0 };
        assert_eq!(refusal(world.get_prompt(&stranger, get).await), absent);
        let changed = Prompt { name: name.clone(), text: "mine".into(), ..Default::default() };
        let update = UpdatePromptRequest { prompt: Some(changed), ..Default::default() };
        assert_eq!(refusal(world.update_prompt(&stranger, update).await), absent);
        let delete = DeletePromptRequest { name: name.clone(), ..Default::default() };
        assert_eq!(refusal(world.delete_prompt(&stranger, delete).await), absent);
        let revisions = ListPromptRevisionsRequest { name: name.clone(), ..Default::default() };
        assert_eq!(refusal(world.list_prompt_revisions(&stranger, revisions).await), absent);
        assert_eq!(refusal(world.seal_prompt(&stranger, seal(&name)).await), absent);
        let all = world.list_prompts(&stranger, ListPromptsRequest::default()).await.unwrap();
        assert!(all.prompts.is_empty());
        assert_eq!(world.text(&name, 0).await.unwrap(), "text");
        assert_eq!(world.happened().await, ["created", "read"]);
    }

    async fn damage_is_noticed_and_recorded(db: Db) {
        let world = World::new(&db);
        let name = world.create(&"text ".repeat(50_000)).await.name;
        let file = world.blob_files().remove(0);
        let intact = fs::read(&file).unwrap();
        for at in [0, 1, 40, 70_000, intact.len() - 60, intact.len() - 1] {
            let mut damaged = intact.clone();
            damaged[at] ^= 1;
            fs::write(&file, damaged).unwrap();
            assert_eq!(refusal(world.text(&name, 0).await), refused("BLOB_CORRUPT"), "byte {at}");
        }
        fs::write(&file, &intact[..intact.len() / 2]).unwrap();
        assert_eq!(refusal(world.text(&name, 0).await), refused("BLOB_CORRUPT"));
        fs::remove_file(&file).unwrap();
        assert_eq!(refusal(world.text(&name, 0).await), refused("BLOB_CORRUPT"));
        let events = world.events().await;
        let failed = events.iter().filter(|event| event.outcome() == Outcome::Failure);
        assert!(failed.clone().all(|event| event.reason == "BLOB_CORRUPT"));
        assert_eq!(failed.count(), 8);
        fs::write(&file, &intact).unwrap();
        assert_eq!(world.text(&name, 0).await.unwrap().len(), 250_000);
    }

    async fn blobs_and_keys_cannot_change_places(db: Db) {
        let world = World::new(&db);
        let name = world.create("one").await.name;
        world.update(&name, "", "two").await.unwrap();
        let [first, second] = <[BlobName; 2]>::try_from(blobs(&world).await).unwrap();
        let (one, two) = (
            world.blobs.get(&first, 1_000).await.unwrap().unwrap(),
            world.blobs.get(&second, 1_000).await.unwrap().unwrap(),
        );
        world.blobs.replace(&first, two).await;
        assert_eq!(refusal(world.text(&name, 1).await), refused("BLOB_CORRUPT"));
        world.blobs.replace(&first, one).await;
        assert_eq!(world.text(&name, 1).await.unwrap(), "one");
        // Wrapped keys of one revision in the row of another.
        const SWAP: &str = "UPDATE revisions SET wrapped_key = \
             (SELECT wrapped_key FROM revisions WHERE revision = 2) WHERE revision = 1";
        db::sql!(db.write(), |c| sqlx::query(SWAP).execute(c).await.map(drop)).unwrap();
        assert_eq!(refusal(world.text(&name, 1).await), refused("BLOB_CORRUPT"));
        assert_eq!(world.text(&name, 2).await.unwrap(), "two");
    }

    async fn with_a_part_down_nothing_is_read(db: Db) {
        let world = World::new(&db);
        let name = world.create("text").await.name;
        world.keys.down.store(true, Ordering::SeqCst);
        assert_eq!(refusal(world.text(&name, 0).await), refused("DEPENDENCY_UNAVAILABLE"));
        world.keys.down.store(false, Ordering::SeqCst);
        world.blobs.down.store(true, Ordering::SeqCst);
        assert_eq!(refusal(world.text(&name, 0).await), refused("BLOB_STORE_UNAVAILABLE"));
        assert_eq!(world.happened().await, ["created"]);
    }

    async fn a_stored_text_is_sealed(db: Db) {
        let world = World::new(&db);
        let name = world.create("one").await.name;
        world.update(&name, "", "two").await.unwrap();
        let request = SealPromptRequest { revision: 1, ..seal(&name) };
        let sealed = world.seal_prompt(&world.user, request.clone()).await.unwrap();
        assert_eq!(sealed.envelope.unwrap().manifest, "manifest");
        {
            let asked = world.sealer.asked.lock().unwrap();
            let (text, target) = &asked[0];
            assert_eq!((text.as_str(), &target.recipients), ("one", &request.recipients));
            assert_eq!((&target.signing_key, target.purpose.as_str()), (&request.signing_key, "respond"));
        }
        assert_eq!(world.happened().await[2..], ["read", "sealed"]);
        world.sealer.down.store(true, Ordering::SeqCst);
        let failed = world.seal_prompt(&world.user, seal(&name)).await;
        assert_eq!(refusal(failed), refused("DEPENDENCY_UNAVAILABLE"));
        assert_eq!(world.happened().await[4..], ["read"]);
    }

    async fn a_wrong_seal_request_reads_nothing(db: Db) {
        let world = World::new(&db);
        let name = world.create("text").await.name;
        let wrong = [
            ("recipients", SealPromptRequest { recipients: Vec::new(), ..seal(&name) }),
            ("recipients", SealPromptRequest { recipients: vec!["x".into(); 65], ..seal(&name) }),
            ("recipients[0]", SealPromptRequest { recipients: vec!["x".into()], ..seal(&name) }),
            ("signing_key", SealPromptRequest { signing_key: "x".into(), ..seal(&name) }),
            ("purpose", SealPromptRequest { purpose: "else".into(), ..seal(&name) }),
            ("revision", SealPromptRequest { revision: -1, ..seal(&name) }),
            ("name", SealPromptRequest { name: "x".into(), ..seal(&name) }),
        ];
        for (field, request) in wrong {
            let outcome = world.seal_prompt(&world.user, request).await;
            assert_eq!(refusal(outcome), invalid(field));
        }
        assert_eq!(world.happened().await, ["created"]);
    }
}
