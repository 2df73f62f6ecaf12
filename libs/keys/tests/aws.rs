//! AWS KMS as a provider, against moto's.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod conformance;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Arc, Once};
use std::time::{Duration, Instant};

use conformance::context;
use kernel::{Fault, SystemClock, TenantId};
use keys::aws::{AwsKms, AwsSettings};
use keys::{BreakerSettings, Context, KekState, Kms, WrappedKey, reasons};
use serde_json::{Value, json};
use testkit::{Moto, moto};

const PAUSE: Duration = Duration::from_millis(500);

/// What a person would set. moto takes any credentials, but wants some.
fn settings(moto: &Moto) -> AwsSettings {
    static ENVIRONMENT: Once = Once::new();
    ENVIRONMENT.call_once(|| {
        assert!(std::env::var_os("AWS_ACCESS_KEY_ID").is_some(), "set AWS_ACCESS_KEY_ID for moto");
    });
    AwsSettings {
        region: "eu-central-1".into(),
        alias: "signet/{tenant}".into(),
        keys: BTreeMap::new(),
        endpoint: Some(moto.endpoint()),
        timeout_ms: 5_000,
        concurrency: 16,
        deletion_waiting_days: 7,
        breaker: BreakerSettings { failures: 3, window_ms: 60_000, pause_ms: 500 },
    }
}

fn open(settings: &AwsSettings) -> Arc<dyn Kms> {
    Arc::new(AwsKms::new(settings, SystemClock::shared()).unwrap())
}

/// As an operator would ask, past our code.
async fn ask(moto: &Moto, operation: &str, body: Value) -> Value {
    let scope = "AWS4-HMAC-SHA256 Credential=test/20260101/eu-central-1/kms/aws4_request";
    let answer = reqwest::Client::new()
        .post(moto.endpoint())
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("TrentService.{operation}"))
        .header("authorization", format!("{scope}, SignedHeaders=host, Signature=0"))
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    serde_json::from_str(&answer.text().await.unwrap()).unwrap_or(Value::Null)
}

async fn unwrap(kms: &dyn Kms, tenant: TenantId, key: &WrappedKey) -> kernel::Result<()> {
    kms.unwrap(tenant, &[(key.clone(), context(1))]).await?.remove(0).map(drop)
}

