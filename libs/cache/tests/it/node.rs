//! An instance of a service: a cache, and a source that counts its loads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use cache::{Cache, MetadataOnly, RedisSettings, Settings};
use kernel::{Fault, Result, SystemClock};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) const SECRET: &str = "thirty-two bytes are needed at least";
pub(crate) const KEY: &[u8] = b"key";

/// A number of no meaning: metadata.
#[derive(Clone, Serialize, Deserialize, PartialEq, Eq, Debug)]
pub(crate) struct Row {
    pub(crate) version: u64,
}

impl MetadataOnly for Row {}

/// What all instances read: the database.
#[derive(Clone, Default)]
pub(crate) struct Source(Arc<SourceInner>);

#[derive(Default)]
struct SourceInner {
    version: AtomicU64,
    loads: AtomicUsize,
}

impl Source {
    /// The version from now on.
    pub(crate) fn commit(&self) -> u64 {
        self.0.version.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn loads(&self) -> usize {
        self.0.loads.load(Ordering::SeqCst)
    }

    /// Reads now, answers after a while.
    pub(crate) async fn load(&self, takes: Duration) -> Result<Option<Row>> {
        let version = self.0.version.load(Ordering::SeqCst);
        // Counted once it has read: who saw the count can change what was read.
        self.0.loads.fetch_add(1, Ordering::SeqCst);
        sleep(takes).await;
        Ok(Some(Row { version }))
    }
}

#[derive(Clone)]
pub(crate) struct Node {
    pub(crate) cache: Cache<Row>,
    source: Source,
    _stop: Arc<DropGuard>,
}

pub(crate) fn on(url: &str) -> Settings {
    let mut redis = RedisSettings::new(url, SECRET);
    // A machine that runs other tests too is slower than a network.
    redis.command_timeout = config::Duration::from_millis(300);
    Settings { redis: Some(redis), ..Settings::default() }
}

impl Node {
    pub(crate) fn start(source: &Source, settings: &Settings) -> Self {
        let cache = Cache::new("test.rows", settings, SystemClock::shared()).unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(cache.clone().run(stop.clone()));
        Self { cache, source: source.clone(), _stop: Arc::new(stop.drop_guard()) }
    }

    /// Connected and trusting.
    pub(crate) async fn ready(source: &Source, settings: &Settings) -> Self {
        let node = Self::start(source, settings);
        node.is_shared(true).await;
        node
    }

    pub(crate) async fn is_shared(&self, expected: bool) {
        within(30, || self.cache.is_shared() == expected).await;
    }

    pub(crate) async fn get(&self) -> u64 {
        self.get_slowly(Duration::ZERO).await
    }

    pub(crate) async fn get_slowly(&self, takes: Duration) -> u64 {
        self.try_get(takes).await.unwrap().unwrap().version
    }

    pub(crate) async fn try_get(&self, takes: Duration) -> Result<Option<Row>> {
        self.cache.get_or_load(KEY, || self.source.load(takes)).await
    }

    /// What is held, without a load.
    pub(crate) async fn peek(&self) -> Option<u64> {
        let absent = async || Err(Fault::not_found());
        self.cache.get_or_load(KEY, absent).await.ok().flatten().map(|row| row.version)
    }

    /// Asks until it gets this version; how long that took.
    pub(crate) async fn until(&self, version: u64) -> Duration {
        let began = Instant::now();
        while self.get().await != version {
            assert!(began.elapsed() < Duration::from_secs(30), "still an old version");
            sleep(Duration::from_micros(100)).await;
        }
        began.elapsed()
    }
}

pub(crate) async fn within(seconds: u64, mut holds: impl FnMut() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(seconds), "did not come to hold");
        sleep(Duration::from_millis(10)).await;
    }
}
