//! The sealed way, with real keys: what is opened, what is answered, what is refused.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use boot::Service as _;
use crypto::envelope::{Content, ContentKey, Manifest, ManifestClaims, Terms, seal};
use crypto::{KeyAlgorithm, Limits, OpenError, PrivateKey, PublicKey};
use db::Db;
use futures::TryStreamExt as _;
use kernel::{Clock as _, EnvelopeId, Fault, Result, SystemClock};
use rpc::Cx;
use serde_json::{Value, json};

use common::{Scripted, Set, TEXT, content, cx, events, happened, set};
use response::application::exchange::Wishes;
use response::application::ports::Envelopes;
use response::application::sealed::{Envelope, Part, Request, Sealed};

/// The envelope service, as far as it is a ring of keys.
struct Ring {
    service: PrivateKey,
    signer: PrivateKey,
    client: PrivateKey,
    client_signer: PrivateKey,
    /// Request ids of what was released.
    released: Mutex<Vec<String>>,
}

#[async_trait]
impl Envelopes for Ring {
    async fn release(
        &self,
        cx: &Cx,
        manifest: &str,
        content: &Content<'_>,
        request_id: &str,
    ) -> Result<ContentKey> {
        let rejected = |_: OpenError| Fault::new(&reasons::envelope::ENVELOPE_REJECTED);
        let manifest = Manifest::parse(manifest, &Limits::default()).map_err(rejected)?;
        let manifest = manifest.verify(self.client_signer.public()).map_err(rejected)?;
        assert_eq!(
            (manifest.claims().tenant, manifest.claims().purpose.as_str()),
            (cx.tenant(), "respond")
        );
        self.released.lock().unwrap().push(request_id.to_owned());
        manifest.release(&self.service, content.wrapped_keys(), SystemClock.now()).map_err(rejected)
    }

    async fn public_key(&self, _: &Cx, name: &str) -> Result<PublicKey> {
        Ok(match name {
            "keys/response-sign" => self.signer.public().clone(),
            "keys/client" | "keys/client-again" => self.client.public().clone(),
            "keys/client-sign" => self.client_signer.public().clone(),
            _ => return Err(Fault::not_found()),
        })
    }

    async fn sign(&self, _: &Cx, claims: Vec<u8>) -> Result<String> {
        let claims = ManifestClaims::parse(&claims, &Limits::default()).unwrap();
        // The real one signs nothing that is not dated now.
        assert!(claims.issued_at.abs_diff(SystemClock.now().timestamp()) <= 1);
        claims.sign(&self.signer).map_err(Fault::internal)
    }
}

struct Mesh {
    set: Set,
    ring: Arc<Ring>,
    sealed: Sealed,
    cx: Cx,
}

fn mesh(db: &Db, provider: Scripted, method: &str) -> Mesh {
    let key = |algorithm| PrivateKey::generate(algorithm).unwrap();
    let ring = Arc::new(Ring {
        service: key(KeyAlgorithm::X25519),
        signer: key(KeyAlgorithm::Ed25519),
        client: key(KeyAlgorithm::X25519),
        client_signer: key(KeyAlgorithm::Ed25519),
        released: Mutex::default(),
    });
    let set = set(db, provider);
    let sealed = Sealed {
        exchange: set.exchange.clone(),
        envelopes: Arc::clone(&ring) as Arc<dyn Envelopes>,
        clock: SystemClock::shared(),
        default_model: "m".to_owned(),
        answer_ttl: std::time::Duration::from_secs(3_600),
        limits: Limits::default(),
    };
    Mesh { set, ring, sealed, cx: cx(method) }
}

