//! The same behaviour from every store. With the feature `s3` also from the S3
//! server that `SIGNET_TEST_S3` names (`http://127.0.0.1:5000`, with a bucket `signet`).

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests")]

use std::sync::Arc;

use bytes::Bytes;
use cas::{AddressKey, BlobName, Blobs, Put, Settings};
use futures::{StreamExt, TryStreamExt, stream};
use kernel::{Fault, Kind, Result, TenantId};

struct Store {
    blobs: Blobs,
    _directory: tempfile::TempDir,
}

fn stores() -> Vec<Store> {
    let open = |settings: &dyn Fn(&std::path::Path) -> Settings| {
        let directory = tempfile::tempdir().unwrap();
        let blobs = Blobs::open(&settings(&directory.path().join("blobs"))).unwrap();
        Store { blobs, _directory: directory }
    };
    let file = open(&|path| Settings::File { path: path.to_owned() });
    let memory = open(&|_| Settings::Memory {});
    #[cfg(feature = "s3")]
    let more = [open(&|path| Settings::S3(s3(path)))];
    #[cfg(not(feature = "s3"))]
    let more = [];
    [file, memory].into_iter().chain(more).collect()
}

#[cfg(feature = "s3")]
fn s3(directory: &std::path::Path) -> cas::S3Settings {
    let endpoint = std::env::var("SIGNET_TEST_S3")
        .expect("SIGNET_TEST_S3 must name an S3 server, such as moto_server");
    let secret = directory.with_file_name("secret");
    std::fs::write(&secret, "test-secret\n").unwrap();
    cas::S3Settings {
        bucket: "signet".into(),
        region: "us-east-1".into(),
        endpoint: Some(endpoint),
        // A place of its own for each test.
        prefix: Some(uuid::Uuid::now_v7().to_string()),
        access_key_id: Some("test".into()),
        secret_access_key_file: Some(secret),
        allow_http: true,
    }
}

fn name(text: &[u8]) -> BlobName {
    BlobName::new(TenantId::SYSTEM, AddressKey::new([3; 32]).address(text))
}

async fn read(blobs: &Blobs, name: &BlobName) -> Result<Bytes> {
    blobs.get(name, u64::MAX, Some).await
}

#[tokio::test]
async fn what_was_put_is_read_and_never_replaced() {
    for store in stores() {
        let name = name(b"plain");
        assert_eq!(store.blobs.put(&name, "first".into()).await.unwrap(), Put::Created);
        assert_eq!(store.blobs.put(&name, "second".into()).await.unwrap(), Put::Existed);
        assert_eq!(read(&store.blobs, &name).await.unwrap(), "first");
        assert!(store.blobs.exists(&name).await.unwrap());
    }
}

#[tokio::test]
async fn empty_content_is_content() {
    for store in stores() {
        let name = name(b"");
        store.blobs.put(&name, Bytes::new()).await.unwrap();
        assert_eq!(read(&store.blobs, &name).await.unwrap(), "");
    }
}

#[tokio::test]
async fn absent_is_not_found_and_deleting_twice_is_fine() {
    for store in stores() {
        let name = name(b"plain");
        assert_eq!(read(&store.blobs, &name).await.unwrap_err().kind(), Kind::NotFound);
        store.blobs.put(&name, "x".into()).await.unwrap();
        store.blobs.delete(&name).await.unwrap();
        store.blobs.delete(&name).await.unwrap();
        assert!(!store.blobs.exists(&name).await.unwrap());
        assert_eq!(store.blobs.put(&name, "y".into()).await.unwrap(), Put::Created);
    }
}

