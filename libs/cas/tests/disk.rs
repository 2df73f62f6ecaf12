//! What the file store leaves on the disk, and what it makes of a damaged one.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use cas::{Address, BlobName, Blobs, Put, Settings};
use futures::{FutureExt, TryStreamExt, stream};
use kernel::{Result, TenantId};

fn open(path: &Path) -> Result<Blobs> {
    Blobs::open(&Settings::File { path: path.to_owned() })
}

fn name(n: u8) -> BlobName {
    BlobName::new(TenantId::SYSTEM, Address::from_bytes([n; 32]))
}

fn file(root: &Path, name: &BlobName) -> PathBuf {
    let address = name.address.to_string();
    root.join("blobs").join(name.tenant.to_string()).join(&address[..2]).join(address)
}

fn entries(root: &Path) -> Vec<PathBuf> {
    let mut found = vec![root.to_owned()];
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(entries(&path)) } else { found.push(path) }
    }
    found
}

#[tokio::test]
async fn files_are_0600_and_directories_0700() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("blobs");
    open(&root).unwrap().put(&name(1), "content".into()).await.unwrap();
    let entries = entries(&root);
    assert_eq!(entries.iter().filter(|path| path.is_file()).count(), 1);
    for path in entries {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let wanted = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode, wanted, "{}", path.display());
    }
}

#[test]
fn a_directory_open_to_others_is_refused_with_the_remedy() {
    let directory = tempfile::tempdir().unwrap();
    for mode in [0o755, 0o710, 0o702] {
        fs::set_permissions(directory.path(), fs::Permissions::from_mode(mode)).unwrap();
        let fault = open(directory.path()).err().unwrap();
        assert_eq!(fault.reason(), &cas::reasons::BLOB_STORE_MISCONFIGURED);
        let remedy = format!("chmod 700 {}", directory.path().display());
        assert!(fault.note().unwrap().contains(&remedy));
    }
}

/// Torn at every byte, and every bit of every byte flipped: always a fault,
/// never other content.
#[tokio::test]
async fn damage_anywhere_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("blobs");
    let (blobs, name) = (open(&root).unwrap(), name(1));
    blobs.put(&name, "some ciphertext".into()).await.unwrap();
    let path = file(&root, &name);
    let whole = fs::read(&path).unwrap();
    let cuts = (0..whole.len()).map(|cut| whole[..cut].to_vec());
    let flips = (0..whole.len() * 8).map(|bit| {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    });
    let longer = std::iter::once([&whole[..], b"x"].concat());
    for bytes in cuts.chain(flips).chain(longer) {
        fs::write(&path, bytes).unwrap();
        let fault = blobs.get(&name, 1000, Some).await.unwrap_err();
        assert_eq!(fault.reason(), &cas::reasons::BLOB_DAMAGED);
    }
    fs::write(&path, whole).unwrap();
    assert_eq!(blobs.get(&name, 1000, Some).await.unwrap(), "some ciphertext");
}

#[tokio::test]
async fn a_damaged_stream_never_yields_its_last_piece() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("blobs");
    let (blobs, name) = (open(&root).unwrap(), name(1));
    blobs.put(&name, vec![7; 100_000].into()).await.unwrap();
    let path = file(&root, &name);
    let mut bytes = fs::read(&path).unwrap();
    bytes[50_000] ^= 1;
    fs::write(&path, bytes).unwrap();
    let mut stream = blobs.get_stream(&name, u64::MAX).await.unwrap().stream;
    let mut seen = 0;
    let fault = loop {
        match stream.try_next().await {
            Ok(Some(piece)) => seen += piece.len(),
            Ok(None) => panic!("ended well"),
            Err(fault) => break fault,
        }
    };
    assert!(seen < 100_000);
    assert_eq!(fault.reason(), &cas::reasons::BLOB_DAMAGED);
    assert!(stream.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_file_under_anothers_name_is_damage() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("blobs");
    let blobs = open(&root).unwrap();
    blobs.put(&name(1), "one".into()).await.unwrap();
    blobs.put(&name(2), "two".into()).await.unwrap();
    fs::rename(file(&root, &name(1)), file(&root, &name(2))).unwrap();
    let fault = blobs.get(&name(2), 1000, Some).await.unwrap_err();
    assert_eq!(fault.reason(), &cas::reasons::BLOB_DAMAGED);
}

#[tokio::test]
async fn a_writer_that_stops_half_way_leaves_no_blob_and_no_litter() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("blobs");
    let blobs = open(&root).unwrap();
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Bytes>>(1);
    let content =
        stream::unfold(receiver, |mut receiver| async { Some((receiver.recv().await?, receiver)) });
    let name = name(1);
    let mut writer = Box::pin(blobs.put_stream(&name, u64::MAX, content));
    sender.send(Ok("the first half".into())).await.unwrap();
    let staged = || fs::read_dir(root.join("staging")).unwrap().count();
    while staged() == 0 {
        assert!((&mut writer).now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    // Another process that starts now leaves the file of the living writer alone.
    open(&root).unwrap();
    assert_eq!(staged(), 1);
    drop(writer);
    assert_eq!(staged(), 0);
    assert!(!blobs.exists(&name).await.unwrap());
}

/// As after `kill -9`: a staged file that nobody locks.
#[tokio::test]
async fn what_a_killed_writer_left_is_removed_at_the_next_start() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("blobs");
    open(&root).unwrap().put(&name(1), "kept".into()).await.unwrap();
    fs::write(root.join("staging/0199-torn"), "half of something").unwrap();
    // Killed between link and unlink: two names for one file.
    fs::hard_link(file(&root, &name(1)), root.join("staging/0199-linked")).unwrap();
    let blobs = open(&root).unwrap();
    assert_eq!(fs::read_dir(root.join("staging")).unwrap().count(), 0);
    assert_eq!(blobs.get(&name(1), 1000, Some).await.unwrap(), "kept");
    assert_eq!(blobs.put(&name(1), "other".into()).await.unwrap(), Put::Existed);
}

#[tokio::test]
async fn a_strange_file_does_not_stop_a_listing() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("blobs");
    let blobs = open(&root).unwrap();
    blobs.put(&name(1), "kept".into()).await.unwrap();
    fs::write(file(&root, &name(1)).with_file_name("notes.txt"), "hello").unwrap();
    let listed: Vec<_> = blobs.list(TenantId::SYSTEM, "").unwrap().try_collect().await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].name, name(1));
}
