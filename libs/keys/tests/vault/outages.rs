//! The real Vault when it is unwell. Each time: a typed error within a bounded
//! time, and when Vault is well again so are we, without being restarted.

use std::sync::Arc;
use std::time::{Duration, Instant};

use kernel::{Fault, TenantId};
use keys::vault::{VaultAuth, VaultSettings};
use keys::{BreakerSettings, Context, DataKey, Kms, PlaintextKey, reasons};
use testkit::vault::{vault, vault_with_tls};
use testkit::{Proxy, StoredVault, stored_vault, vault_pair};

use crate::conformance::context;
use crate::place::{Place, Server, cause, open, settings, works};

const TIMEOUT_MS: u32 = 1_000;
/// Twice the time-out of a request, and what a busy machine adds.
const BOUND: Duration = Duration::from_millis(4_000);
const PAUSE: Duration = Duration::from_millis(500);
const BREAKER: BreakerSettings = BreakerSettings { failures: 3, window_ms: 60_000, pause_ms: 500 };

/// Not patient, as tests are.
fn hasty(settings: VaultSettings) -> VaultSettings {
    VaultSettings { timeout_ms: TIMEOUT_MS, breaker: BREAKER, ..settings }
}

/// One data key, made while all was well, and how to ask for it.
struct Held {
    kms: Arc<dyn Kms>,
    tenant: TenantId,
    key: DataKey,
    context: Context,
}

impl Held {
    async fn new(kms: Arc<dyn Kms>) -> Self {
        let (tenant, context) = (TenantId::new(), context(1));
        let key = kms.generate(tenant, std::slice::from_ref(&context)).await.unwrap().remove(0);
        Self { kms, tenant, key, context }
    }

    async fn unwrap(&self) -> kernel::Result<PlaintextKey> {
        let item = (self.key.wrapped.clone(), self.context.clone());
        self.kms.unwrap(self.tenant, &[item]).await?.remove(0)
    }

    async fn good(&self) {
        assert!(self.unwrap().await.unwrap().expose() == self.key.plaintext.expose());
    }

    /// Fails as it should and in time.
    async fn away(&self) -> Fault {
        let started = Instant::now();
        let fault = self.unwrap().await.err().unwrap();
        assert!(started.elapsed() < BOUND, "{:?}", started.elapsed());
        assert_eq!(fault.reason(), &reasons::KMS_UNAVAILABLE, "{fault:?}");
        assert!(fault.retry_after().is_some());
        fault
    }

    /// Fails until the breaker opens, and then at once.
    async fn away_until_refused(&self) {
        self.away_until_refused_after(0).await;
    }

    /// The same after so many failures already.
    async fn away_until_refused_after(&self, failures: u32) {
        for _ in failures..BREAKER.failures {
            self.away().await;
        }
        let started = Instant::now();
        let refused = self.away().await;
        assert!(started.elapsed() < Duration::from_millis(100), "{:?}", started.elapsed());
        assert!(refused.note().unwrap().contains("not asked"), "{refused:?}");
        assert!(refused.retry_after().unwrap() <= PAUSE);
        assert!(self.kms.health().await.is_err());
    }

    /// One pause of the breaker later, whatever came before.
    async fn recovered(&self) {
        tokio::time::sleep(PAUSE + Duration::from_millis(100)).await;
        self.good().await;
        self.kms.health().await.unwrap();
    }
}

