//! Rekeying, backing up and restoring a keyring.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod place;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use kernel::{SystemClock, TenantId};
use keys::local::{Current, Kek, KeyringHeader, KeyringSecret, LocalSettings, Upkeep};
use keys::{Context, Kms, WrappedKey};
use place::{Place, cause, open};

const BACKUP_PASSPHRASE: &str = "canary-7a31 of a backup's passphrase";

fn context() -> Context {
    Context::new([("id", "1")]).unwrap()
}

fn upkeep(settings: &LocalSettings) -> Upkeep {
    Upkeep::new(&settings.path, settings.secret().unwrap(), SystemClock::shared())
}

async fn one(kms: &dyn Kms, tenant: TenantId) -> WrappedKey {
    kms.generate(tenant, &[context()]).await.unwrap().remove(0).wrapped
}

async fn opens(settings: &LocalSettings, tenant: TenantId, key: &WrappedKey) -> bool {
    let kms = open(settings).await.unwrap();
    kms.unwrap(tenant, &[(key.clone(), context())]).await.unwrap().remove(0).is_ok()
}

/// A keyring by key file with a tenant of one version, and a backup of it.
struct BackedUp {
    place: Place,
    tenant: TenantId,
    key: WrappedKey,
    backup: PathBuf,
    passphrase: PathBuf,
}

impl BackedUp {
    async fn new() -> Self {
        let place = Place::new();
        let tenant = TenantId::new();
        let key = one(&*open(&place.by_key()).await.unwrap(), tenant).await;
        let (backup, passphrase) =
            (place.path("backup"), place.secret("backup-passphrase", BACKUP_PASSPHRASE));
        let contents = upkeep(&place.by_key()).backup(&backup, &passphrase).unwrap();
        assert_eq!((contents.tenants, contents.versions), (1, 1));
        Self { place, tenant, key, backup, passphrase }
    }

    fn restore(&self, settings: &LocalSettings, force: bool) -> (keys::local::RestorePlan, bool) {
        let upkeep = upkeep(settings);
        let planned = upkeep.plan_restore(&self.backup, &self.passphrase).unwrap();
        let (plan, done) = upkeep.restore(&self.backup, &self.passphrase, force).unwrap();
        assert_eq!(plan, planned);
        (plan, done)
    }
}

#[tokio::test]
async fn a_rekeyed_ring_has_a_new_salt_and_root_and_the_same_keks() {
    let place = Place::new();
    let tenant = TenantId::new();
    let key = one(&*open(&place.by_passphrase()).await.unwrap(), tenant).await;
    let before = fs::read(place.path("keyring")).unwrap();
    let status = Upkeep::status(&place.path("keyring")).unwrap();
    assert_eq!((status.sealed_by, status.cost), ("passphrase", Some((19 * 1024, 2, 1))));
    let new = KeyringSecret::PassphraseFile(place.secret("new", "another passphrase\n"));
    let contents = upkeep(&place.by_passphrase()).rekey(new).unwrap();
    assert_eq!(contents.edition.ring, status.edition.ring);
    assert_eq!(contents.edition.generation, status.edition.generation + 1);
    // Cost stands at 10..22, the salt at 22..38, the check at 38..54.
    let after = fs::read(place.path("keyring")).unwrap();
    assert_ne!(before[22..38], after[22..38]);
    assert_ne!(before[38..54], after[38..54]);
    let fault = open(&place.by_passphrase()).await.err().unwrap();
    assert!(cause(&fault).contains("does not open this keyring"));
    let renewed =
        LocalSettings { passphrase_file: Some(place.path("new")), ..place.by_passphrase() };
    assert!(opens(&renewed, tenant, &key).await);
    // From a passphrase to a key file, and with the old secret nothing.
    let to_file = KeyringSecret::KeyFile(place.path("key"));
    assert!(upkeep(&place.by_passphrase()).rekey(to_file.clone()).is_err());
    upkeep(&renewed).rekey(to_file).unwrap();
    assert!(opens(&place.by_key(), tenant, &key).await);
}

