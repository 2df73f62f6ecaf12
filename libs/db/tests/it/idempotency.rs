use chrono::Duration;
use db::Db;
use db::idempotency::{self, Claim, Digest, Key};
use kernel::{Clock, PrincipalId, Result, SystemClock, TenantId, Timestamp, common};

use crate::{MIGRATIONS, count, insert};

fn key() -> Key {
    Key::new(TenantId::new(), PrincipalId::new(), "Items/Add", "r-1").unwrap().unwrap()
}

/// A write as a use case has it: claim, write, save, commit.
async fn add(db: &Db, key: &Key, request: &str, now: Timestamp) -> Result<Vec<u8>> {
    db::retry!(async {
        let mut tx = db.begin("add").await?;
        let digest = Digest::of(request.as_bytes());
        if let Claim::Replay(response) = idempotency::claim(&mut tx, key, digest, now).await? {
            return Ok(response);
        }
        let name = uuid::Uuid::now_v7().to_string();
        insert(&mut tx, &name, 1).await?;
        idempotency::save(&mut tx, key, name.as_bytes()).await?;
        tx.commit().await?;
        Ok(name.into_bytes())
    })
}

db::both! { &MIGRATIONS =>
    async fn the_same_request_again_gets_the_same_answer(db: Db) {
        let (key, now) = (key(), SystemClock.now());
        let first = add(&db, &key, "a", now).await.unwrap();
        let second = add(&db, &key, "a", now).await.unwrap();
        assert_eq!(first, second);
        assert_eq!(count(&db).await, 1);
    }

    async fn another_request_under_the_same_id_is_refused(db: Db) {
        let (key, now) = (key(), SystemClock.now());
        add(&db, &key, "a", now).await.unwrap();
        let fault = add(&db, &key, "b", now).await.unwrap_err();
        assert_eq!(fault.reason(), &common::REQUEST_ID_REUSED);
        assert_eq!(count(&db).await, 1);
    }

    async fn another_caller_may_use_the_same_id(db: Db) {
        let now = SystemClock.now();
        add(&db, &key(), "a", now).await.unwrap();
        add(&db, &key(), "b", now).await.unwrap();
        assert_eq!(count(&db).await, 2);
    }

    async fn a_failed_write_frees_its_id(db: Db) {
        let (key, now) = (key(), SystemClock.now());
        let mut tx = db.begin("fails").await.unwrap();
        let claim = idempotency::claim(&mut tx, &key, Digest::of(b"a"), now).await.unwrap();
        assert!(claim == Claim::New);
        drop(tx);
        add(&db, &key, "b", now).await.unwrap();
        assert_eq!(count(&db).await, 1);
    }

    async fn sent_many_times_at_once_it_happens_once(db: Db) {
        let (key, now) = (key(), SystemClock.now());
        let tasks: Vec<_> = (0..24)
            .map(|_| {
                let (db, key) = (db.clone(), key.clone());
                tokio::spawn(async move { add(&db, &key, "a", now).await.unwrap() })
            })
            .collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.unwrap());
        }
        answers.dedup();
        assert_eq!(answers.len(), 1);
        assert_eq!(count(&db).await, 1);
    }

    async fn after_a_day_the_id_is_free_again(db: Db) {
        let (key, now) = (key(), SystemClock.now());
        add(&db, &key, "a", now).await.unwrap();
        let later = now + idempotency::KEPT_FOR + Duration::seconds(1);
        add(&db, &key, "b", later).await.unwrap();
        assert_eq!(count(&db).await, 2);
        assert_eq!(idempotency::purge(&db, later).await.unwrap(), 0, "the new one is young");
        let much_later = later + idempotency::KEPT_FOR + Duration::seconds(1);
        assert_eq!(idempotency::purge(&db, much_later).await.unwrap(), 1);
    }

    async fn an_answer_needs_a_claim(db: Db) {
        let mut tx = db.begin("save").await.unwrap();
        assert!(idempotency::save(&mut tx, &key(), b"x").await.is_err());
    }
}
