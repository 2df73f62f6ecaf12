//! Recipients changed by the service, which never sees the content.

use chrono::Duration;
use crypto::envelope::{Content, Manifest, WrappedKeys};
use crypto::{KeyAlgorithm as Algorithm, Limits, PrivateKey};
use db::Db;
use kernel::TenantId;
use proto::Role;
use proto::envelope::v1::*;

use crate::client::{Client, code, field};
use crate::enrolment::register_sealing;
use crate::server::{Answer, Server, User, attribute, migrations};

/// A tenant with two kept recipients and a kept sender.
struct Kept {
    server: Server,
    one: Key,
    two: Key,
    sign: Key,
}

impl Kept {
    async fn new(db: Db) -> Self {
        let server = Server::start(db).await;
        let one = server.make(KeyPurpose::Seal, KeyAlgorithm::EcdhEsA256kwX25519).await;
        let two = server.make(KeyPurpose::Seal, KeyAlgorithm::EcdhEsA256kwX25519).await;
        let sign = server.make(KeyPurpose::Sign, KeyAlgorithm::EddsaEd25519).await;
        Self { server, one, two, sign }
    }

    async fn sealed(&self, to: &[&Key]) -> Envelope {
        let request = SealRequest {
            plaintext: b"a message".to_vec(),
            content_type: "text/plain".into(),
            recipients: to.iter().map(|key| key.name.clone()).collect(),
            signing_key: self.sign.name.clone(),
            purpose: "message".into(),
            ttl: None,
        };
        self.server.seal(&self.server.member, request).await.unwrap().envelope.unwrap()
    }

    fn request(&self, envelope: &Envelope) -> RewrapRequest {
        RewrapRequest {
            manifest: envelope.manifest.clone(),
            wrapped_keys: wrapped_keys(envelope).to_json(),
            signing_key: self.sign.name.clone(),
            ..RewrapRequest::default()
        }
    }

    async fn rewrap(&self, request: RewrapRequest) -> Answer<RewrapResponse> {
        self.server.rewrap(&self.server.member, request).await
    }

    /// From the first key to the second.
    async fn moved(&self, envelope: &Envelope) -> Envelope {
        let request = RewrapRequest {
            add_recipients: vec![self.two.name.clone()],
            remove_recipients: vec![self.one.name.clone()],
            ..self.request(envelope)
        };
        applied(envelope, &self.rewrap(request).await.unwrap())
    }

    async fn open(&self, envelope: &Envelope) -> Answer<OpenResponse> {
        let request = OpenRequest { envelope: Some(envelope.clone()), request_id: String::new() };
        self.server.open(&self.server.member, request).await
    }

    async fn verify(&self, envelope: &Envelope) -> Answer<VerifyResponse> {
        let request = VerifyRequest { envelope: Some(envelope.clone()) };
        self.server.verify(&self.server.member, request).await
    }
}

fn wrapped_keys(envelope: &Envelope) -> WrappedKeys {
    Content::parse(&envelope.content, &Limits::default()).unwrap().wrapped_keys().clone()
}

fn applied(envelope: &Envelope, done: &RewrapResponse) -> Envelope {
    let limits = Limits::default();
    let keys = WrappedKeys::from_json(&done.wrapped_keys, &limits).unwrap();
    let content = Content::parse(&envelope.content, &limits).unwrap().with_wrapped_keys(&keys);
    Envelope { manifest: done.manifest.clone(), content }
}