/// The running process finds the new passphrase under the old name.
#[tokio::test]
async fn a_process_goes_on_once_it_has_the_new_secret() {
    let place = Place::new();
    let tenant = TenantId::new();
    let kms = open(&place.by_passphrase()).await.unwrap();
    let key = one(&*kms, tenant).await;
    let new = place.secret("new", "another passphrase");
    upkeep(&place.by_passphrase()).rekey(KeyringSecret::PassphraseFile(new.clone())).unwrap();
    let items = [(key, context())];
    let fault = kms.unwrap(tenant, &items).await.err().unwrap();
    assert!(cause(&fault).contains("does not open this keyring"));
    fs::rename(new, place.path("passphrase")).unwrap();
    kms.unwrap(tenant, &items).await.unwrap().remove(0).unwrap();
    kms.rotate(tenant).await.unwrap();
}

#[tokio::test]
async fn a_new_secret_that_is_none_changes_nothing() {
    let place = Place::new();
    open(&place.by_key()).await.unwrap();
    let before = fs::read(place.path("keyring")).unwrap();
    let short = KeyringSecret::PassphraseFile(place.secret("short", "too short"));
    let absent = KeyringSecret::KeyFile(place.path("absent"));
    for secret in [short, absent] {
        assert!(upkeep(&place.by_key()).rekey(secret).is_err());
        assert_eq!(fs::read(place.path("keyring")).unwrap(), before);
    }
}

#[tokio::test]
async fn a_backup_is_private_sealed_and_never_overwritten() {
    let BackedUp { place, backup, passphrase, .. } = BackedUp::new().await;
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    let bytes = fs::read(&backup).unwrap();
    let header = KeyringHeader::parse_backup(&bytes).unwrap();
    assert_eq!(header.cost(), Some((64 * 1024, 3, 4)));
    assert_eq!(Upkeep::verify_backup(&backup, &passphrase).unwrap().versions, 1);
    let fault = upkeep(&place.by_key()).backup(&backup, &passphrase).unwrap_err();
    assert!(cause(&fault).contains("never overwritten"), "{fault:?}");
    assert_eq!(fs::read(&backup).unwrap(), bytes);
    assert!(!place.path("backup.new").exists());
    // It opens with its own passphrase only, and no message shows that.
    let fault = Upkeep::verify_backup(&backup, &place.path("passphrase")).unwrap_err();
    assert!(cause(&fault).contains("does not open"), "{fault:?}");
    let wrong = place.secret("wrong", "canary-of-a-wrong-passphrase");
    let fault = Upkeep::verify_backup(&backup, &wrong).unwrap_err();
    assert!(!format!("{fault:?} {}", cause(&fault)).contains("canary"));
    // It is no keyring, and one that others may read is refused.
    let as_keyring = LocalSettings { path: backup.clone(), ..place.by_key() };
    assert!(cause(&open(&as_keyring).await.err().unwrap()).contains("not a keyring"));
    fs::set_permissions(&backup, Permissions::from_mode(0o644)).unwrap();
    let fault = Upkeep::verify_backup(&backup, &passphrase).unwrap_err();
    assert!(cause(&fault).contains("chmod 600"));
}

#[tokio::test]
async fn a_torn_or_altered_backup_is_damaged() {
    let BackedUp { place: _place, backup, passphrase, .. } = BackedUp::new().await;
    let whole = fs::read(&backup).unwrap();
    let refused = |bytes: &[u8], at: usize| {
        fs::write(&backup, bytes).unwrap();
        let fault = Upkeep::verify_backup(&backup, &passphrase).unwrap_err();
        let because = if at < 8 { "not a backup" } else { "damaged" };
        assert!(cause(&fault).contains(because), "{at}: {fault:?}");
    };
    for at in 0..whole.len() {
        refused(&whole[..at], at);
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        refused(&bytes, at);
    }
}

#[tokio::test]
async fn a_lost_keyring_comes_back_under_another_secret() {
    let backed = BackedUp::new().await;
    let settings = backed.place.by_passphrase();
    fs::remove_file(&settings.path).unwrap();
    let (plan, done) = backed.restore(&settings, false);
    assert!(done && plan.is_harmless());
    assert_eq!(plan.current, Current::Absent);
    assert!(opens(&settings, backed.tenant, &backed.key).await);
    let generation = Upkeep::status(&settings.path).unwrap().edition.generation;
    assert!(generation > plan.backup.edition.generation);
}

