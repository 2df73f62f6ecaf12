//! What a Vault can answer, or not answer, when something is wrong with it: a
//! scripted server, since the real one cannot be made to on command.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use kernel::{Fault, SystemClock, TenantId};
use keys::vault::{VaultAuth, VaultKms, VaultSettings};
use keys::{BreakerSettings, Context, Kms, reasons};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const TOKEN: &str = "hvs.canary-token";

struct Scripted {
    address: String,
    requests: Arc<Mutex<Vec<String>>>,
    files: TempDir,
}

impl Scripted {
    /// Answers every request with this; with nothing, it stays silent.
    async fn new(answer: Option<(u16, &str)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let answer = answer.map(|(status, body)| {
            let length = body.len();
            format!("HTTP/1.1 {status} X\r\ncontent-length: {length}\r\nlocation: http://127.0.0.1:1/\r\nconnection: close\r\n\r\n{body}")
        });
        let seen = requests.clone();
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let (answer, seen) = (answer.clone(), seen.clone());
                tokio::spawn(async move {
                    let mut buffer = vec![0; 64 * 1024];
                    let length = stream.read(&mut buffer).await.unwrap();
                    seen.lock().unwrap().push(String::from_utf8_lossy(&buffer[..length]).into());
                    match answer {
                        Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
                        None => std::future::pending().await,
                    }
                });
            }
        });
        Self { address, requests, files: tempfile::tempdir().unwrap() }
    }

    fn settings(&self) -> VaultSettings {
        use std::os::unix::fs::PermissionsExt;
        let path = self.files.path().join("token");
        std::fs::write(&path, TOKEN).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        VaultSettings {
            address: self.address.clone(),
            auth: VaultAuth::TokenFile { path },
            mount: "transit".into(),
            key_prefix: "signet-".into(),
            namespace: None,
            ca_file: None,
            timeout_ms: 300,
            breaker: BreakerSettings::default(),
            allow_http: false,
        }
    }
}

async fn fault(answer: Option<(u16, &str)>) -> Fault {
    let vault = Scripted::new(answer).await;
    let kms = VaultKms::new(&vault.settings(), SystemClock::shared()).unwrap();
    let context = Context::new([("id", "1")]).unwrap();
    let fault = kms.generate(TenantId::new(), &[context]).await.err().unwrap();
    let shown = format!(
        "{fault} {fault:?} {}",
        fault.source().map(ToString::to_string).unwrap_or_default()
    );
    assert!(!shown.contains("canary"), "{shown}");
    fault
}

#[tokio::test]
async fn troubles_that_pass_are_unavailable_with_a_time_to_retry() {
    let errors = r#"{"errors":["canary of Vault's own words"]}"#;
    for (status, seconds) in
        [(429, 1), (500, 1), (502, 1), (412, 1), (472, 1), (473, 1), (503, 5), (307, 5)]
    {
        for body in [errors, "canary, not JSON", ""] {
            let fault = fault(Some((status, body))).await;
            assert_eq!(fault.reason(), &reasons::KMS_UNAVAILABLE, "{status}");
            assert_eq!(fault.retry_after(), Some(Duration::from_secs(seconds)), "{status}");
        }
    }
}

#[tokio::test]
async fn a_frozen_vault_is_given_up_on_in_time() {
    let started = tokio::time::Instant::now();
    let fault = fault(None).await;
    assert_eq!(fault.reason(), &reasons::KMS_UNAVAILABLE);
    assert!(fault.source().unwrap().to_string().contains("in time"));
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn nonsense_is_a_misconfiguration_and_never_a_key() {
    for body in [
        "",
        "<html>canary</html>",
        "{}",
        r#"{"data":{"canary":1}}"#,
        r#"{"request_id":"","lease_id":"","renewable":false,"lease_duration":0,"data":{"type":"canary"}}"#,
        r#"{"request_id":"","lease_id":"","renewable":false,"lease_duration":0,"data":{"type":"aes256-gcm96","derived":true,"exportable":false,"allow_plaintext_backup":false,"latest_version":1}}"#,
    ] {
        assert_eq!(fault(Some((200, body))).await.reason(), &reasons::KMS_MISCONFIGURED, "{body}");
    }
    assert_eq!(fault(Some((400, "canary"))).await.reason(), &reasons::KMS_MISCONFIGURED);
}

#[tokio::test]
async fn token_and_namespace_go_out_as_headers() {
    let vault = Scripted::new(Some((
        200,
        r#"{"request_id":"","lease_id":"","renewable":false,"lease_duration":0,"data":{}}"#,
    )))
    .await;
    let settings = VaultSettings { namespace: Some("team/a".into()), ..vault.settings() };
    let kms = VaultKms::new(&settings, SystemClock::shared()).unwrap();
    kms.health().await.unwrap();
    let request = vault.requests.lock().unwrap()[0].to_lowercase();
    assert!(request.starts_with("get /v1/auth/token/lookup-self http/1.1"), "{request}");
    assert!(request.contains("x-vault-namespace: team/a"), "{request}");
    assert!(request.contains(&format!("x-vault-token: {TOKEN}")), "{request}");
}

/// The client library would panic on such a header.
#[tokio::test]
async fn a_token_that_is_none_is_refused() {
    let vault = Scripted::new(Some((200, ""))).await;
    let settings = vault.settings();
    std::fs::write(vault.files.path().join("token"), "canary\u{7f}\u{e9} x").unwrap();
    let kms = VaultKms::new(&settings, SystemClock::shared()).unwrap();
    let fault = kms.health().await.unwrap_err();
    assert_eq!(fault.reason(), &reasons::KMS_MISCONFIGURED);
    assert!(!format!("{fault:?}").contains("canary"));
    assert!(vault.requests.lock().unwrap().is_empty());
}
