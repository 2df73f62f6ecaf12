//! Envelopes across implementations, in both directions, for two recipients and for one:
//! jwcrypto and pyca/cryptography (Python), `jose` (Node), go-jose (Go). And the published
//! examples open.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests")]

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Once;

use chrono::{DateTime, Duration};
use crypto::envelope::{Content, Manifest, Terms, seal};
use crypto::{KeyAlgorithm, Limits, PrivateKey, PublicKey};
use kernel::{TenantId, Timestamp};
use serde_json::{Value, json};

type Pair = (KeyAlgorithm, KeyAlgorithm);

const PAIRS: [Pair; 5] = [
    (KeyAlgorithm::RsaPss2048, KeyAlgorithm::RsaOaep2048),
    (KeyAlgorithm::RsaPss3072, KeyAlgorithm::RsaOaep3072),
    (KeyAlgorithm::RsaPss4096, KeyAlgorithm::RsaOaep4096),
    (KeyAlgorithm::Ed25519, KeyAlgorithm::X25519),
    (KeyAlgorithm::Es256, KeyAlgorithm::P256),
];
/// Only the second Python peer has these.
const HYBRID: [Pair; 1] = [(KeyAlgorithm::Ed25519MlDsa65, KeyAlgorithm::XWing)];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn now() -> Timestamp {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

/// A process that answers a line with a line.
struct Peer {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Peer {
    fn start(program: &Path, arguments: &[PathBuf]) -> Self {
        let mut process = Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; run `make venv`", program.display()));
        let input = process.stdin.take().unwrap();
        let output = BufReader::new(process.stdout.take().unwrap());
        Self { process, input, output }
    }

    fn python(script: &str) -> Self {
        let root = root();
        let script = root.join("tests/interop").join(script);
        Self::start(&root.join(".venv/bin/python"), &[script])
    }

    fn ask(&mut self, command: &Value) -> Value {
        writeln!(self.input, "{command}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("the peer failed at {command}"))
    }

    /// A key of the peer's, and its index there.
    fn key(&mut self, algorithm: KeyAlgorithm) -> (PublicKey, Value) {
        let answer = self.ask(&json!({"do": "key", "kind": algorithm.as_str()}));
        (PublicKey::from_jwk(text(&answer["public"])).unwrap(), answer["index"].clone())
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn terms(sender: &PrivateKey) -> Terms {
    Terms {
        tenant: TenantId::SYSTEM,
        sender: sender.kid().to_owned(),
        purpose: "respond".to_owned(),
        content_type: "text/plain".to_owned(),
        in_reply_to: None,
        issued_at: now(),
        expires_at: now() + Duration::minutes(5),
    }
}

fn open(wire: &Value, sender: &PublicKey, recipient: &PrivateKey, at: Timestamp) -> Vec<u8> {
    let limits = Limits::default();
    let manifest = Manifest::parse(text(&wire["manifest"]), &limits).unwrap();
    let manifest = manifest.verify(sender).unwrap();
    let content = Content::parse(text(&wire["content"]), &limits).unwrap();
    let key = manifest.release(recipient, content.wrapped_keys(), at).unwrap();
    key.open(&manifest, &content).unwrap().to_vec()
}

/// Ours, for the peer and for one more, read by the peer.
fn peer_opens_ours(peer: &mut Peer, pairs: &[Pair]) {
    for &(sign, wrap) in pairs {
        let sender = PrivateKey::generate(sign).unwrap();
        let other = PrivateKey::generate(wrap).unwrap();
        let (recipient, index) = peer.key(wrap);
        let recipients = [other.public().clone(), recipient];
        let plaintext = "Grüße aus Rust".to_owned();
        let sealed =
            seal(&terms(&sender), &recipients, plaintext.clone().into(), &Limits::default());
        let sealed = sealed.unwrap();
        let answer = peer.ask(&json!({
            "do": "open",
            "recipient": index,
            "from": sender.public().to_jwk(),
            "manifest": sealed.claims.sign(&sender).unwrap(),
            "content": sealed.content,
        }));
        assert_eq!(text(&answer["plaintext"]), plaintext, "{wrap}");
    }
}

#[test]
fn jwcrypto_opens_ours() {
    peer_opens_ours(&mut Peer::python("jwcrypto_peer.py"), &PAIRS);
}

#[test]
fn we_open_those_of_jwcrypto() {
    we_open_the_peers(&mut Peer::python("jwcrypto_peer.py"), &PAIRS);
}

#[test]
fn the_hybrid_suite_of_pyca_opens_ours() {
    peer_opens_ours(&mut Peer::python("hybrid_peer.py"), &HYBRID);
}

#[test]
fn we_open_those_of_the_hybrid_suite_of_pyca() {
    we_open_the_peers(&mut Peer::python("hybrid_peer.py"), &HYBRID);
}

/// Its, for us and for one more.
fn we_open_the_peers(peer: &mut Peer, pairs: &[Pair]) {
    for &(sign, wrap) in pairs {
        let (sender, index) = peer.key(sign);
        let ours = PrivateKey::generate(wrap).unwrap();
        let other = PrivateKey::generate(wrap).unwrap();
        let both = vec![other.public().to_jwk(), ours.public().to_jwk()];
        // With one recipient jwcrypto writes the flattened form.
        for recipients in [both, vec![ours.public().to_jwk()]] {
            let wire = peer.ask(&json!({
                "do": "seal",
                "sender": index,
                "recipients": recipients,
                "plaintext": "Grüße von drüben",
                "terms": {
                    "tenant": TenantId::SYSTEM.to_string(), "purpose": "respond",
                    "iat": now().timestamp(), "exp": now().timestamp() + 300,
                },
            }));
            assert_eq!(open(&wire, &sender, &ours, now()), "Grüße von drüben".as_bytes(), "{wrap}");
        }
    }
}

/// None where Node.js is not to be had; then it says so.
fn node() -> Option<Peer> {
    let there = |name: &str| Command::new(name).arg("--version").output().is_ok();
    if !there("node") || !there("npm") {
        eprintln!("not run: Node.js and npm are not on PATH");
        return None;
    }
    let folder = root().join("tests/interop/node");
    // Two tests begin at once.
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        if folder.join("node_modules/jose").exists() {
            return;
        }
        let installed = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&folder)
            .status()
            .unwrap();
        assert!(installed.success(), "npm ci in tests/interop/node");
    });
    Some(Peer::start(Path::new("node"), &[folder.join("jose_peer.js")]))
}

#[test]
fn jose_opens_ours() {
    if let Some(mut peer) = node() {
        peer_opens_ours(&mut peer, &PAIRS);
    }
}

#[test]
fn we_open_those_of_jose() {
    if let Some(mut peer) = node() {
        we_open_the_peers(&mut peer, &PAIRS);
    }
}

/// Built once, into the cache of `make tools`.
fn go_jose() -> Peer {
    let built = Command::new(root().join("tests/tools/build.sh")).arg("gojose").status().unwrap();
    assert!(built.success(), "tests/tools/build.sh gojose");
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(
        || PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache"),
        PathBuf::from,
    );
    Peer::start(&cache.join("signet/bin/gojose"), &[])
}

/// go-jose has no X25519.
fn go_pairs() -> Vec<Pair> {
    let mut pairs = PAIRS.to_vec();
    pairs.retain(|(_, wrap)| *wrap != KeyAlgorithm::X25519);
    pairs.push((KeyAlgorithm::Ed25519, KeyAlgorithm::P256));
    pairs
}

#[test]
fn go_jose_opens_ours() {
    peer_opens_ours(&mut go_jose(), &go_pairs());
}

#[test]
fn we_open_those_of_go_jose() {
    we_open_the_peers(&mut go_jose(), &go_pairs());
}

#[test]
fn the_published_examples_open_for_every_recipient() {
    for name in ["rsa-oaep-2048", "x25519", "p256", "hybrid"] {
        let path = root().join(format!("tests/vectors/envelope/{name}.json"));
        let vector: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let sender = PrivateKey::from_jwk(&vector["sender"].to_string()).unwrap();
        let at = DateTime::from_timestamp(vector["terms"]["iat"].as_i64().unwrap(), 0).unwrap();
        for recipient in vector["recipients"].as_array().unwrap() {
            let recipient = PrivateKey::from_jwk(&recipient.to_string()).unwrap();
            let opened = open(&vector, sender.public(), &recipient, at);
            assert_eq!(opened, text(&vector["plaintext"]).as_bytes(), "{name}");
        }
    }
}