#[tokio::test(flavor = "multi_thread")]
async fn conforms() {
    let moto = moto().unwrap();
    conformance::all(open(&settings(&moto))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_is_a_key_and_the_newest_has_the_tenants_alias() {
    let moto = moto().unwrap();
    let kms = open(&settings(&moto));
    let tenant = TenantId::new();
    kms.rotate(tenant).await.unwrap();
    let describe = async |alias: String| {
        let key = ask(&moto, "DescribeKey", json!({"KeyId": alias})).await;
        (key["KeyMetadata"]["Arn"].clone(), key["KeyMetadata"]["Description"].clone())
    };
    let newest = describe(format!("alias/signet/{tenant}")).await;
    assert_eq!(newest.1, format!("signet: tenant {tenant}, KEK version 2"));
    assert_eq!(newest, describe(format!("alias/signet/{tenant}/2")).await);
    assert_ne!(newest.0, describe(format!("alias/signet/{tenant}/1")).await.0);
    let keys = ask(&moto, "ListKeys", json!({})).await;
    assert_eq!(keys["Keys"].as_array().unwrap().len(), 2);
}

/// Destroyed keys wait, and an operator can still bring them back.
#[tokio::test(flavor = "multi_thread")]
async fn destruction_waits_as_long_as_set() {
    let moto = moto().unwrap();
    let kms = open(&settings(&moto));
    let tenant = TenantId::new();
    let key = kms.generate(tenant, &[context(1)]).await.unwrap().remove(0);
    kms.rotate(tenant).await.unwrap();
    kms.destroy_below(tenant, 2).await.unwrap();
    let states = async || {
        let versions = kms.versions(tenant).await.unwrap();
        versions.iter().map(|version| version.state).collect::<Vec<_>>()
    };
    assert_eq!(states().await, [KekState::Destroying, KekState::Primary]);
    let gone = unwrap(&*kms, tenant, &key.wrapped).await.unwrap_err();
    assert_eq!(gone.reason(), &reasons::KEK_VERSION_UNAVAILABLE);
    let alias = json!({"KeyId": format!("alias/signet/{tenant}/1")});
    let id = ask(&moto, "DescribeKey", alias).await["KeyMetadata"]["KeyId"].clone();
    ask(&moto, "CancelKeyDeletion", json!({"KeyId": id})).await;
    assert_eq!(states().await, [KekState::Disabled, KekState::Primary]);
    ask(&moto, "EnableKey", json!({"KeyId": id})).await;
    assert_eq!(states().await, [KekState::UnwrapOnly, KekState::Primary]);
    unwrap(&*kms, tenant, &key.wrapped).await.unwrap();
}

/// Cut short between the alias of the new version and the pointer to it.
#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_cut_short_is_finished_by_whoever_comes_next() {
    let moto = moto().unwrap();
    let kms = open(&settings(&moto));
    let tenant = TenantId::new();
    kms.rotate(tenant).await.unwrap();
    let alias = format!("alias/signet/{tenant}");
    let first = ask(&moto, "DescribeKey", json!({"KeyId": format!("{alias}/1")})).await;
    let back = json!({"AliasName": alias, "TargetKeyId": first["KeyMetadata"]["KeyId"]});
    ask(&moto, "UpdateAlias", back).await;
    let restarted = open(&settings(&moto));
    let newest = restarted.versions(tenant).await.unwrap().pop().unwrap();
    assert_eq!((newest.number, newest.state), (2, KekState::Primary));
    let key = restarted.generate(tenant, &[context(1)]).await.unwrap().remove(0);
    assert_eq!(key.wrapped.version(), 2);
}

/// Somebody points a tenant's alias to another key.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_the_tenants_is_refused() {
    let moto = moto().unwrap();
    let kms = open(&settings(&moto));
    let (tenant, other) = (TenantId::new(), TenantId::new());
    kms.generate(tenant, &[context(1)]).await.unwrap();
    kms.generate(other, &[context(1)]).await.unwrap();
    let foreign = json!({"KeyId": format!("alias/signet/{other}")});
    let foreign = ask(&moto, "DescribeKey", foreign).await["KeyMetadata"]["KeyId"].clone();
    let alias = format!("alias/signet/{tenant}");
    ask(&moto, "UpdateAlias", json!({"AliasName": alias, "TargetKeyId": foreign})).await;
    let fault = kms.generate(tenant, &[context(1)]).await.err().unwrap();
    assert_eq!(fault.reason(), &reasons::KMS_MISCONFIGURED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenants_own_key_is_used_and_left_to_its_owner() {
    let moto = moto().unwrap();
    let made = ask(&moto, "CreateKey", json!({"Description": "of a customer"})).await;
    let arn = made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned();
    let tenant = TenantId::new();
    let keys = BTreeMap::from([(tenant, arn)]);
    let kms = open(&AwsSettings { keys, ..settings(&moto) });
    let key = kms.generate(tenant, &[context(1)]).await.unwrap().remove(0);
    assert_eq!(key.wrapped.version(), 1);
    unwrap(&*kms, tenant, &key.wrapped).await.unwrap();
    let versions = kms.versions(tenant).await.unwrap();
    assert_eq!((versions.len(), versions[0].state), (1, KekState::Primary));
    kms.destroy_below(tenant, 1).await.unwrap();
    let rotated = kms.rotate(tenant).await.unwrap_err();
    assert_eq!(rotated.reason(), &reasons::KMS_OPERATION_UNSUPPORTED);
    unwrap(&*kms, tenant, &key.wrapped).await.unwrap();
    // Others have keys of our making.
    assert_eq!(kms.rotate(TenantId::new()).await.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_context_too_large_for_aws_is_the_callers_error() {
    let moto = moto().unwrap();
    let kms = open(&settings(&moto));
    let pairs = (0..16).map(|n| (format!("name-{n}"), "x".repeat(512)));
    let fault = kms.generate(TenantId::new(), &[Context::new(pairs).unwrap()]).await.err().unwrap();
    assert_eq!(fault.violations()[0].field, "context");
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_and_gone_are_given_up_on_and_recovered_from() {
    let mut moto = moto().unwrap();
    let kms = open(&AwsSettings { timeout_ms: 1_000, ..settings(&moto) });
    let tenant = TenantId::new();
    let key = kms.generate(tenant, &[context(1)]).await.unwrap().remove(0);
    let away = async || {
        let started = Instant::now();
        let fault = unwrap(&*kms, tenant, &key.wrapped).await.unwrap_err();
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
        assert_eq!(fault.reason(), &reasons::KMS_UNAVAILABLE);
        assert!(fault.retry_after().is_some());
        fault
    };
    moto.freeze().unwrap();
    for _ in 0..3 {
        away().await;
    }
    assert!(away().await.note().unwrap().contains("not asked"));
    assert!(kms.health().await.is_err());
    moto.thaw().unwrap();
    tokio::time::sleep(PAUSE + Duration::from_millis(100)).await;
    unwrap(&*kms, tenant, &key.wrapped).await.unwrap();
    kms.health().await.unwrap();
    moto.stop();
    let gone: Fault = away().await;
    assert!(gone.source().unwrap().to_string().contains("reached"), "{gone:?}");
}
