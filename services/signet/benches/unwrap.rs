//! Content keys released the way the response service gets them (its socket, its
//! side of Envoy, mutual TLS, the envelope service, a durable record), against
//! Vault's transit decrypt, with 32 callers at a time. Rates, and processor time
//! per call of all processes that serve it. Prints ratios.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark: prints, and ends where it fails"
)]
#![allow(unreachable_pub, reason = "a module of a program")]

#[allow(dead_code, reason = "shared by the benchmarks; each uses a part")]
mod parts;

use std::collections::VecDeque;
use std::process::Command;
use std::time::{Duration, Instant};

use crypto::envelope::{Content, Terms, seal};
use crypto::{KeyAlgorithm, Limits, PrivateKey, PublicKey};
use kernel::{SystemClock, TenantId};
use parts::{Signet, processor_time, upstream};
use proto::envelope::v1::key_service_client::KeyServiceClient;
use proto::envelope::v1::release_service_client::ReleaseServiceClient;
use proto::envelope::v1::{
    GetKeyRequest, KeyPurpose, RegisterPublicKeyRequest, UnwrapContentKeyRequest,
};
use serde_json::{Value, json};
use testkit::vault::{Vault, vault};
use tokio::task::JoinSet;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};

const CONCURRENT: usize = 32;
/// Turns of as many calls each, in turn with Vault's, so that both meet the same machine.
const TURNS: usize = 6;
const CALLS: usize = 64 * CONCURRENT;
/// For whatever the work left to do (events on their way to audit) to end with the turn.
const SETTLE: Duration = Duration::from_millis(500);

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let signet = Signet::start(folder.path(), upstream().await).await;
    let token = signet.log_in(&client).await;
    let sealer = Sealer::new(&client, &signet, &token).await;
    let socket = format!("unix://{}", signet.socket("response.out.sock").display());
    let peer = Endpoint::from_shared(socket).unwrap().connect().await.unwrap();
    let vault = VaultSide::new(client).await;

    unwrap(&peer, &sealer, 4 * CONCURRENT).await;
    vault.decrypt("rsa", CONCURRENT).await;
    vault.decrypt("aes", CONCURRENT).await;
    let (mut ours, mut rsa, mut aes) = (Work::default(), Work::default(), Work::default());
    for _ in 0..TURNS {
        let envelopes = sealer.seal(CALLS);
        ours.turn(signet.pid(), async || unwrap_all(&peer, &sealer, envelopes.clone()).await).await;
        rsa.turn(vault.pid, async || vault.decrypt("rsa", CALLS / 4).await).await;
        aes.turn(vault.pid, async || vault.decrypt("aes", CALLS).await).await;
    }
    for (name, theirs) in [("rsa-2048", rsa), ("aes256-gcm96", aes)] {
        println!(
            "UnwrapContentKey (X25519, sender's Ed25519 verified, recorded durably) / Vault transit \
             decrypt of a content key ({name}), {CONCURRENT} at a time: {:.0} / {:.0} calls/s = {:.2}; \
             processor time a call {:?} / {:?} = {:.2}",
            ours.rate(),
            theirs.rate(),
            ours.rate() / theirs.rate(),
            ours.cost(),
            theirs.cost(),
            ours.cost().as_secs_f64() / theirs.cost().as_secs_f64(),
        );
    }
}

/// Calls, the time that they took, and what the processes that served them used.
#[derive(Default)]
struct Work {
    calls: usize,
    elapsed: Duration,
    processor: Duration,
}

impl Work {
    async fn turn(&mut self, server: u32, calls: impl AsyncFnOnce() -> usize) {
        let (before, start) = (processor_time(server), Instant::now());
        self.calls += calls().await;
        self.elapsed += start.elapsed();
        tokio::time::sleep(SETTLE).await;
        self.processor += processor_time(server) - before;
    }

    fn rate(&self) -> f64 {
        self.calls as f64 / self.elapsed.as_secs_f64()
    }

    fn cost(&self) -> Duration {
        self.processor.div_f64(self.calls as f64)
    }
}

/// A client with a key of its own, which seals for the response service.
struct Sealer {
    authorization: MetadataValue<Ascii>,
    tenant: TenantId,
    key: PrivateKey,
    recipient: PublicKey,
}

impl Sealer {
    async fn new(client: &reqwest::Client, signet: &Signet, token: &str) -> Self {
        let me = client.get(format!("{}/v1/auth/me", signet.url)).bearer_auth(token);
        let me: Value = me.send().await.unwrap().json().await.unwrap();
        let (tenant, user) = (me["tenant"].as_str().unwrap(), me["user"].as_str().unwrap());
        let authorization: MetadataValue<Ascii> = format!("Bearer {token}").parse().unwrap();
        let edge = Endpoint::from_shared(signet.url.clone()).unwrap().connect().await.unwrap();
        let mut keys = KeyServiceClient::new(edge);
        let key = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
        let text = format!("signet-register-v1\n{user}\n{}", key.kid());
        let register = RegisterPublicKeyRequest {
            purpose: KeyPurpose::Sign.into(),
            public_jwk: key.public().to_jwk(),
            proof: crypto::proof::sign(&key, text.as_bytes()).unwrap(),
            ..RegisterPublicKeyRequest::default()
        };
        keys.register_public_key(with(&authorization, register)).await.unwrap();
        let get = GetKeyRequest { name: "keys/response-seal".into() };
        let found =
            keys.get_key(with(&authorization, get)).await.unwrap().into_inner().key.unwrap();
        let recipient = PublicKey::from_jwk(&found.versions.last().unwrap().public_jwk).unwrap();
        let tenant = tenant.trim_start_matches("tenants/").parse().unwrap();
        Self { authorization, tenant, key, recipient }
    }