db::both! { migrations() =>
    async fn recipients_are_exchanged_and_the_sender_stays(db: Db) {
        let kept = Kept::new(db).await;
        let envelope = kept.sealed(&[&kept.one]).await;
        let before = kept.verify(&envelope).await.unwrap().manifest.unwrap();
        let moved = kept.moved(&envelope).await;
        let after = kept.verify(&moved).await.unwrap().manifest.unwrap();
        assert_eq!(after.recipients.join(" "), kept.two.name);
        assert_eq!((&after.id, &after.sender, &after.purpose), (&before.id, &before.sender, &before.purpose));
        assert_eq!((after.expire_time, &after.content_digest), (before.expire_time, &before.content_digest));
        assert_eq!((after.content_type.as_str(), after.stream), ("text/plain", false));
        let [amendment] = after.amendments.as_slice() else { panic!("{}", after.amendments.len()) };
        assert_eq!((&amendment.amender, amendment.amender_version), (&kept.sign.name, 1));
        assert_eq!((&amendment.added, &amendment.removed), (&vec![kept.two.name.clone()], &vec![kept.one.name.clone()]));
        assert_eq!(kept.open(&moved).await.unwrap().plaintext, b"a message");
        let told = kept.server.events().await.into_iter().find(|event| event.r#type.ends_with("envelope.rewrapped")).unwrap();
        assert_eq!(told.subject, format!("envelopes/{}", before.id));
        assert_eq!((attribute(&told, "added"), attribute(&told, "removed"), attribute(&told, "renewed")), ("1".into(), "1".into(), "0".into()));
        assert_eq!(attribute(&told, "opened_by"), kept.one.name);
    }

    async fn an_amendment_is_no_way_around_the_memory_of_releases(db: Db) {
        let kept = Kept::new(db).await;
        let envelope = kept.sealed(&[&kept.one, &kept.two]).await;
        kept.open(&envelope).await.unwrap();
        let request = RewrapRequest { remove_recipients: vec![kept.two.name.clone()], ..kept.request(&envelope) };
        let without = applied(&envelope, &kept.rewrap(request).await.unwrap());
        assert_eq!(code(kept.open(&without).await), "ENVELOPE_REJECTED");
        assert_eq!(kept.server.last_cause().await, "replay");
        kept.server.rotate(&kept.one.name).await;
        let request = RewrapRequest { renew: true, ..kept.request(&without) };
        let renewed = applied(&without, &kept.rewrap(request).await.unwrap());
        assert_eq!(code(kept.open(&renewed).await), "ENVELOPE_REJECTED");
        assert_eq!(kept.server.last_cause().await, "replay");
    }

    async fn renewed_keys_open_after_the_old_version_is_gone(db: Db) {
        let kept = Kept::new(db).await;
        let envelope = kept.sealed(&[&kept.one, &kept.two]).await;
        kept.server.rotate(&kept.one.name).await;
        let request = RewrapRequest { renew: true, signing_key: String::new(), ..kept.request(&envelope) };
        let done = kept.rewrap(request.clone()).await.unwrap();
        assert_eq!((&done.manifest, done.renewed), (&envelope.manifest, 1));
        let renewed = applied(&envelope, &done);
        let again = kept.rewrap(RewrapRequest { wrapped_keys: done.wrapped_keys, ..request }).await.unwrap();
        assert_eq!(again.renewed, 0);
        kept.server.turn_off(&kept.one.name, 1).await;
        kept.server.turn_off(&kept.two.name, 0).await;
        assert_eq!(code(kept.open(&envelope).await), "ENVELOPE_REJECTED");
        assert_eq!(kept.server.last_cause().await, "recipient_disabled");
        assert_eq!(kept.open(&renewed).await.unwrap().plaintext, b"a message");
        kept.server.turn_off(&kept.one.name, 0).await;
        assert_eq!(code(kept.open(&renewed).await), "ENVELOPE_REJECTED");
    }

    async fn the_response_service_unwraps_what_was_amended_for_it(db: Db) {
        let kept = Kept::new(db).await;
        let client = Client::new(&kept.server, Algorithm::Ed25519).await;
        let wire = client.seal(&kept.server, &[&kept.one.name]).await;
        let envelope = Envelope { manifest: wire.manifest, content: wire.content };
        let own = "keys/response-seal".to_owned();
        let request = RewrapRequest { add_recipients: vec![own], ..kept.request(&envelope) };
        let amended = applied(&envelope, &kept.rewrap(request).await.unwrap());
        let request = UnwrapContentKeyRequest {
            manifest: amended.manifest.clone(),
            wrapped_keys: wrapped_keys(&amended).to_json(),
            purpose: "respond".into(),
            request_id: String::new(),
        };
        let released = kept.server.unwrap(&kept.server.member, request.clone()).await.unwrap();
        assert_eq!(released.manifest.unwrap().amendments.len(), 1);
        let key = crypto::envelope::ContentKey::from_bytes(&released.content_key).unwrap();
        let limits = Limits::default();
        let manifest = Manifest::parse(&amended.manifest, &limits).unwrap().verified_by_peer();
        let content = Content::parse(&amended.content, &limits).unwrap();
        assert_eq!(key.open(&manifest, &content).unwrap().as_slice(), b"the text");
        assert_eq!(code(kept.server.unwrap(&kept.server.member, request).await), "ENVELOPE_REJECTED");
    }

    async fn who_is_no_recipient_amends_nothing(db: Db) {
        let kept = Kept::new(db).await;
        let client = Client::new(&kept.server, Algorithm::Ed25519).await;
        let envelope = kept.sealed(&[&kept.one]).await;
        // A member of the tenant with a key of his own, and even the content key: his key is no
        // recipient's.
        let limits = Limits::default();
        let holder = PrivateKey::generate(Algorithm::X25519).unwrap();
        let stranger = User::of(kept.server.tenant(), Role::Member);
        let registered = register_sealing(&kept.server, &stranger, &holder).await.unwrap().key.unwrap();
        let request = RewrapRequest { add_recipients: vec![registered.name], ..kept.request(&envelope) };
        let shared = applied(&envelope, &kept.rewrap(request).await.unwrap());
        let sender = kept.server.key(&kept.sign.name).await.versions[0].public_jwk.clone();
        let sender = crypto::PublicKey::from_jwk(&sender).unwrap();
        let manifest = Manifest::parse(&shared.manifest, &limits).unwrap().verify(&sender).unwrap();
        let now = kernel::Clock::now(&*kept.server.clock);
        let key = manifest.release(&holder, &wrapped_keys(&shared), now).unwrap();
        let before = Manifest::parse(&envelope.manifest, &limits).unwrap().verify(&sender).unwrap();
        let forged = before.amend(&before.claims().recipients, &key, &client.key, now).unwrap();
        let forged = Envelope { manifest: forged, ..envelope.clone() };
        assert_eq!(code(kept.open(&forged).await), "ENVELOPE_REJECTED");
        assert_eq!(kept.server.last_cause().await, "amender");
        assert_eq!(code(kept.verify(&forged).await), "ENVELOPE_REJECTED");
        // And one whom the tenant does not know.
        let unknown = PrivateKey::generate(Algorithm::Ed25519).unwrap();
        let forged = before.amend(&before.claims().recipients, &key, &unknown, now).unwrap();
        assert_eq!(code(kept.open(&Envelope { manifest: forged, ..envelope.clone() }).await), "ENVELOPE_REJECTED");
        assert_eq!(kept.server.last_cause().await, "amender_unknown");
        // The holder's owner may: he is a recipient of `shared`.
        let own = PrivateKey::generate(Algorithm::Ed25519).unwrap();
        kept.server.register(&stranger, crate::client::registration(&stranger, &own)).await.unwrap();
        let honest = manifest.amend(&before.claims().recipients, &key, &own, now).unwrap();
        let honest = Envelope { manifest: honest, ..shared };
        assert_eq!(kept.open(&honest).await.unwrap().manifest.unwrap().amendments.len(), 2);
    }

    async fn an_amenders_key_that_is_disabled_vouches_for_nothing(db: Db) {
        let kept = Kept::new(db).await;
        let envelope = kept.sealed(&[&kept.one]).await;
        kept.server.rotate(&kept.sign.name).await;
        let moved = kept.moved(&envelope).await;
        let manifest = kept.verify(&moved).await.unwrap().manifest.unwrap();
        assert_eq!((manifest.sender_version, manifest.amendments[0].amender_version), (1, 2));
        kept.server.turn_off(&kept.sign.name, 2).await;
        assert_eq!(code(kept.open(&moved).await), "ENVELOPE_REJECTED");
        assert_eq!(kept.server.last_cause().await, "amender_disabled");
        assert!(kept.open(&envelope).await.is_ok(), "the sender's version is enabled");
    }

    async fn what_is_wrong_with_a_rewrap_is_named(db: Db) {
        let kept = Kept::new(db).await;
        let client = Client::new(&kept.server, Algorithm::Ed25519).await;
        let envelope = kept.sealed(&[&kept.one]).await;
        let good = kept.request(&envelope);
        let (one, two) = (vec![kept.one.name.clone()], vec![kept.two.name.clone()]);
        for (request, named) in [
            (good.clone(), "renew"),
            (RewrapRequest { manifest: "x".repeat(65 * 1024), ..good.clone() }, "manifest"),
            (RewrapRequest { wrapped_keys: String::new(), ..good.clone() }, "wrapped_keys"),
            (RewrapRequest { add_recipients: vec![two[0].clone(); 65], ..good.clone() }, "add_recipients"),
            (RewrapRequest { add_recipients: one.clone(), ..good.clone() }, "add_recipients[0]"),
            (RewrapRequest { add_recipients: vec!["keys/absent".into()], ..good.clone() }, "add_recipients[0]"),
            (RewrapRequest { add_recipients: vec![kept.sign.name.clone()], ..good.clone() }, "add_recipients[0]"),
            (RewrapRequest { add_recipients: vec![two[0].clone(), two[0].clone()], ..good.clone() }, "add_recipients"),
            (RewrapRequest { remove_recipients: two.clone(), ..good.clone() }, "remove_recipients[0]"),
            (RewrapRequest { remove_recipients: one.clone(), ..good.clone() }, "remove_recipients"),
            (RewrapRequest { add_recipients: two.clone(), signing_key: String::new(), ..good.clone() }, "signing_key"),
            (RewrapRequest { add_recipients: two.clone(), signing_key: kept.one.name.clone(), ..good.clone() }, "signing_key"),
        ] {
            assert_eq!(field(kept.rewrap(request).await), named);
        }
        let add = RewrapRequest { add_recipients: two, ..good };
        let by = |signing_key: &str| RewrapRequest { signing_key: signing_key.into(), ..add.clone() };
        assert_eq!(code(kept.rewrap(by(&client.name)).await), "KEY_NOT_KEPT");
        assert_eq!(code(kept.rewrap(by("keys/response-sign")).await), "NOT_ALLOWED");
        let mut amended = envelope;
        for _ in 0..2 {
            amended = kept.moved(&amended).await;
            let back = RewrapRequest { add_recipients: one.clone(), remove_recipients: vec![kept.two.name.clone()], ..kept.request(&amended) };
            amended = applied(&amended, &kept.rewrap(back).await.unwrap());
        }
        let again = RewrapRequest { add_recipients: vec![kept.two.name.clone()], ..kept.request(&amended) };
        assert_eq!(field(kept.rewrap(again).await), "manifest");
    }

    async fn what_may_not_be_opened_is_not_rewrapped(db: Db) {
        let kept = Kept::new(db).await;
        let envelope = kept.sealed(&[&kept.one]).await;
        let add = RewrapRequest { add_recipients: vec![kept.two.name.clone()], ..kept.request(&envelope) };
        let stranger = User::of(TenantId::new(), Role::Admin);
        assert_eq!(code(kept.server.rewrap(&stranger, add.clone()).await), "ENVELOPE_REJECTED");
        let foreign = kept.sealed(&[&kept.two]).await;
        let mixed = RewrapRequest { wrapped_keys: wrapped_keys(&foreign).to_json(), ..add.clone() };
        assert_eq!(code(kept.rewrap(mixed).await), "ENVELOPE_REJECTED");
        assert_eq!(kept.server.last_cause().await, "content_key");
        kept.server.clock.advance(Duration::minutes(10));
        assert_eq!(code(kept.rewrap(add).await), "ENVELOPE_REJECTED");
        assert_eq!(kept.server.last_cause().await, "expired");
        let client = Client::new(&kept.server, Algorithm::Ed25519).await;
        let wire = client.seal(&kept.server, &["keys/response-seal"]).await;
        let envelope = Envelope { manifest: wire.manifest, content: wire.content };
        let services = RewrapRequest { add_recipients: vec![kept.two.name.clone()], ..kept.request(&envelope) };
        assert_eq!(code(kept.rewrap(services).await), "ENVELOPE_REJECTED");
        assert_eq!(kept.server.last_cause().await, "not_a_recipient");
    }
}
