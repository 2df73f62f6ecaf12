//! How often the source is asked.

use std::time::Duration;

use cache::{Cache, Reach, Settings};
use kernel::{Fault, Kind, ManualClock, SystemClock};
use tokio::task::JoinSet;

use crate::node::{KEY, Node, Row, Source, on};

const SLOW: Duration = Duration::from_millis(50);

async fn get_a_thousand_times(nodes: &[&Node]) {
    let mut gets = JoinSet::new();
    for number in 0..1_000 {
        let node = nodes[number % nodes.len()].clone();
        gets.spawn(async move { node.get_slowly(SLOW).await });
    }
    assert!(gets.join_all().await.iter().all(|version| *version == 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_gets_on_two_nodes_are_two_loads_at_most_then_none() {
    let (server, source) = (testkit::valkey().unwrap(), Source::default());
    let settings = on(&server.url());
    let (one, two) = tokio::join!(Node::ready(&source, &settings), Node::ready(&source, &settings));
    get_a_thousand_times(&[&one, &two]).await;
    assert!(source.loads() <= 2, "{}", source.loads());
    let before = source.loads();
    get_a_thousand_times(&[&one, &two]).await;
    assert_eq!(source.loads(), before);
    // A third finds it in Redis.
    let three = Node::ready(&source, &settings).await;
    assert_eq!(three.get().await, 0);
    assert_eq!(source.loads(), before);
}

#[tokio::test]
async fn without_redis_one_process_loads_once() {
    let source = Source::default();
    let node = Node::start(&source, &Settings::default());
    get_a_thousand_times(&[&node]).await;
    assert_eq!(source.loads(), 1);
    let version = source.commit();
    assert_eq!(node.get().await, 0);
    assert_eq!(node.cache.invalidate(KEY).await, Reach::Here);
    assert_eq!(node.get().await, version);
    assert!(!node.cache.is_shared());
}

#[tokio::test]
async fn who_asks_after_an_invalidation_does_not_join_the_load_before() {
    let source = Source::default();
    let node = Node::start(&source, &Settings::default());
    let early = tokio::spawn({
        let node = node.clone();
        async move { node.get_slowly(SLOW).await }
    });
    while source.loads() == 0 {
        tokio::task::yield_now().await;
    }
    let version = source.commit();
    node.cache.invalidate(KEY).await;
    assert_eq!(node.get().await, version);
    assert_eq!(early.await.unwrap(), 0);
    assert_eq!(node.get().await, version);
}

#[tokio::test]
async fn a_fault_is_shared_with_those_who_wait_and_not_kept() {
    let source = Source::default();
    let node = Node::start(&source, &Settings::default());
    let failing = async || {
        tokio::time::sleep(SLOW).await;
        Err(Fault::unavailable("the source is down").with_violation("f", "d"))
    };
    let (one, two) =
        tokio::join!(node.cache.get_or_load(KEY, failing), node.cache.get_or_load(KEY, failing));
    for fault in [one.unwrap_err(), two.unwrap_err()] {
        assert_eq!((fault.kind(), fault.violations().len()), (Kind::Unavailable, 1));
    }
    assert_eq!(node.get().await, 0);
}

#[tokio::test]
async fn a_load_that_is_cancelled_or_panics_is_taken_over() {
    let source = Source::default();
    let node = Node::start(&source, &Settings::default());
    let get = |node: Node, takes| tokio::spawn(async move { node.get_slowly(takes).await });
    let first = get(node.clone(), Duration::from_secs(3_600));
    while source.loads() == 0 {
        tokio::task::yield_now().await;
    }
    let second = get(node.clone(), Duration::ZERO);
    tokio::task::yield_now().await;
    first.abort();
    assert_eq!(second.await.unwrap(), 0);
    node.cache.invalidate(KEY).await;
    let panicking = node.cache.clone();
    let broken =
        tokio::spawn(
            async move { panicking.get_or_load(KEY, || async { panic!("in a load") }).await },
        );
    assert!(broken.await.is_err());
    assert_eq!(node.get().await, 0);
}

#[tokio::test]
async fn that_there_is_none_is_kept_only_if_asked_for() {
    let now = kernel::Timestamp::from_timestamp(1_700_000_000, 0).unwrap();
    for (seconds, loads_of_three) in [(0, 3), (10, 2)] {
        let clock = ManualClock::at(now);
        let ttl = config::Duration::from_secs(seconds);
        let settings = Settings { negative_ttl: ttl, ..Settings::default() };
        let cache = Cache::<Row>::new("test.rows", &settings, clock.clone()).unwrap();
        let mut loads = 0;
        for pause in [0, 9, 1] {
            clock.advance(chrono::TimeDelta::seconds(pause));
            let none = cache.get_or_load(KEY, async || Ok(None)).await;
            assert!(none.unwrap().is_none());
            let counted = cache
                .get_or_load(b"other", async || {
                    loads += 1;
                    Ok(None)
                })
                .await;
            assert!(counted.unwrap().is_none());
        }
        assert_eq!(loads, loads_of_three, "negative_ttl {seconds}s");
    }
}

#[tokio::test]
async fn values_end_with_their_time_to_live() {
    let clock = ManualClock::at(kernel::Clock::now(&SystemClock));
    let cache = Cache::<Row>::new("test.rows", &Settings::default(), clock.clone()).unwrap();
    let get = async |version| {
        cache.get_or_load(KEY, async || Ok(Some(Row { version }))).await.unwrap().unwrap().version
    };
    assert_eq!(get(1).await, 1);
    clock.advance(chrono::TimeDelta::seconds(299));
    assert_eq!(get(2).await, 1);
    clock.advance(chrono::TimeDelta::seconds(1));
    assert_eq!(get(3).await, 3);
}