impl Mesh {
    /// A prompt as a client seals it; gives its unique id too.
    fn prompt(&self, media_type: &str, plaintext: &[u8]) -> (Request, EnvelopeId) {
        let now = SystemClock.now();
        let terms = Terms {
            tenant: self.cx.tenant(),
            sender: self.ring.client_signer.kid().to_owned(),
            purpose: "respond".to_owned(),
            content_type: media_type.to_owned(),
            in_reply_to: None,
            issued_at: now,
            expires_at: now + chrono::TimeDelta::minutes(5),
        };
        let recipients = [self.ring.service.public().clone()];
        let sealed = seal(&terms, &recipients, plaintext.to_vec(), &Limits::default()).unwrap();
        let manifest = sealed.claims.sign(&self.ring.client_signer).unwrap();
        let request = Request {
            envelope: Envelope { manifest, content: sealed.content },
            recipients: vec!["keys/client".to_owned()],
            request_id: "0190b0a0-0000-7000-8000-000000000001".to_owned(),
            wishes: Wishes::default(),
        };
        (request, sealed.claims.id)
    }

    /// What the client makes of an answer: verified, released, and its claims.
    fn open<T>(
        &self,
        answer: &Envelope,
        with: impl FnOnce(&ContentKey, &crypto::envelope::VerifiedManifest, &Content<'_>) -> T,
    ) -> (T, ManifestClaims) {
        let limits = Limits::default();
        let manifest = Manifest::parse(&answer.manifest, &limits).unwrap();
        let verified = manifest.verify(self.ring.signer.public()).unwrap();
        let content = Content::parse(&answer.content, &limits).unwrap();
        let key =
            verified.release(&self.ring.client, content.wrapped_keys(), SystemClock.now()).unwrap();
        let made = with(&key, &verified, &content);
        let json = verified.claims().to_json().unwrap();
        (made, ManifestClaims::parse(&json, &limits).unwrap())
    }
}

db::both! { response::Response::migrations() =>
    async fn an_answer_is_sealed_for_the_client_and_names_what_it_answers(db: Db) {
        let mesh = mesh(&db, Scripted::default(), "Respond");
        for media_type in ["text/plain", "text/plain; charset=utf-8", "application/json"] {
            let plaintext = match media_type {
                "application/json" => json!({ "messages": [{ "role": "user", "content": TEXT }], "stream": true }).to_string(),
                _ => TEXT.to_owned(),
            };
            let (request, id) = mesh.prompt(media_type, plaintext.as_bytes());
            let answer = mesh.sealed.respond(&mesh.cx, request).await.unwrap();
            let (plaintext, claims) = mesh.open(&answer, |key, manifest, content| key.open(manifest, content).unwrap());
            let plaintext: Value = serde_json::from_slice(&plaintext).unwrap();
            assert_eq!(plaintext["choices"][0]["message"]["content"], TEXT);
            assert!(plaintext["signet"]["sent_sha256"].is_string());
            assert_eq!((claims.purpose.as_str(), claims.in_reply_to), ("answer", Some(id)));
            assert_eq!((claims.tenant, claims.expires_at - claims.issued_at), (mesh.cx.tenant(), 3_600));
        }
        assert_eq!(events(&db).await, vec![happened("completed", ""); 3]);
    }

    async fn a_streamed_answer_is_opened_chunk_by_chunk_and_cutting_it_is_noticed(db: Db) {
        let mesh = mesh(&db, Scripted::default(), "StreamRespond");
        let (request, id) = mesh.prompt("text/plain", TEXT.as_bytes());
        let parts: Vec<Part> = mesh.sealed.stream(&mesh.cx, request).await.unwrap().try_collect().await.unwrap();
        let mut parts = parts.into_iter();
        let Some(Part::Envelope(first)) = parts.next() else { panic!("no envelope first") };
        let opener = || mesh.open(&first, |key, manifest, content| key.open_stream(manifest, content).unwrap());
        let (mut whole, claims) = opener();
        assert_eq!((claims.purpose.as_str(), claims.in_reply_to), ("answer-stream", Some(id)));
        let mut cut = opener().0;
        let (mut chunks, mut last) = (Vec::new(), 0);
        for part in parts {
            let Part::Chunk(sealed) = part else { panic!("a second envelope") };
            assert!(!holds_originals(&sealed));
            let chunk = whole.next(&sealed).unwrap();
            last += usize::from(chunk.last);
            if chunk.last {
                assert!(chunk.data.is_empty());
            } else {
                let _all_but_the_last = cut.next(&sealed).unwrap();
                chunks.push(serde_json::from_slice::<Value>(&chunk.data).unwrap());
            }
        }
        assert_eq!((last, content(&chunks, 0).as_str()), (1, TEXT));
        assert!(chunks.last().unwrap()["signet"]["provider"] == "scripted");
        assert!(whole.finish().is_ok());
        assert!(cut.finish().is_err(), "a stream without its end is not whole");
    }
}

fn holds_originals(sealed: &[u8]) -> bool {
    common::ORIGINALS.iter().any(|found| sealed.windows(found.len()).any(|w| w == found.as_bytes()))
}

async fn sqlite() -> Db {
    db::testing::sqlite(response::Response::migrations()).await
}

fn untouched(mesh: &Mesh) {
    assert_eq!(mesh.set.provider.calls.load(Ordering::SeqCst), 0, "nothing was sent");
}

#[tokio::test]
async fn tampering_has_one_shape_and_nothing_is_sent() {
    let mesh = mesh(&sqlite().await, Scripted::default(), "Respond");
    let (sound, _) = mesh.prompt("text/plain", b"short");
    let (other, _) = mesh.prompt("text/plain", b"other");
    let with = |manifest: &str, content: &str| Request {
        envelope: Envelope { manifest: manifest.to_owned(), content: content.to_owned() },
        recipients: sound.recipients.clone(),
        request_id: sound.request_id.clone(),
        wishes: Wishes::default(),
    };
    let mut tampered = vec![with(&sound.envelope.manifest, &other.envelope.content), with("", "")];
    let content = &sound.envelope.content;
    for index in 0..content.len() {
        let byte = if content.as_bytes()[index] == b'A' { "B" } else { "A" };
        let altered = format!("{}{byte}{}", &content[..index], &content[index + 1..]);
        tampered.push(with(&sound.envelope.manifest, &altered));
    }
    for (index, request) in tampered.into_iter().enumerate() {
        let fault = mesh.sealed.respond(&mesh.cx, request).await.err();
        let fault = fault.unwrap_or_else(|| panic!("case {index} was accepted"));
        assert_eq!(
            (fault.reason().code, fault.violations().len()),
            ("ENVELOPE_REJECTED", 0),
            "{index}"
        );
    }
    untouched(&mesh);
}

#[tokio::test]
async fn what_is_wrong_is_named_before_anything_is_released() {
    let mesh = mesh(&sqlite().await, Scripted::default(), "Respond");
    for (recipients, field) in [
        (&["keys/client", "keys/unknown"][..], "recipients[1]"),
        (&["keys/client-sign"], "recipients[0]"),
        (&["keys/client", "keys/client-again"], "recipients[1]"),
    ] {
        for streamed in [false, true] {
            let (mut request, _) = mesh.prompt("text/plain", b"x");
            request.recipients = recipients.iter().map(|&name| name.to_owned()).collect();
            let fault = match streamed {
                true => mesh.sealed.stream(&mesh.cx, request).await.err().unwrap(),
                false => mesh.sealed.respond(&mesh.cx, request).await.err().unwrap(),
            };
            assert_eq!(fault.violations()[0].field, field);
        }
    }
    assert!(mesh.ring.released.lock().unwrap().is_empty());
    let (image, _) = mesh.prompt("image/png", b"x");
    let fault = mesh.sealed.respond(&mesh.cx, image).await.err().unwrap();
    assert_eq!(fault.violations()[0].field, "envelope.content");
    let (unknown, _) = mesh.prompt("application/json", br#"{"model":"nobody's"}"#);
    let fault = mesh.sealed.respond(&mesh.cx, unknown).await.err().unwrap();
    assert_eq!(fault.reason().code, "MODEL_UNKNOWN");
    assert_eq!(mesh.ring.released.lock().unwrap()[0], "0190b0a0-0000-7000-8000-000000000001");
    untouched(&mesh);
}
