//! The server is gone, back, another one, frozen.

use std::time::{Duration, Instant};

use cache::Reach;
use fred::interfaces::{ClientLike, KeysInterface};
use fred::types::{Builder, CustomCommand, Value};

use crate::node::{KEY, Node, Source, on};

/// Longer than the in-process level may be used unheard, with room for a busy machine.
const UNHEARD: Duration = Duration::from_millis(1_500);
/// A second, with room for a busy machine, before the connection is given up.
const NOTICED: Duration = Duration::from_secs(4);
/// Longer than the time-outs on the way of one look-up, far less than a hang.
const NO_HANG: Duration = Duration::from_secs(2);

#[tokio::test(flavor = "multi_thread")]
async fn killed_and_started_again_nothing_fails_and_nothing_is_old() {
    let (mut server, source) = (testkit::valkey().unwrap(), Source::default());
    let settings = on(&server.url());
    let (one, two) = tokio::join!(Node::ready(&source, &settings), Node::ready(&source, &settings));
    assert_eq!((one.get().await, two.get().await), (0, 0));

    server.stop();
    tokio::join!(one.is_shared(false), two.is_shared(false));
    let version = source.commit();
    let began = Instant::now();
    assert_eq!(one.cache.invalidate(KEY).await, Reach::Here);
    assert_eq!(one.get().await, version);
    assert!(began.elapsed() < NO_HANG);
    // Unheard by the other one, which therefore keeps nothing for long.
    tokio::time::sleep(UNHEARD).await;
    assert_eq!(two.get().await, version);

    server.start_again().unwrap();
    tokio::join!(one.is_shared(true), two.is_shared(true));
    let version = source.commit();
    assert_eq!(one.cache.invalidate(KEY).await, Reach::Everywhere);
    two.until(version).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_and_thawed_nothing_hangs_and_nothing_is_old() {
    let (server, source) = (testkit::valkey().unwrap(), Source::default());
    let settings = on(&server.url());
    let (one, two) = tokio::join!(Node::ready(&source, &settings), Node::ready(&source, &settings));
    assert_eq!((one.get().await, two.get().await), (0, 0));

    server.freeze().unwrap();
    let version = source.commit();
    let began = Instant::now();
    assert_eq!(one.cache.invalidate(KEY).await, Reach::Here);
    assert_eq!(one.get().await, version);
    assert!(began.elapsed() < NO_HANG, "{:?}", began.elapsed());
    // The connection is still open, and yet not trusted for longer than a second.
    assert!(two.until(version).await < NOTICED);
    two.is_shared(false).await;
    let began = Instant::now();
    tokio::time::sleep(UNHEARD).await;
    assert_eq!(two.get().await, version);
    assert!(began.elapsed() < UNHEARD + NO_HANG, "{:?}", began.elapsed());

    // Redis still holds version 0. No instance ever shows it again.
    server.thaw().unwrap();
    let began = Instant::now();
    while !(one.cache.is_shared() && two.cache.is_shared()) {
        assert!(began.elapsed() < Duration::from_secs(30));
        assert_eq!((one.get().await, two.get().await), (version, version));
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Not before the others had time to send what they could not.
    assert!(began.elapsed() > Duration::from_millis(1_500));
    let three = Node::ready(&source, &settings).await;
    assert_eq!((one.get().await, two.get().await, three.get().await), (version, version, version));
}

/// A server that kept its data on disk comes back with values that were
/// invalidated meanwhile.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_restarted_server_remembers_is_not_read() {
    let (mut server, source) = (testkit::valkey().unwrap(), Source::default());
    let settings = on(&server.url());
    let one = Node::ready(&source, &settings).await;
    assert_eq!(one.get().await, 0);
    let remembered = dump(&server.url()).await;
    assert_eq!(remembered.len(), 1);

    server.start_again().unwrap();
    restore(&server.url(), remembered).await;
    source.commit();
    let two = Node::ready(&source, &settings).await;
    assert_eq!(two.peek().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_starts_without_the_server_and_finds_it_later() {
    let (mut server, source) = (testkit::valkey().unwrap(), Source::default());
    server.stop();
    let node = Node::start(&source, &on(&server.url()));
    let began = Instant::now();
    assert_eq!(node.get().await, 0);
    assert!(began.elapsed() < NO_HANG);
    server.start_again().unwrap();
    node.is_shared(true).await;
}

pub(crate) async fn raw(url: &str) -> fred::clients::Client {
    let config = fred::types::config::Config::from_url_centralized(url).unwrap();
    let client = Builder::from_config(config).build().unwrap();
    client.init().await.unwrap();
    client
}

pub(crate) async fn dump(url: &str) -> Vec<(String, Vec<u8>)> {
    let client = raw(url).await;
    let all = CustomCommand::new_static("KEYS", None::<u16>, false);
    let keys: Vec<String> = client.custom(all, vec!["signet:*"]).await.unwrap();
    let mut found = Vec::new();
    for key in keys {
        let value: Value = client.get(&key).await.unwrap();
        found.push((key, value.into_owned_bytes().unwrap()));
    }
    found
}

pub(crate) async fn restore(url: &str, held: Vec<(String, Vec<u8>)>) {
    let client = raw(url).await;
    for (key, value) in held {
        client.set::<(), _, _>(key, value.as_slice(), None, None, false).await.unwrap();
    }
}