#[tokio::test]
async fn a_newer_keyring_is_replaced_by_force_only_and_what_would_be_lost_is_said() {
    let backed = BackedUp::new().await;
    let settings = backed.place.by_key();
    let (kms, tenant, newcomer) = (open(&settings).await.unwrap(), backed.tenant, TenantId::new());
    kms.rotate(tenant).await.unwrap();
    let newer = one(&*kms, tenant).await;
    one(&*kms, newcomer).await;
    let before = fs::read(&settings.path).unwrap();
    let (plan, done) = backed.restore(&settings, false);
    assert!(!done);
    assert_eq!(fs::read(&settings.path).unwrap(), before);
    let mut lost = vec![Kek { tenant, version: 2 }, Kek { tenant: newcomer, version: 1 }];
    lost.sort();
    assert_eq!(plan.lost, lost);
    assert!(plan.revived.is_empty() && !plan.other_ring);
    let (_, done) = backed.restore(&settings, true);
    assert!(done);
    assert!(opens(&settings, tenant, &backed.key).await);
    assert!(!opens(&settings, tenant, &newer).await);
}

/// Else a restore would undo what a certificate says.
#[tokio::test]
async fn destroyed_versions_do_not_come_back_unnoticed() {
    let backed = BackedUp::new().await;
    let settings = backed.place.by_key();
    let kms = open(&settings).await.unwrap();
    kms.rotate(backed.tenant).await.unwrap();
    kms.destroy_below(backed.tenant, 2).await.unwrap();
    let (plan, done) = backed.restore(&settings, false);
    assert!(!done);
    assert_eq!(plan.revived, [Kek { tenant: backed.tenant, version: 1 }]);
    assert!(!opens(&settings, backed.tenant, &backed.key).await);
}

#[tokio::test]
async fn a_restore_that_changes_nothing_of_the_keys_needs_no_force() {
    let backed = BackedUp::new().await;
    let (plan, done) = backed.restore(&backed.place.by_key(), false);
    assert!(done && plan.is_harmless());
    assert!(opens(&backed.place.by_key(), backed.tenant, &backed.key).await);
}

#[tokio::test]
async fn another_or_an_unreadable_keyring_is_replaced_by_force_only() {
    let backed = BackedUp::new().await;
    let settings = backed.place.by_key();
    // Damaged.
    fs::write(&settings.path, b"SGNTKEYS, torn").unwrap();
    let (plan, done) = backed.restore(&settings, false);
    assert!(!done && matches!(&plan.current, Current::Unreadable(why) if why.contains("damaged")));
    assert!(backed.restore(&settings, true).1);
    // Its passphrase was lost.
    let settings = backed.place.by_passphrase();
    let (plan, done) = backed.restore(&settings, false);
    assert!(
        !done && matches!(&plan.current, Current::Unreadable(why) if why.contains("sealed by"))
    );
    assert!(backed.restore(&settings, true).1);
    assert!(opens(&settings, backed.tenant, &backed.key).await);
    // Another one altogether.
    fs::remove_file(&settings.path).unwrap();
    open(&settings).await.unwrap();
    let (plan, done) = backed.restore(&settings, false);
    assert!(!done && plan.other_ring && plan.lost.is_empty());
}

#[tokio::test]
async fn what_was_cut_short_is_reported() {
    let place = Place::new();
    let kms = open(&place.by_key()).await.unwrap();
    let status = Upkeep::status(&place.path("keyring")).unwrap();
    assert_eq!((status.sealed_by, status.cost, status.leftover), ("key file", None, false));
    place.secret("keyring.new", "half of a keyri");
    assert!(Upkeep::status(&place.path("keyring")).unwrap().leftover);
    kms.rotate(TenantId::new()).await.unwrap();
    assert!(!Upkeep::status(&place.path("keyring")).unwrap().leftover);
    assert_eq!(upkeep(&place.by_key()).verify().unwrap().versions, 2);
}