async fn stored() -> (Place<StoredVault>, Held) {
    let place = Place::new(stored_vault().unwrap());
    let kms = open(&hasty(place.with_token(&place.token())));
    let held = Held::new(kms).await;
    (place, held)
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_and_unsealed_again() {
    let (place, held) = stored().await;
    place.vault.seal().unwrap();
    assert!(cause(&held.away().await).contains("sealed"));
    held.away_until_refused_after(1).await;
    place.vault.unseal().unwrap();
    held.recovered().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_and_started_again() {
    let (mut place, held) = stored().await;
    place.vault.stop();
    assert!(cause(&held.away().await).contains("refused"));
    held.away_until_refused_after(1).await;
    // Up, but sealed, as it is after every start.
    place.vault.start_again().unwrap();
    tokio::time::sleep(PAUSE).await;
    assert!(cause(&held.away().await).contains("sealed"));
    place.vault.unseal().unwrap();
    held.recovered().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn frozen_and_thawed() {
    let (place, held) = stored().await;
    place.vault.freeze().unwrap();
    held.away_until_refused().await;
    place.vault.thaw().unwrap();
    held.recovered().await;
}

/// A crowd before a frozen Vault, of which nobody is logged in: no queue in
/// which each waits for the time-outs of all before it.
#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_others_time_outs() {
    let place = Place::new(stored_vault().unwrap());
    let role = hasty(place.with_app_role("signet", &[]));
    let off = BreakerSettings { failures: 0, ..BREAKER };
    let kms = open(&VaultSettings { breaker: off, ..role });
    place.vault.freeze().unwrap();
    let started = Instant::now();
    let crowd: Vec<_> = (0..32)
        .map(|_| {
            let kms = kms.clone();
            tokio::spawn(async move { works(&*kms).await })
        })
        .collect();
    for caller in crowd {
        let fault = caller.await.unwrap().unwrap_err();
        assert_eq!(fault.reason(), &reasons::KMS_UNAVAILABLE);
    }
    assert!(started.elapsed() < BOUND, "{:?}", started.elapsed());
    place.vault.thaw().unwrap();
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    works(&*kms).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_is_served_and_too_slow_is_given_up_on() {
    let place = Place::new(vault().unwrap());
    let proxy = Proxy::before(&place.vault.address()).unwrap();
    let direct = hasty(place.with_token(&place.token()));
    let address = format!("http://{}", proxy.address());
    let held = Held::new(open(&VaultSettings { address, ..direct })).await;
    proxy.delay(Duration::from_millis(300));
    held.good().await;
    proxy.delay(Duration::from_secs(30));
    assert!(cause(&held.away().await).contains("in time"));
    held.away_until_refused_after(1).await;
    proxy.delay(Duration::ZERO);
    held.recovered().await;
}

/// Short lives in real time: no call may fail while tokens come and go.
#[tokio::test(flavor = "multi_thread")]
async fn tokens_that_expire_are_not_noticed() {
    let place = Place::new(vault().unwrap());
    let role = place.with_app_role("signet", &["token_ttl=2s", "token_max_ttl=3s"]);
    let held = Held::new(open(&role)).await;
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(8) {
        held.good().await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // And after a silence that the token did not outlive.
    tokio::time::sleep(Duration::from_secs(4)).await;
    held.good().await;
}

/// The grant is taken back, token after token, and given again.
#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_gone_and_back() {
    let place = Place::new(vault().unwrap());
    let kms = open(&hasty(place.with_app_role("signet", &[])));
    let held = Held::new(kms).await;
    Server::run(&place.vault, &["write", "auth/approle/role/signet", "token_policies=default"]);
    Server::run(&place.vault, &["token", "revoke", "-mode=path", "auth/approle"]);
    for _ in 0..20 {
        let fault = held.unwrap().await.err().unwrap();
        assert_eq!(fault.reason(), &reasons::KMS_DENIED, "{fault:?}");
    }
    assert!(place.tokens() <= 3, "{} tokens", place.tokens());
    Server::run(&place.vault, &["write", "auth/approle/role/signet", "token_policies=signet"]);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    held.good().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_authority_is_never_trusted() {
    let (ours, others) = (vault_with_tls().unwrap(), vault_with_tls().unwrap());
    let place = Place::new(ours);
    let settings = hasty(place.with_token(&place.token()));
    let wrong = VaultSettings { ca_file: Some(others.ca_file()), ..settings.clone() };
    let fault = works(&*open(&wrong)).await.unwrap_err();
    assert_eq!(fault.reason(), &reasons::KMS_UNAVAILABLE);
    assert!(cause(&fault).contains("certificate"), "{fault:?}");
    let right = VaultSettings { ca_file: Some(place.vault.ca_file()), ..settings };
    works(&*open(&right)).await.unwrap();
}

/// A standby passes requests on; one that may not, redirects, and we follow nobody.
#[tokio::test(flavor = "multi_thread")]
async fn a_standby_serves_and_a_redirect_is_named() {
    let (active, standby) = vault_pair().unwrap();
    let place = Place::new(active);
    let proxy = Proxy::before(&standby.address()).unwrap();
    let path = place.file("token", &place.token());
    let address = format!("http://{}", proxy.address());
    let held = Held::new(open(&hasty(settings(&address, VaultAuth::TokenFile { path })))).await;
    proxy.add_header(Some("X-Vault-No-Request-Forwarding: true"));
    let fault = held.away().await;
    assert!(cause(&fault).contains("redirects"), "{}", cause(&fault));
    held.away_until_refused_after(1).await;
    proxy.add_header(None);
    held.recovered().await;
}
