//! What Vault does for us when all is well, and who may use it.

use std::time::Duration;

use kernel::{ManualClock, TenantId, Timestamp};
use keys::reasons;
use keys::vault::VaultSettings;
use testkit::vault::{vault, vault_with_tls};

use crate::conformance::{self, context};
use crate::place::{Place, cause, open, open_at, works};

#[tokio::test(flavor = "multi_thread")]
async fn conforms_with_the_documented_policy() {
    let place = Place::new(vault().unwrap());
    let kms = open(&place.with_token(&place.token()));
    conformance::all(kms).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms_over_tls_with_its_own_authority_as_app_role() {
    let place = Place::new(vault_with_tls().unwrap());
    let role = place.with_app_role("signet", &[]);
    let kms = open(&VaultSettings { ca_file: Some(place.vault.ca_file()), ..role.clone() });
    conformance::all(kms).await;
    // Without that authority it is somebody else's Vault.
    let fault = open(&role).health().await.unwrap_err();
    assert_eq!(fault.reason(), &reasons::KMS_UNAVAILABLE);
    assert!(cause(&fault).contains("certificate"), "{fault:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_derived_and_stay_in_vault() {
    let place = Place::new(vault().unwrap());
    let kms = open(&place.with_token(&place.token()));
    let tenant = TenantId::new();
    kms.generate(tenant, &[context(1)]).await.unwrap();
    let key = place.vault.run(&["read", &format!("transit/keys/signet-{tenant}")]).unwrap();
    for line in ["derived true", "exportable false", "type aes256-gcm96"] {
        let words: Vec<_> = line.split(' ').collect();
        let found = key.lines().any(|l| l.split_whitespace().collect::<Vec<_>>() == words);
        assert!(found, "{line} is not in\n{key}");
    }
}

/// Somebody with rights in Vault made the key beforehand, so that he can take it out.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_could_leave_vault_is_refused() {
    let place = Place::new(vault().unwrap());
    let kms = open(&place.with_token(&place.token()));
    for options in [
        ["derived=true", "exportable=true"],
        ["derived=true", "allow_plaintext_backup=true"],
        ["derived=false", "type=aes256-gcm96"],
        ["derived=true", "type=chacha20-poly1305"],
    ] {
        let tenant = TenantId::new();
        let path = format!("transit/keys/signet-{tenant}");
        place.vault.run(&[&["write", "-f", &path][..], &options].concat()).unwrap();
        let fault = kms.generate(tenant, &[context(1)]).await.err().unwrap();
        assert_eq!(fault.reason(), &reasons::KMS_MISCONFIGURED, "{options:?}");
        assert!(cause(&fault).contains(&format!("signet-{tenant}")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_version_is_told_from_an_unreadable_key() {
    let place = Place::new(vault().unwrap());
    let kms = open(&place.with_token(&place.token()));
    let tenant = TenantId::new();
    let key = kms.generate(tenant, &[context(1)]).await.unwrap().remove(0);
    kms.rotate(tenant).await.unwrap();
    let path = format!("transit/keys/signet-{tenant}/config");
    place.vault.run(&["write", &path, "min_decryption_version=2"]).unwrap();
    let items = [(key.wrapped, context(1))];
    let unwrapped = kms.unwrap(tenant, &items).await.unwrap().remove(0);
    assert_eq!(unwrapped.err().unwrap().reason(), &reasons::KEK_VERSION_UNAVAILABLE);
    let rewrapped = kms.rewrap(tenant, &items).await.unwrap().remove(0);
    assert_eq!(rewrapped.err().unwrap().reason(), &reasons::KEK_VERSION_UNAVAILABLE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_file_is_read_again_when_it_changes_or_its_token_dies() {
    let place = Place::new(vault().unwrap());
    let first = place.token();
    let settings = place.with_token(&first);
    let kms = open(&settings);
    works(&*kms).await.unwrap();
    place.vault.run(&["token", "revoke", &first]).unwrap();
    let fault = works(&*kms).await.unwrap_err();
    assert_eq!(fault.reason(), &reasons::KMS_DENIED);
    assert!(fault.retry_after().is_some());
    place.file("token", &place.token());
    works(&*kms).await.unwrap();
    // A file that is missing or holds no token is said to be so.
    place.file("token", "two\nlines\n");
    let fault = works(&*kms).await.unwrap_err();
    assert_eq!(fault.reason(), &reasons::KMS_MISCONFIGURED);
    std::fs::remove_file(place.files.path().join("token")).unwrap();
    assert!(cause(&works(&*kms).await.unwrap_err()).contains("token"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_app_role_renews_and_logs_in_again() {
    let place = Place::new(vault().unwrap());
    let settings = place.with_app_role("signet", &["token_ttl=60s", "token_max_ttl=1h"]);
    let clock = ManualClock::at(Timestamp::from_timestamp(1_800_000_000, 0).unwrap());
    let kms = open_at(&settings, clock.clone());
    works(&*kms).await.unwrap();
    works(&*kms).await.unwrap();
    assert_eq!(place.tokens(), 1);
    // Two thirds of its life: renewed, still the same token.
    clock.advance(chrono::Duration::seconds(41));
    works(&*kms).await.unwrap();
    assert_eq!(place.tokens(), 1);
    // Slept through its end: a new one.
    clock.advance(chrono::Duration::seconds(3_600));
    works(&*kms).await.unwrap();
    assert_eq!(place.tokens(), 2);
    // Revoked by an operator: a new one, without any call failing.
    let list = place.vault.run(&["list", "-format=json", "auth/token/accessors"]).unwrap();
    for accessor in list.split('"').skip(1).step_by(2) {
        let lookup = place.vault.run(&["token", "lookup", "-accessor", accessor]).unwrap();
        if lookup.contains("approle") {
            place.vault.run(&["token", "revoke", "-accessor", accessor]).unwrap();
        }
    }
    clock.advance(chrono::Duration::seconds(2));
    works(&*kms).await.unwrap();
    assert_eq!(place.tokens(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn racing_calls_log_in_once() {
    let place = Place::new(vault().unwrap());
    let kms = open(&place.with_app_role("signet", &[]));
    let racers: Vec<_> = (0..16)
        .map(|_| {
            let kms = kms.clone();
            tokio::spawn(async move { works(&*kms).await })
        })
        .collect();
    for racer in racers {
        racer.await.unwrap().unwrap();
    }
    assert_eq!(place.tokens(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_lacks_a_path_is_a_denial_without_a_storm_of_log_ins() {
    let place = Place::new(vault().unwrap());
    let kms = open(&place.with_app_role("default", &[]));
    for _ in 0..5 {
        let fault = works(&*kms).await.unwrap_err();
        assert_eq!(fault.reason(), &reasons::KMS_DENIED);
    }
    kms.health().await.unwrap();
    assert!(place.tokens() <= 3, "{} tokens", place.tokens());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_secret_id_is_a_denial() {
    let place = Place::new(vault().unwrap());
    let settings = place.with_app_role("signet", &[]);
    place.file("secret-id", "canary-secret-id");
    let fault = works(&*open(&settings)).await.unwrap_err();
    assert_eq!(fault.reason(), &reasons::KMS_DENIED);
    assert!(!format!("{fault:?} {fault} {}", cause(&fault)).contains("canary"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_mount_is_a_misconfiguration() {
    let place = Place::new(vault().unwrap());
    let token = place.with_token(place.vault.root_token());
    let kms = open(&VaultSettings { mount: "transitt".into(), ..token });
    assert_eq!(works(&*kms).await.unwrap_err().reason(), &reasons::KMS_MISCONFIGURED);
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_and_gone_are_unavailable_with_a_time_to_retry() {
    let mut place = Place::new(vault().unwrap());
    let kms = open(&place.with_token(&place.token()));
    let tenant = TenantId::new();
    let key = kms.generate(tenant, &[context(1)]).await.unwrap().remove(0);
    place.vault.run(&["operator", "seal"]).unwrap();
    let items = [(key.wrapped, context(1))];
    let fault = kms.unwrap(tenant, &items).await.err().unwrap();
    assert_eq!(fault.reason(), &reasons::KMS_UNAVAILABLE);
    assert_eq!(fault.retry_after(), Some(Duration::from_secs(5)));
    assert!(kms.health().await.is_err());
    place.vault.stop();
    let fault = kms.unwrap(tenant, &items).await.err().unwrap();
    assert_eq!(fault.reason(), &reasons::KMS_UNAVAILABLE);
    assert_eq!(fault.retry_after(), Some(Duration::from_secs(1)));
    assert!(kms.health().await.is_err());
}

/// So docs/keys.md warns: without Enterprise (or OpenBao) a namespace separates nothing.
#[tokio::test(flavor = "multi_thread")]
async fn the_open_edition_of_vault_ignores_a_namespace() {
    let place = Place::new(vault().unwrap());
    let plain = place.with_token(&place.token());
    let kms = open(&VaultSettings { namespace: Some("team/a".into()), ..plain });
    let tenant = TenantId::new();
    kms.generate(tenant, &[context(1)]).await.unwrap();
    place.vault.run(&["read", &format!("transit/keys/signet-{tenant}")]).unwrap();
}
