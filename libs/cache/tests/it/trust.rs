//! What one instance sees of another's changes, and of a Redis that lies.

use std::time::Duration;

use cache::{Reach, RedisSettings, Settings};

use crate::node::{KEY, Node, Source, on};
use crate::outages::{dump, restore};

#[tokio::test(flavor = "multi_thread")]
async fn an_invalidation_is_seen_by_the_other_node() {
    let (server, source) = (testkit::valkey().unwrap(), Source::default());
    let settings = on(&server.url());
    let (one, two) = tokio::join!(Node::ready(&source, &settings), Node::ready(&source, &settings));
    let mut took = Vec::new();
    for _ in 0..50 {
        assert_eq!(one.get().await, two.get().await);
        let version = source.commit();
        assert_eq!(one.cache.invalidate(KEY).await, Reach::Everywhere);
        assert_eq!(one.get().await, version);
        took.push(two.until(version).await);
    }
    took.sort();
    // About a millisecond; a time to live would be minutes.
    assert!(took[25] < Duration::from_millis(200), "{took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_load_overtaken_by_another_nodes_change_is_kept_nowhere() {
    let (server, source) = (testkit::valkey().unwrap(), Source::default());
    let settings = on(&server.url());
    let (one, two) = tokio::join!(Node::ready(&source, &settings), Node::ready(&source, &settings));
    let slow = tokio::spawn({
        let two = two.clone();
        async move { two.get_slowly(Duration::from_millis(300)).await }
    });
    while source.loads() == 0 {
        tokio::task::yield_now().await;
    }
    let version = source.commit();
    assert_eq!(one.cache.invalidate(KEY).await, Reach::Everywhere);
    // It began before the change, so this answer is right for it alone.
    assert_eq!(slow.await.unwrap(), 0);
    assert_eq!(two.get().await, version);
    assert_eq!(one.get().await, version);
    let three = Node::ready(&source, &settings).await;
    assert_eq!(three.get().await, version);
}

/// Many changes against many readers: no reader ever gets what was over before it
/// asked on the node that changed it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reads_never_go_back_on_the_node_that_writes() {
    let (server, source) = (testkit::valkey().unwrap(), Source::default());
    let settings = on(&server.url());
    let (one, two) = tokio::join!(Node::ready(&source, &settings), Node::ready(&source, &settings));
    let noise = tokio::spawn(async move {
        loop {
            two.get_slowly(Duration::from_millis(1)).await;
        }
    });
    for _ in 0..300 {
        let version = source.commit();
        one.cache.invalidate(KEY).await;
        for _ in 0..3 {
            assert_eq!(one.get_slowly(Duration::from_micros(200)).await, version);
        }
    }
    noise.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_write_into_redis_is_not_believed_and_nothing_there_tells_the_key() {
    let (server, source) = (testkit::valkey().unwrap(), Source::default());
    let settings = on(&server.url());
    let one = Node::ready(&source, &settings).await;
    assert_eq!(one.get().await, 0);
    let held = dump(&server.url()).await;
    let [(name, value)] = held.as_slice() else { panic!("one key is held") };
    assert!(!name.contains("key"), "{name}");

    // The form is known to everybody, the secret is not.
    let mut forged = value.clone();
    *forged.iter_mut().rev().nth(1).unwrap() = b'7';
    for lie in [forged, b"V".to_vec(), b"nonsense".to_vec(), Vec::new()] {
        restore(&server.url(), vec![(name.clone(), lie)]).await;
        let two = Node::ready(&source, &settings).await;
        assert_eq!(two.peek().await, None);
        assert_eq!(two.get().await, 0);
    }
    let stranger = RedisSettings::new(server.url(), "another secret of thirty-two bytes");
    let stranger = Settings { redis: Some(stranger), ..Settings::default() };
    restore(&server.url(), held.clone()).await;
    let stranger = Node::ready(&source, &stranger).await;
    assert_eq!(stranger.peek().await, None);
}