    /// As many envelopes, each of which opens once.
    fn seal(&self, count: usize) -> VecDeque<UnwrapContentKeyRequest> {
        let now = SystemClock::shared().now();
        let one = |_| {
            let terms = Terms {
                tenant: self.tenant,
                sender: self.key.kid().to_owned(),
                purpose: "respond".into(),
                content_type: "text/plain".into(),
                in_reply_to: None,
                issued_at: now,
                expires_at: now + chrono::Duration::minutes(5),
            };
            let recipients = [self.recipient.clone()];
            let sealed = seal(&terms, &recipients, vec![7; 4_096], &Limits::default()).unwrap();
            let content = Content::parse(&sealed.content, &Limits::default()).unwrap();
            UnwrapContentKeyRequest {
                manifest: sealed.claims.sign(&self.key).unwrap(),
                wrapped_keys: content.wrapped_keys().to_json(),
                purpose: "respond".into(),
                request_id: String::new(),
            }
        };
        (0..count).map(one).collect()
    }
}

fn with<T>(authorization: &MetadataValue<Ascii>, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", authorization.clone());
    // What the edge makes of it for the services. From outside it is dropped there.
    let token = authorization.to_str().unwrap().trim_start_matches("Bearer ");
    request.metadata_mut().insert("x-signet-token", token.parse().unwrap());
    request.set_timeout(Duration::from_secs(30));
    request
}

async fn unwrap(peer: &Channel, sealer: &Sealer, calls: usize) -> usize {
    unwrap_all(peer, sealer, sealer.seal(calls)).await
}

async fn unwrap_all(
    peer: &Channel,
    sealer: &Sealer,
    mut envelopes: VecDeque<UnwrapContentKeyRequest>,
) -> usize {
    let calls = envelopes.len();
    let mut callers = JoinSet::new();
    for _ in 0..CONCURRENT {
        let mine: Vec<_> = envelopes.drain(..calls / CONCURRENT).collect();
        let authorization = sealer.authorization.clone();
        let mut client = ReleaseServiceClient::new(peer.clone());
        callers.spawn(async move {
            for envelope in mine {
                let released = client.unwrap_content_key(with(&authorization, envelope)).await;
                assert_eq!(released.unwrap().into_inner().content_key.len(), 32);
            }
        });
    }
    callers.join_all().await;
    calls
}

/// A Vault with a key of each kind, and a content key under each.
struct VaultSide {
    client: reqwest::Client,
    vault: Vault,
    pid: u32,
    wrapped: [(&'static str, String); 2],
}

impl VaultSide {
    async fn new(client: reqwest::Client) -> Self {
        let started = tokio::task::spawn_blocking(|| {
            let vault = vault().unwrap();
            vault.run(&["secrets", "enable", "transit"]).unwrap();
            let wrapped = [("rsa", "rsa-2048"), ("aes", "aes256-gcm96")].map(|(name, kind)| {
                vault
                    .run(&["write", "-f", &format!("transit/keys/{name}"), &format!("type={kind}")])
                    .unwrap();
                let content_key = "plaintext=BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
                let encrypt = format!("transit/encrypt/{name}");
                let told =
                    vault.run(&["write", "-field=ciphertext", &encrypt, content_key]).unwrap();
                (name, told.trim().to_owned())
            });
            (vault, wrapped)
        });
        let (vault, wrapped) = started.await.unwrap();
        // The guard that the testkit starts it under; the server is its child.
        let pid = child_named("sh");
        Self { client, vault, pid, wrapped }
    }

    async fn decrypt(&self, key: &'static str, calls: usize) -> usize {
        let wrapped = self.wrapped.iter().find(|(name, _)| *name == key).unwrap();
        let url = format!("{}/v1/transit/decrypt/{key}", self.vault.address());
        let body = json!({ "ciphertext": wrapped.1 });
        let request =
            self.client.post(url).header("x-vault-token", self.vault.root_token()).json(&body);
        let mut callers = JoinSet::new();
        for _ in 0..CONCURRENT {
            let request = request.try_clone().unwrap();
            callers.spawn(async move {
                for _ in 0..calls / CONCURRENT {
                    let answer = request.try_clone().unwrap().send().await.unwrap();
                    assert_eq!(answer.status(), 200);
                    answer.bytes().await.unwrap();
                }
            });
        }
        callers.join_all().await;
        calls / CONCURRENT * CONCURRENT
    }
}

fn child_named(name: &str) -> u32 {
    let parent = std::process::id().to_string();
    let told = Command::new("pgrep").args(["-P", &parent, "-x", name]).output().unwrap();
    String::from_utf8(told.stdout).unwrap().trim().parse().expect("one such child")
}
