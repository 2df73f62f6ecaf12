//! Creating and updating.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use boot::Service as _;
use db::Db;
use futures::future::join_all;
use proto::common::v1::KeyValue;
use proto::storage::v1::*;
use storage::Storage;
use storage::domain::LONGEST;

use crate::world::{World, invalid, prompt, refusal, refused};

const RETRIED: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn once(text: &str) -> CreatePromptRequest {
    CreatePromptRequest { prompt: Some(prompt(text)), request_id: RETRIED.into() }
}

db::both! { Storage::migrations() =>
    async fn a_text_comes_back_as_it_was(db: Db) {
        let world = World::new(&db);
        let given = Prompt {
            labels: vec![KeyValue { key: "team".into(), value: "ward 3".into() }],
            ..prompt("Grüße an Frau Ødegård 🙂")
        };
        let request = CreatePromptRequest { prompt: Some(given.clone()), ..Default::default() };
        let created = world.create_prompt(&world.user, request).await.unwrap();
        assert_eq!((created.text.as_str(), created.revision), ("", 1));
        assert_eq!(created.size_bytes, given.text.len() as i64);
        let request = GetPromptRequest { name: created.name.clone(), revision: 0 };
        let read = world.get_prompt(&world.user, request).await.unwrap();
        assert!(read == Prompt { text: given.text, ..created });
        assert_eq!((read.display_name, read.labels), (given.display_name, given.labels));
        for text in ["x".to_owned(), "y".repeat(65_536), "z".repeat(LONGEST)] {
            let name = world.create(&text).await.name;
            assert_eq!(world.text(&name, 0).await.unwrap(), text);
        }
    }

    async fn what_is_wrong_is_named_and_nothing_is_stored(db: Db) {
        let world = World::new(&db);
        let create = async |prompt: Option<Prompt>, request_id: &str| {
            let request = CreatePromptRequest { prompt, request_id: request_id.into() };
            world.create_prompt(&world.user, request).await
        };
        assert_eq!(refusal(create(None, "").await), invalid("prompt"));
        assert_eq!(refusal(create(Some(prompt("")), "").await), invalid("prompt.text"));
        assert_eq!(refusal(create(Some(prompt(&"x".repeat(LONGEST + 1))), "").await), invalid("prompt.text"));
        assert_eq!(refusal(create(Some(prompt("x")), "again").await), invalid("request_id"));
        let named = Prompt { display_name: "a\0".into(), ..prompt("x") };
        assert_eq!(refusal(create(Some(named), "").await), invalid("prompt.display_name"));
        assert_eq!(refusal(world.update("prompts/x", "", "text").await), invalid("prompt.name"));
        assert_eq!(refusal(world.text("keys/x", 0).await), invalid("name"));
        assert!(world.blob_files().is_empty());
        assert_eq!((world.count("prompts").await, world.count("outbox").await), (0, 0));
    }

    async fn an_update_adds_a_revision_and_the_old_ones_stay(db: Db) {
        let world = World::new(&db);
        let first = world.create("one").await;
        let second = world.update(&first.name, &first.etag, "two").await.unwrap();
        assert_eq!(second.revision, 2);
        assert_ne!(second.etag, first.etag);
        let unnamed = Prompt { name: first.name.clone(), text: "three".into(), ..Default::default() };
        let request = UpdatePromptRequest { prompt: Some(unnamed), ..Default::default() };
        let third = world.update_prompt(&world.user, request).await.unwrap();
        assert_eq!((third.revision, third.display_name.as_str()), (3, "letter"));
        assert_eq!(refusal(world.update(&first.name, &first.etag, "x").await), refused("ETAG_MISMATCH"));
        for (revision, text) in [(1, "one"), (2, "two"), (3, "three"), (0, "three")] {
            assert_eq!(world.text(&first.name, revision).await.unwrap(), text);
        }
        assert_eq!(refusal(world.text(&first.name, 4).await), refused("RESOURCE_NOT_FOUND"));
        assert_eq!(refusal(world.text(&first.name, -1).await), invalid("revision"));
        assert_eq!(world.happened().await[..3], ["created", "updated", "updated"]);
    }

    async fn of_many_updates_with_one_etag_one_wins(db: Db) {
        let world = Arc::new(World::new(&db));
        let Prompt { name, etag, .. } = world.create("start").await;
        let texts: Vec<String> = (0..6).map(|writer| format!("by {writer}")).collect();
        let outcomes = join_all(texts.iter().map(|text| world.update(&name, &etag, text))).await;
        let won: Vec<usize> = (0..6).filter(|writer| outcomes[*writer].is_ok()).collect();
        assert_eq!(won.len(), 1);
        for lost in outcomes.into_iter().filter(Result::is_err) {
            assert_eq!(refusal(lost), refused("ETAG_MISMATCH"));
        }
        assert_eq!(world.text(&name, 0).await.unwrap(), texts[won[0]]);
        assert_eq!((world.count("revisions").await, world.happened().await.len()), (2, 3));
    }

    async fn updates_without_an_etag_all_come_through(db: Db) {
        let world = Arc::new(World::new(&db));
        let name = world.create("start").await.name;
        let writers = (0..5).map(|writer| {
            let (world, name) = (Arc::clone(&world), name.clone());
            tokio::spawn(async move { world.update(&name, "", &format!("by {writer}")).await })
        });
        let mut numbers: Vec<i32> =
            join_all(writers).await.into_iter().map(|done| done.unwrap().unwrap().revision).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [2, 3, 4, 5, 6]);
    }

    async fn a_retry_finds_the_first_answer(db: Db) {
        let world = Arc::new(World::new(&db));
        let created = world.create_prompt(&world.user, once("text")).await.unwrap();
        world.keys.down.store(true, Ordering::SeqCst);
        assert!(world.create_prompt(&world.user, once("text")).await.unwrap() == created);
        world.keys.down.store(false, Ordering::SeqCst);
        let other = world.create_prompt(&world.user, once("other")).await;
        assert_eq!(refusal(other), refused("REQUEST_ID_REUSED"));
        let update = || UpdatePromptRequest {
            prompt: Some(Prompt { name: created.name.clone(), ..prompt("more") }),
            request_id: RETRIED.into(),
        };
        let updated = world.update_prompt(&world.user, update()).await.unwrap();
        assert!(world.update_prompt(&world.user, update()).await.unwrap() == updated);
        assert_eq!((world.blob_files().len(), world.count("revisions").await), (2, 2));
        assert_eq!(world.happened().await, ["created", "updated"]);
    }

    async fn retries_at_the_same_time_create_once(db: Db) {
        let world = Arc::new(World::new(&db));
        let tries = (0..5).map(|_| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.create_prompt(&world.user, once("text")).await })
        });
        let made: Vec<Prompt> =
            join_all(tries).await.into_iter().map(|done| done.unwrap().unwrap()).collect();
        assert!(made.iter().all(|prompt| prompt.name == made[0].name));
        assert_eq!((world.count("prompts").await, world.happened().await.len()), (1, 1));
    }

    async fn with_a_part_down_nothing_is_half_written(db: Db) {
        let world = World::new(&db);
        let request = || CreatePromptRequest { prompt: Some(prompt("x")), ..Default::default() };
        world.keys.down.store(true, Ordering::SeqCst);
        let failed = world.create_prompt(&world.user, request()).await;
        assert_eq!(refusal(failed), refused("DEPENDENCY_UNAVAILABLE"));
        assert_eq!(world.count("loose_blobs").await, 0);
        world.keys.down.store(false, Ordering::SeqCst);
        world.blobs.down.store(true, Ordering::SeqCst);
        let failed = world.create_prompt(&world.user, request()).await;
        assert_eq!(refusal(failed), refused("BLOB_STORE_UNAVAILABLE"));
        assert!(world.blob_files().is_empty());
        assert_eq!((world.count("prompts").await, world.count("outbox").await), (0, 0));
    }

    async fn lists_come_in_pages_newest_first(db: Db) {
        let world = World::new(&db);
        let mut names = Vec::new();
        for text in ["a", "b", "c", "d", "e"] {
            names.push(world.create(text).await.name);
        }
        names.reverse();
        let (mut seen, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListPromptsRequest { page_size: 2, page_token };
            let page = world.list_prompts(&world.user, request).await.unwrap();
            assert!(page.prompts.len() <= 2 && page.prompts.iter().all(|prompt| prompt.text.is_empty()));
            seen.extend(page.prompts.into_iter().map(|prompt| prompt.name));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        assert_eq!(seen, names);
        let name = names[0].clone();
        world.update(&name, "", "again").await.unwrap();
        let request = ListPromptRevisionsRequest { name, page_size: 1, ..Default::default() };
        let page = world.list_prompt_revisions(&world.user, request.clone()).await.unwrap();
        assert_eq!((page.revisions[0].revision, page.revisions[0].size_bytes), (2, 5));
        assert_eq!(page.revisions[0].author, world.user.user_name());
        let request = ListPromptRevisionsRequest { page_token: page.next_page_token, ..request };
        let page = world.list_prompt_revisions(&world.user, request).await.unwrap();
        assert_eq!((page.revisions[0].revision, page.next_page_token.as_str()), (1, ""));
    }
}
