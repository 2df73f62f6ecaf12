//! Log-in by a Kubernetes service account. Vault's plugin is the real one; the
//! TokenReview API that it asks is a small server here, since no Kubernetes runs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keys::reasons;
use keys::vault::{VaultAuth, VaultSettings};
use serde_json::json;
use testkit::vault::{KUBERNETES_PLUGIN, Vault, vault_with_kubernetes};

use crate::conformance;
use crate::place::{Place, cause, open, settings, works};

/// Knows one token at a time
/// (<https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/>).
struct Cluster {
    address: SocketAddr,
    valid: Arc<Mutex<String>>,
}

impl Cluster {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let valid = Arc::new(Mutex::new(String::new()));
        let known = valid.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let known = known.lock().unwrap().clone();
                thread::spawn(move || review(stream, &known));
            }
        });
        Self { address, valid }
    }

    /// The token of a service account, now the only one that the cluster knows.
    /// What Vault reads of it itself is not signed: the cluster vouches for it.
    fn issue(&self, number: u32) -> String {
        let claims = json!({
            "iss": "kubernetes/serviceaccount",
            "kubernetes.io/serviceaccount/namespace": "signet",
            "kubernetes.io/serviceaccount/service-account.name": "envelope",
            "kubernetes.io/serviceaccount/service-account.uid": "uid-1",
            "sub": "system:serviceaccount:signet:envelope",
            "number": number,
        });
        let part = |json: String| URL_SAFE_NO_PAD.encode(json);
        let header = part(json!({"alg": "RS256", "typ": "JWT"}).to_string());
        let token = format!("{header}.{}.{}", part(claims.to_string()), part("x".into()));
        self.valid.lock().unwrap().clone_from(&token);
        token
    }
}

fn review(mut stream: TcpStream, valid: &str) {
    let mut request = Vec::new();
    let mut buffer = [0; 16 * 1024];
    let body = loop {
        let length = stream.read(&mut buffer).unwrap();
        request.extend_from_slice(&buffer[..length]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        assert!(head.starts_with("POST /apis/authentication.k8s.io/v1/tokenreviews"), "{head}");
        if let Ok(body) = serde_json::from_str::<serde_json::Value>(body) {
            break body;
        }
    };
    let status = match body["spec"]["token"] == *valid {
        true => json!({
            "authenticated": true,
            "user": {
                "username": "system:serviceaccount:signet:envelope",
                "uid": "uid-1",
                "groups": ["system:serviceaccounts", "system:serviceaccounts:signet"],
            },
        }),
        false => json!({"authenticated": false, "error": "token has expired"}),
    };
    let answer = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "status": status,
    })
    .to_string();
    let head = format!(
        "HTTP/1.1 201 Created\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        answer.len()
    );
    stream.write_all((head + &answer).as_bytes()).unwrap();
}

/// As docs/keys.md sets it up, apart from where the cluster is.
fn set_up(cluster: &Cluster) -> Place<Vault> {
    let place = Place::new(vault_with_kubernetes().unwrap());
    let run = |arguments: &[&str]| place.vault.run(arguments).unwrap();
    run(&["auth", "enable", "-path=kubernetes", KUBERNETES_PLUGIN]);
    let host = format!("kubernetes_host=http://{}", cluster.address);
    run(&["write", "auth/kubernetes/config", &host, "disable_local_ca_jwt=true"]);
    run(&[
        "write",
        "auth/kubernetes/role/signet",
        "bound_service_account_names=envelope",
        "bound_service_account_namespaces=signet",
        "token_policies=signet",
        "token_ttl=1h",
        "alias_name_source=serviceaccount_uid",
    ]);
    place
}

fn as_pod(place: &Place<Vault>, role: &str, token: &str) -> VaultSettings {
    let auth = VaultAuth::Kubernetes {
        role: role.into(),
        jwt_file: place.file("jwt", token),
        mount: "kubernetes".into(),
    };
    settings(&place.vault.address(), auth)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_logs_in_and_conforms() {
    let cluster = Cluster::new();
    let place = set_up(&cluster);
    conformance::all(open(&as_pod(&place, "signet", &cluster.issue(1)))).await;
    assert_eq!(place.tokens(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_log_in_reads_the_mounted_token_again() {
    let cluster = Cluster::new();
    let place = set_up(&cluster);
    let kms = open(&as_pod(&place, "signet", &cluster.issue(1)));
    works(&*kms).await.unwrap();
    // The kubelet replaces the token; later an operator revokes Vault's.
    place.file("jwt", &cluster.issue(2));
    place.vault.run(&["token", "revoke", "-mode=path", "auth/kubernetes"]).unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    works(&*kms).await.unwrap();
    assert_eq!(place.tokens(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_cluster_does_not_vouch_for_is_denied() {
    let cluster = Cluster::new();
    let place = set_up(&cluster);
    let (stale, fresh) = (cluster.issue(1), cluster.issue(2));
    for (role, token) in [("signet", stale.as_str()), ("another", &fresh), ("signet", "no-jwt")] {
        let fault = works(&*open(&as_pod(&place, role, token))).await.unwrap_err();
        assert_eq!(fault.reason(), &reasons::KMS_DENIED, "{role} {fault:?}");
        let shown = format!("{fault} {fault:?} {}", cause(&fault));
        assert!(!shown.contains(token), "{shown}");
    }
    works(&*open(&as_pod(&place, "signet", &fresh))).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_token_file_is_named() {
    let cluster = Cluster::new();
    let place = set_up(&cluster);
    let pod = as_pod(&place, "signet", &cluster.issue(1));
    std::fs::remove_file(place.files.path().join("jwt")).unwrap();
    let fault = works(&*open(&pod)).await.unwrap_err();
    assert_eq!(fault.reason(), &reasons::KMS_MISCONFIGURED);
    assert!(cause(&fault).contains("jwt"), "{fault:?}");
}
