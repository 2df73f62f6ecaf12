use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use db::testing::{Place, run};
use db::{Db, Isolation, Of, Result, Settings};
use kernel::{Fault, Kind, common};

use crate::{MIGRATIONS, count, insert};

const READ: &str = "SELECT amount FROM items WHERE name = 'n'";
const WRITE: &str = "UPDATE items SET amount = $1 WHERE name = 'n'";

async fn increment(db: &Db) -> Result<()> {
    let mut tx = db.begin("increment").await?;
    let amount: i64 = db::sql!(tx.on(), |c| sqlx::query_scalar(READ).fetch_one(c).await)?;
    db::sql!(tx.on(), |c| sqlx::query(WRITE).bind(amount + 1).execute(c).await.map(drop))?;
    tx.commit().await
}

db::both! { &MIGRATIONS =>
    async fn contended_increments_are_not_lost(db: Db) {
        let mut tx = db.begin("setup").await.unwrap();
        insert(&mut tx, "n", 0).await.unwrap();
        tx.commit().await.unwrap();
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let db = db.clone();
                tokio::spawn(async move {
                    for _ in 0..25 {
                        db::retry!(increment(&db)).unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let amount: i64 =
            db::sql!(db.read(), |c| sqlx::query_scalar(READ).fetch_one(c).await).unwrap();
        assert_eq!(amount, 200);
    }

    async fn a_dropped_transaction_leaves_nothing(db: Db) {
        let mut tx = db.begin("dropped").await.unwrap();
        insert(&mut tx, "a", 1).await.unwrap();
        drop(tx);
        assert_eq!(count(&db).await, 0);
    }

    async fn a_cancelled_transaction_leaves_nothing_and_blocks_nobody(db: Db) {
        for round in 0..10 {
            let task = tokio::spawn({
                let db = db.clone();
                async move {
                    let mut tx = db.begin("cancelled").await.unwrap();
                    loop {
                        let name = uuid::Uuid::now_v7().to_string();
                        insert(&mut tx, &name, 1).await.unwrap();
                    }
                }
            });
            tokio::time::sleep(Duration::from_millis(5 + round)).await;
            task.abort();
            assert!(task.await.unwrap_err().is_cancelled());
        }
        let mut tx = db.begin("after").await.unwrap();
        insert(&mut tx, "after", 1).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(count(&db).await, 1);
    }

    async fn a_unique_violation_is_told_apart_and_shows_no_value(db: Db) {
        let mut tx = db.begin("first").await.unwrap();
        insert(&mut tx, "marker-4711", 1).await.unwrap();
        tx.commit().await.unwrap();
        let mut tx = db.begin("second").await.unwrap();
        let error = insert(&mut tx, "marker-4711", 1).await.unwrap_err();
        assert!(error.is_unique_violation());
        let fault = error.on_unique(&common::RESOURCE_EXISTS);
        assert_eq!(fault.kind(), Kind::AlreadyExists);
        assert!(!format!("{fault} {fault:?}").contains("4711"));
    }

    async fn another_constraint_is_our_own_fault(db: Db) {
        let mut tx = db.begin("negative").await.unwrap();
        let error = insert(&mut tx, "n", -1).await.unwrap_err();
        assert!(!error.is_unique_violation());
        assert_eq!(error.on_unique(&common::RESOURCE_EXISTS).kind(), Kind::Internal);
    }

    async fn a_snapshot_does_not_move(db: Db) {
        let mut snapshot = db.snapshot("look").await.unwrap();
        let see = async |tx: &mut db::Tx| -> i64 {
            db::sql!(tx.on(), |c| sqlx::query_scalar(crate::COUNT).fetch_one(c).await).unwrap()
        };
        assert_eq!(see(&mut snapshot).await, 0);
        let mut tx = db.begin_with("add", Isolation::ReadCommitted).await.unwrap();
        insert(&mut tx, "a", 1).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(see(&mut snapshot).await, 0);
        assert!(insert(&mut snapshot, "b", 1).await.is_err(), "a snapshot cannot write");
        assert_eq!(count(&db).await, 1);
    }

    async fn ping_tells_whether_the_database_answers(db: Db) {
        db.ping().await.unwrap();
        db.close().await;
        let fault = Fault::from(db.ping().await.unwrap_err());
        assert_eq!(fault.kind(), Kind::Unavailable);
    }
}

#[test]
fn no_free_connection_is_unavailable_and_soon() {
    run(async {
        for place in [Place::sqlite(), Place::postgres().await] {
            let mut settings = place.settings();
            settings.max_connections = 1;
            settings.acquire_timeout_ms = 100;
            let db = Db::open(&settings, &MIGRATIONS).await.unwrap();
            let _held = db.begin("held").await.unwrap();
            let refused = tokio::time::timeout(Duration::from_secs(5), db.begin("refused"));
            let fault = Fault::from(refused.await.unwrap().err().unwrap());
            assert_eq!(fault.kind(), Kind::Unavailable);
            assert!(fault.retry_after().is_some());
        }
    });
}

#[test]
fn postgres_ends_a_statement_that_takes_too_long() {
    run(async {
        let place = Place::postgres().await;
        let mut settings = place.settings();
        settings.statement_timeout_ms = 100;
        let db = Db::open(&settings, &MIGRATIONS).await.unwrap();
        let Of::Postgres(pool) = db.read() else { panic!("not PostgreSQL") };
        let error = sqlx::query("SELECT pg_sleep(20)").execute(pool).await.unwrap_err();
        let fault = Fault::from(db::Error::from(error));
        assert_eq!(fault.kind(), Kind::Unavailable);
        assert!(format!("{fault:?}").contains("57014"));
    });
}

/// A wait of a BEGIN, at which it is dropped.
async fn begin_until(db: &Db, wait: usize) -> bool {
    let (mut begin, mut left) = (pin!(db.begin("cut")), wait);
    poll_fn(|cx| match begin.as_mut().poll(cx) {
        Poll::Ready(begun) => Poll::Ready(begun.is_ok()),
        Poll::Pending if left == 0 => Poll::Ready(false),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

#[test]
fn a_cancelled_begin_leaves_its_connection_outside() {
    run(async {
        let place = Place::postgres().await;
        let settings = Settings { max_connections: 1, ..place.settings() };
        let db = Db::open(&settings, &MIGRATIONS).await.unwrap();
        let Of::Postgres(pool) = db.write() else { panic!("not PostgreSQL") };
        // In autocommit, each statement's is another.
        let transaction = async || -> i64 {
            sqlx::query_scalar("SELECT txid_current()").fetch_one(pool).await.unwrap()
        };
        transaction().await;
        for wait in [0, 0, 0, 1, 1, 2, 2, 3, 4] {
            begin_until(&db, wait).await;
            assert_ne!(transaction().await, transaction().await, "after wait {wait}");
        }
    });
}
