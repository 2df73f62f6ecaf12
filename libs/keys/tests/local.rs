//! The keyring file as a provider: sharing, permissions, damage, secrets.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod conformance;
mod place;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use conformance::context;
use kernel::TenantId;
use keys::local::{KeyringHeader, LocalSettings};
use keys::reasons;
use place::{Place, cause, open};

async fn refused(settings: &LocalSettings, because: &str) {
    let fault = open(settings).await.err().unwrap();
    assert_eq!(fault.reason(), &reasons::KMS_MISCONFIGURED);
    assert!(cause(&fault).contains(because), "{fault:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_with_a_key_file() {
    let place = Place::new();
    conformance::all(open(&place.by_key()).await.unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_with_a_passphrase() {
    let place = Place::new();
    conformance::all(open(&place.by_passphrase()).await.unwrap()).await;
    let file = fs::read(place.path("keyring")).unwrap();
    assert_eq!(KeyringHeader::parse(&file).unwrap().sealed_by(), "passphrase");
}

#[tokio::test]
async fn keys_survive_a_restart() {
    let place = Place::new();
    for settings in [place.by_key(), place.by_passphrase()] {
        let tenant = TenantId::new();
        let kms = open(&settings).await.unwrap();
        kms.rotate(tenant).await.unwrap();
        let key = kms.generate(tenant, &[context(1)]).await.unwrap().remove(0);
        drop(kms);
        let kms = open(&LocalSettings { create: false, ..settings.clone() }).await.unwrap();
        let again = kms.unwrap(tenant, &[(key.wrapped, context(1))]).await.unwrap().remove(0);
        assert!(again.unwrap().expose() == key.plaintext.expose());
        fs::remove_file(&settings.path).unwrap();
    }
}

/// Two providers on one file stand for two processes: the lock is on the open
/// file, so they exclude each other in the same way.
#[tokio::test(flavor = "multi_thread")]
async fn two_users_of_one_file_lose_nothing() {
    let place = Place::new();
    let users = [open(&place.by_key()).await.unwrap(), open(&place.by_key()).await.unwrap()];
    let tasks: Vec<_> = (0..20)
        .map(|n| {
            let kms = users[n % 2].clone();
            tokio::spawn(async move {
                let tenant = TenantId::new();
                (tenant, kms.generate(tenant, &[context(n)]).await.unwrap().remove(0), n)
            })
        })
        .collect();
    let third = open(&place.by_key()).await.unwrap();
    for task in tasks {
        let (tenant, key, n) = task.await.unwrap();
        for kms in users.iter().chain([&third]) {
            let items = [(key.wrapped.clone(), context(n))];
            let again = kms.unwrap(tenant, &items).await.unwrap().remove(0).unwrap();
            assert!(again.expose() == key.plaintext.expose());
        }
    }
    // A rotation by one is used by the other at once.
    let tenant = TenantId::new();
    users[0].generate(tenant, &[context(0)]).await.unwrap();
    users[1].rotate(tenant).await.unwrap();
    let key = users[0].generate(tenant, &[context(0)]).await.unwrap().remove(0);
    assert_eq!(key.wrapped.version(), 2);
}

#[tokio::test]
async fn the_keyring_is_private_and_stays_so() {
    let place = Place::new();
    let kms = open(&place.by_key()).await.unwrap();
    kms.rotate(TenantId::new()).await.unwrap();
    for name in ["keyring", "keyring.lock"] {
        let mode = fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    assert!(!place.path("keyring.new").exists());
    let path = place.path("keyring");
    for mode in [0o640, 0o604, 0o620, 0o666] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        refused(&place.by_key(), &format!("chmod 600 {}", path.display())).await;
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(place.0.path(), Permissions::from_mode(0o777)).unwrap();
    refused(&place.by_key(), &format!("chmod go-w {}", place.0.path().display())).await;
}

#[tokio::test]
async fn a_torn_or_altered_keyring_is_named_damaged_and_not_replaced() {
    let place = Place::new();
    open(&place.by_key()).await.unwrap().rotate(TenantId::new()).await.unwrap();
    let path = place.path("keyring");
    let whole = fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let because = if cut < 8 { "not a keyring" } else { "damaged" };
        refused(&place.by_key(), because).await;
        assert_eq!(fs::read(&path).unwrap(), whole[..cut]);
    }
    for at in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(&path, bytes).unwrap();
        refused(&place.by_key(), if at < 8 { "not a keyring" } else { "damaged" }).await;
    }
    fs::write(&path, &whole).unwrap();
    open(&place.by_key()).await.unwrap();
}

/// A change is cut short at every byte of the new file, and at every step
/// after that; whoever comes next finds a whole keyring and can change it.
#[tokio::test]
async fn a_change_cut_short_anywhere_leaves_a_whole_keyring() {
    let place = Place::new();
    let (path, staged) = (place.path("keyring"), place.path("keyring.new"));
    let tenant = TenantId::new();
    let kms = open(&place.by_key()).await.unwrap();
    let key = kms.generate(tenant, &[context(1)]).await.unwrap().remove(0);
    let items = [(key.wrapped.clone(), context(1))];
    let before = fs::read(&path).unwrap();
    kms.rotate(tenant).await.unwrap();
    let after = fs::read(&path).unwrap();
    drop(kms);
    let settings = LocalSettings { create: false, ..place.by_key() };
    for cut in 0..=after.len() {
        // Not yet renamed: the old one counts.
        fs::write(&path, &before).unwrap();
        fs::write(&staged, &after[..cut]).unwrap();
        let kms = open(&settings).await.unwrap();
        let opened = kms.unwrap(tenant, &items).await.unwrap().remove(0).unwrap();
        assert!(opened.expose() == key.plaintext.expose());
        assert_eq!(kms.versions(tenant).await.unwrap().len(), 1, "cut at {cut}");
        // Most cuts tell the same about what comes next, and that writes to the disk.
        if cut % 16 == 0 || cut == after.len() {
            assert_eq!(kms.rotate(tenant).await.unwrap(), 2);
            assert!(!staged.exists());
        }
    }
    // Renamed: the new one counts.
    fs::write(&path, &after).unwrap();
    let kms = open(&settings).await.unwrap();
    assert_eq!(kms.versions(tenant).await.unwrap().len(), 2);
}

/// Somebody may have put something else where the staged file goes.
#[tokio::test]
async fn what_lies_in_the_way_of_a_change_is_not_written_through() {
    let place = Place::new();
    let (victim, staged) = (place.secret("victim", "precious"), place.path("keyring.new"));
    let kms = open(&place.by_key()).await.unwrap();
    std::os::unix::fs::symlink(&victim, &staged).unwrap();
    kms.rotate(TenantId::new()).await.unwrap();
    assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
    assert!(fs::symlink_metadata(place.path("keyring")).unwrap().is_file());
    // A directory cannot be removed as a file: an error, and nothing is lost.
    fs::create_dir(&staged).unwrap();
    let tenant = TenantId::new();
    assert_eq!(kms.rotate(tenant).await.unwrap_err().reason(), &reasons::KMS_UNAVAILABLE);
    fs::remove_dir(&staged).unwrap();
    assert_eq!(kms.rotate(tenant).await.unwrap(), 2);
}

#[tokio::test]
async fn a_wrong_secret_is_said_to_be_wrong() {
    let place = Place::new();
    open(&place.by_passphrase()).await.unwrap();
    place.secret("passphrase", "incorrect horse battery");
    refused(&place.by_passphrase(), "does not open this keyring").await;
    place.secret("passphrase", "too short");
    refused(&place.by_passphrase(), "12 to 4096 bytes").await;
    refused(&place.by_key(), "sealed by a passphrase, but settings name a key_file").await;
    fs::remove_file(place.path("keyring")).unwrap();
    open(&place.by_key()).await.unwrap();
    fs::remove_file(place.path("key")).unwrap();
    keys::create_key_file(&place.path("key")).unwrap();
    refused(&place.by_key(), "does not open this keyring").await;
}

#[tokio::test]
async fn no_message_shows_the_passphrase() {
    let place = Place::new();
    open(&place.by_passphrase()).await.unwrap();
    place.secret("passphrase", "canary-3f1a of a passphrase");
    let fault = open(&place.by_passphrase()).await.err().unwrap();
    for shown in [format!("{fault}"), format!("{fault:?}"), cause(&fault)] {
        assert!(!shown.contains("canary"), "{shown}");
    }
}

#[tokio::test]
async fn a_missing_keyring_is_not_begun_unless_asked() {
    let place = Place::new();
    let settings = LocalSettings { create: false, ..place.by_key() };
    refused(&settings, "no such keyring").await;
    assert!(!place.path("keyring").exists());
    // Nor is one that vanishes under a running process: new keys would die with it.
    let kms = open(&place.by_key()).await.unwrap();
    fs::remove_file(place.path("keyring")).unwrap();
    let fault = kms.generate(TenantId::new(), &[context(1)]).await.err().unwrap();
    assert!(cause(&fault).contains("no such keyring"));
    assert!(kms.health().await.is_err());
}

#[tokio::test]
async fn exactly_one_secret_must_be_named() {
    let place = Place::new();
    let both = LocalSettings { passphrase_file: Some(place.path("passphrase")), ..place.by_key() };
    let none = LocalSettings { key_file: None, ..place.by_key() };
    for settings in [both, none] {
        let fault = open(&settings).await.err().unwrap();
        assert!(fault.note().unwrap().contains("exactly one"));
    }
}