#[tokio::test]
async fn the_callers_check_decides() {
    for store in stores() {
        let key = AddressKey::new([3; 32]);
        let name = name(b"plain");
        store.blobs.put(&name, "not plain".into()).await.unwrap();
        let open = |bytes: Bytes| key.matches(&name.address, &bytes).then_some(bytes);
        let fault = store.blobs.get(&name, 100, open).await.unwrap_err();
        assert_eq!(fault.reason(), &cas::reasons::BLOB_DAMAGED);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_32_racing_creators_one_wins_and_its_content_stays() {
    for store in stores() {
        let name = name(b"plain");
        let start = Arc::new(tokio::sync::Barrier::new(32));
        let racers = (0..32_u8).map(|racer| {
            let (blobs, start) = (store.blobs.clone(), start.clone());
            tokio::spawn(async move {
                start.wait().await;
                let put = blobs.put(&name, vec![racer; 10_000].into()).await.unwrap();
                // Whoever returns, winner or not, sees the whole content.
                (racer, put, read(&blobs, &name).await.unwrap())
            })
        });
        let results: Vec<_> = futures::future::try_join_all(racers).await.unwrap();
        let winners: Vec<_> = results.iter().filter(|(_, put, _)| *put == Put::Created).collect();
        assert_eq!(winners.len(), 1);
        let stored = vec![winners[0].0; 10_000];
        assert!(results.iter().all(|(_, _, seen)| *seen == stored));
    }
}

#[tokio::test]
async fn streams_beyond_one_upload_part_come_back_whole() {
    for store in stores() {
        let name = name(b"big");
        let chunk = |n: u8| Bytes::from(vec![n; 1 << 20]);
        let content = || stream::iter((0..20).map(move |n| Ok(chunk(n))));
        assert_eq!(store.blobs.put_stream(&name, 20 << 20, content()).await.unwrap(), Put::Created);
        assert_eq!(store.blobs.put_stream(&name, 20 << 20, content()).await.unwrap(), Put::Existed);
        let back = store.blobs.get_stream(&name, 20 << 20).await.unwrap();
        assert_eq!(back.length, 20 << 20);
        let back: Vec<Bytes> = back.stream.try_collect().await.unwrap();
        let expected: Vec<u8> = (0..20).flat_map(chunk).collect();
        assert!(back.concat() == expected);
    }
}

#[tokio::test]
async fn a_stream_too_long_or_broken_leaves_nothing() {
    for store in stores() {
        for chunks in [1, 12] {
            let name = name(b"big");
            let ok = stream::iter((0..chunks).map(|_| Ok(Bytes::from(vec![0; 1 << 20]))));
            let limit = (chunks << 20) - 1;
            let fault = store.blobs.put_stream(&name, limit, ok.clone()).await.unwrap_err();
            assert_eq!(fault.reason(), &cas::reasons::BLOB_TOO_LARGE);
            let broken = ok.chain(stream::iter([Err(Fault::unavailable("peer went away"))]));
            let fault = store.blobs.put_stream(&name, u64::MAX, broken).await.unwrap_err();
            assert_eq!(fault.kind(), Kind::Unavailable);
            assert!(!store.blobs.exists(&name).await.unwrap());
        }
        let listed = store.blobs.list(TenantId::SYSTEM, "").unwrap();
        assert_eq!(listed.count().await, 0);
    }
}

#[tokio::test]
async fn reading_more_than_the_limit_is_refused_before_reading() {
    for store in stores() {
        let name = name(b"plain");
        store.blobs.put(&name, vec![0; 1000].into()).await.unwrap();
        let fault = store.blobs.get(&name, 999, Some).await.unwrap_err();
        assert_eq!(fault.reason(), &cas::reasons::BLOB_TOO_LARGE);
        assert!(store.blobs.get(&name, 1000, Some).await.is_ok());
    }
}

#[tokio::test]
async fn listing_shows_a_tenants_own_blobs_by_prefix() {
    for store in stores() {
        let other = TenantId::new();
        let mut expected = Vec::new();
        for n in 0..40_u8 {
            let name = name(&[n]);
            store.blobs.put(&name, vec![n; n.into()].into()).await.unwrap();
            let foreign = BlobName::new(other, name.address);
            store.blobs.put(&foreign, "x".into()).await.unwrap();
            expected.push((name, u64::from(n)));
        }
        expected.sort_unstable();
        for prefix in ["", "1", "1f", &expected[7].0.address.to_string()[..5]] {
            let listed = store.blobs.list(TenantId::SYSTEM, prefix).unwrap();
            let mut listed: Vec<_> =
                listed.map_ok(|info| (info.name, info.length)).try_collect().await.unwrap();
            listed.sort_unstable();
            let mut wanted = expected.clone();
            wanted.retain(|(name, _)| name.address.to_string().starts_with(prefix));
            assert_eq!(listed, wanted, "prefix {prefix:?}");
        }
        for bad in ["..", "AB", "1/", &"0".repeat(65)] {
            let fault = store.blobs.list(TenantId::SYSTEM, bad).err().unwrap();
            assert_eq!(fault.violations()[0].field, "prefix");
        }
    }
}

#[tokio::test]
async fn health_is_a_real_probe() {
    for store in stores() {
        store.blobs.health().await.unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("blobs");
    let blobs = Blobs::open(&Settings::File { path: path.clone() }).unwrap();
    std::fs::remove_dir_all(&path).unwrap();
    assert_eq!(blobs.health().await.unwrap_err().kind(), Kind::Unavailable);
}
