//! Nothing that passes between us and Vault shows in any log line of any
//! library at any level. Alone in its binary: the subscriber is for the process.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use kernel::{SystemClock, TenantId};
use keys::vault::{VaultAuth, VaultKms, VaultSettings};
use keys::{Context, Kms, WrappedKey};
use tracing_subscriber::fmt::format::FmtSpan;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_log_line_shows_a_token_or_a_key() {
    let log = Log::default();
    let writer = log.clone();
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();

    let vault = testkit::vault::vault().unwrap();
    vault.run(&["secrets", "enable", "transit"]).unwrap();
    let files = tempfile::tempdir().unwrap();
    let path = files.path().join("token");
    std::fs::write(&path, vault.root_token()).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    let settings = serde_json::from_value::<VaultSettings>(serde_json::json!({
        "address": vault.address(),
        "auth": { "method": "token_file", "path": path },
    }))
    .unwrap();
    assert!(matches!(settings.auth, VaultAuth::TokenFile { .. }));

    let kms = VaultKms::new(&settings, SystemClock::shared()).unwrap();
    let tenant = TenantId::new();
    let context = |id: &str| Context::new([("id", id)]).unwrap();
    let keys = kms.generate(tenant, &[context("1"), context("2")]).await.unwrap();
    let wrapped = |n: usize, id: &str| (keys[n].wrapped.clone(), context(id));
    let unwrapped = kms.unwrap(tenant, &[wrapped(0, "1"), wrapped(1, "9")]).await.unwrap();
    assert!(unwrapped[0].is_ok() && unwrapped[1].is_err());
    let unreadable = kms.unwrap(tenant, &[wrapped(0, "9")]).await.unwrap();
    assert!(unreadable[0].is_err());
    kms.rewrap(tenant, &[wrapped(0, "1")]).await.unwrap();
    kms.health().await.unwrap();

    let log = String::from_utf8_lossy(&log.0.lock().unwrap()).into_owned();
    assert!(log.contains("Sending Request"), "the libraries' own lines are not captured");
    assert!(!log.contains(vault.root_token()));
    for key in &keys {
        let bytes = key.plaintext.expose();
        let body = &key.wrapped.to_bytes()[WrappedKey::PREFIX..];
        for shown in [BASE64.encode(bytes), hex(bytes), format!("{bytes:?}"), BASE64.encode(body)] {
            assert!(!log.contains(&shown));
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
