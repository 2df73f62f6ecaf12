use std::time::{Duration, Instant};

use db::outbox::{self, OutboxEvent};
use db::{Db, Isolation};
use kernel::{Clock, EventId, SystemClock, TenantId};

use crate::MIGRATIONS;

fn event(byte: u8) -> OutboxEvent {
    OutboxEvent {
        id: EventId::new(),
        tenant: TenantId::new(),
        bytes: vec![byte; 3],
        created_at: SystemClock.now(),
    }
}

async fn put(db: &Db, events: &[OutboxEvent]) {
    let mut tx = db.begin_with("put", Isolation::ReadCommitted).await.unwrap();
    outbox::put(&mut tx, events).await.unwrap();
    tx.commit().await.unwrap();
}

fn ids(events: &[OutboxEvent]) -> Vec<EventId> {
    events.iter().map(|event| event.id).collect()
}

db::both! { &MIGRATIONS =>
    async fn events_come_in_order_until_they_are_done(db: Db) {
        let events: Vec<_> = (0..5).map(event).collect();
        put(&db, &events).await;
        let first = outbox::next(&db, 3).await.unwrap();
        assert!(first == events[..3], "the oldest, in order, unchanged");
        assert_eq!(outbox::depth(&db).await.unwrap(), 5);
        outbox::done(&db, &ids(&first)).await.unwrap();
        outbox::done(&db, &ids(&first)).await.unwrap();
        outbox::done(&db, &[]).await.unwrap();
        assert!(outbox::next(&db, 100).await.unwrap() == events[3..]);
    }

    async fn more_than_a_statement_holds_is_split(db: Db) {
        let events: Vec<_> = (0..2_500).map(|_| event(1)).collect();
        put(&db, &events).await;
        assert_eq!(outbox::depth(&db).await.unwrap(), 2_500);
        outbox::done(&db, &ids(&events)).await.unwrap();
        assert_eq!(outbox::depth(&db).await.unwrap(), 0);
    }

    async fn a_rollback_takes_the_event_with_it(db: Db) {
        let mut tx = db.begin("put").await.unwrap();
        outbox::put(&mut tx, &[event(1)]).await.unwrap();
        drop(tx);
        assert_eq!(outbox::depth(&db).await.unwrap(), 0);
        let started = Instant::now();
        outbox::wait(&db, Duration::from_millis(50)).await;
        assert!(started.elapsed() >= Duration::from_millis(50), "nothing to wake for");
    }

    async fn the_relay_wakes_at_the_commit(db: Db) {
        let relay = tokio::spawn({
            let db = db.clone();
            async move {
                outbox::wait(&db, Duration::from_secs(60)).await;
                outbox::next(&db, 10).await.unwrap().len()
            }
        });
        put(&db, &[event(1)]).await;
        let seen = tokio::time::timeout(Duration::from_secs(10), relay).await;
        assert_eq!(seen.expect("woken, not timed out").unwrap(), 1);
    }

    async fn a_commit_before_the_wait_is_not_missed(db: Db) {
        put(&db, &[event(1)]).await;
        let woken = tokio::time::timeout(
            Duration::from_secs(10),
            outbox::wait(&db, Duration::from_secs(60)),
        );
        woken.await.expect("the wake-up was kept");
    }
}
