use chrono::Duration;
use crypto::encoding::{decode, encode};
use crypto::envelope::{Content, ContentKey, Manifest};
use crypto::{KeyAlgorithm as Algorithm, Limits, PrivateKey};
use db::Db;
use kernel::{Clock as _, TenantId};
use proto::Role;
use proto::envelope::v1::*;

use crate::client::{Client, Wire, code, field};
use crate::server::{Server, User, migrations, uuid};

const OWN: &str = "keys/response-seal";

async fn refused(server: &Server, wire: &Wire, cause: &str) {
    let told = server.unwrap(&server.member, wire.unwrap_request("")).await.err().unwrap();
    assert_eq!((told.code.as_str(), told.field.as_str()), ("ENVELOPE_REJECTED", ""), "{cause}");
    assert_eq!(server.last_cause().await, cause);
}

/// A manifest with another header.
fn with_header(wire: &Wire, header: &str) -> Wire {
    let (_, rest) = wire.manifest.split_once('.').unwrap();
    Wire { manifest: format!("{}.{rest}", encode(header.as_bytes())), ..wire.clone() }
}

db::both! { migrations() =>
    async fn the_content_key_is_released_and_opens_the_content(db: Db) {
        let server = Server::start(db).await;
        for algorithm in [Algorithm::Ed25519, Algorithm::RsaPss2048] {
            let client = Client::new(&server, algorithm).await;
            let wire = client.seal(&server, &[OWN]).await;
            let released = server.unwrap(&server.member, wire.unwrap_request(&uuid())).await.unwrap();
            let said = released.manifest.unwrap();
            assert_eq!((said.sender.as_str(), said.recipients.as_slice()), (client.name.as_str(), &[OWN.to_owned()][..]));
            assert_eq!(said.id, wire.claims.id.to_string());
            let limits = Limits::default();
            let manifest = Manifest::parse(&wire.manifest, &limits).unwrap().verified_by_peer();
            let content = Content::parse(&wire.content, &limits).unwrap();
            let key = ContentKey::from_bytes(&released.content_key).unwrap();
            assert_eq!(key.open(&manifest, &content).unwrap().as_slice(), b"the text");
        }
    }

    async fn a_retry_gets_the_key_again_and_a_replay_does_not(db: Db) {
        let server = Server::start(db).await;
        let client = Client::new(&server, Algorithm::Ed25519).await;
        let wire = client.seal(&server, &[OWN]).await;
        let id = uuid();
        let first = server.unwrap(&server.member, wire.unwrap_request(&id)).await.unwrap();
        let again = server.unwrap(&server.member, wire.unwrap_request(&id)).await.unwrap();
        assert!(again == first);
        let told = server.unwrap(&server.member, wire.unwrap_request(&uuid())).await.err().unwrap();
        assert_eq!(told.code, "ENVELOPE_REJECTED");
        let other = User::of(server.tenant(), Role::Member);
        assert_eq!(server.unwrap(&other, wire.unwrap_request(&id)).await.err().unwrap(), told);
        // The same id under another signature of the same sender.
        let forged = client.seal_with(&server, &[OWN], |claims| claims.id = wire.claims.id);
        assert_eq!(code(server.unwrap(&server.member, forged.await.unwrap_request(&id)).await), "ENVELOPE_REJECTED");
        assert_eq!(server.causes().await, ["replay", "replay", "content_key"]);
        refused(&server, &wire, "replay").await;
    }

    async fn of_many_at_once_one_gets_the_key(db: Db) {
        let server = Server::start(db).await;
        let client = Client::new(&server, Algorithm::Ed25519).await;
        let wire = client.seal(&server, &[OWN]).await;
        let asked = (0..12).map(|_| server.unwrap(&server.member, wire.unwrap_request(&uuid())));
        let answers = futures::future::join_all(asked).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
        assert_eq!(server.causes().await.len(), 11);
    }

    async fn times_are_held_to(db: Db) {
        let server = Server::start(db).await;
        let client = Client::new(&server, Algorithm::Ed25519).await;
        let now = server.clock.now().timestamp();
        let times = async |issued: i64, expires: i64| {
            client.seal_with(&server, &[OWN], |claims| {
                claims.issued_at = now + issued;
                claims.expires_at = now + expires;
            }).await
        };
        refused(&server, &times(-60, 0).await, "expired").await;
        refused(&server, &times(61, 120).await, "not_yet_valid").await;
        refused(&server, &times(-1, 30 * 86_400).await, "lifetime").await;
        for (issued, expires) in [(60, 120), (-60, 1), (0, 30 * 86_400)] {
            let wire = times(issued, expires).await;
            assert!(server.unwrap(&server.member, wire.unwrap_request("")).await.is_ok());
        }
    }

    async fn who_is_no_sender_or_recipient_is_refused(db: Db) {
        let server = Server::start(db).await;
        let client = Client::new(&server, Algorithm::Ed25519).await;
        let kept = server.make(KeyPurpose::Seal, KeyAlgorithm::EcdhEsA256kwX25519).await;
        let good = client.seal(&server, &[OWN]).await;
        let stranger = User::of(TenantId::new(), Role::Member);
        assert_eq!(code(server.unwrap(&stranger, good.unwrap_request("")).await), "ENVELOPE_REJECTED");
        assert_eq!(server.last_cause().await, "sender_unknown", "another tenant's sender");
        let unknown = Client { key: PrivateKey::generate(Algorithm::Ed25519).unwrap(), name: String::new() };
        refused(&server, &unknown.seal(&server, &[OWN]).await, "sender_unknown").await;
        refused(&server, &client.seal(&server, &[&kept.name]).await, "not_a_recipient").await;
        let foreign = client.seal_with(&server, &[OWN], |claims| claims.tenant = TenantId::new());
        refused(&server, &foreign.await, "tenant").await;
        let nobody = PrivateKey::generate(Algorithm::X25519).unwrap();
        let to_nobody = client.seal_with(&server, &[OWN], |claims| claims.recipients.push(nobody.kid().to_owned()));
        refused(&server, &to_nobody.await, "recipient_unknown").await;
        // Named in the manifest, but the key was wrapped for another.
        let own = server.key(OWN).await.versions[0].thumbprint.clone();
        let swapped = client.seal_with(&server, &[&kept.name], |claims| claims.recipients = vec![own]).await;
        refused(&server, &swapped, "content_key").await;
        let other = client.seal(&server, &[OWN]).await;
        refused(&server, &Wire { content: other.content, ..good.clone() }, "content_key").await;
        assert!(server.unwrap(&server.member, good.unwrap_request("")).await.is_ok());
    }

    async fn a_purpose_of_another_kind_is_said(db: Db) {
        let server = Server::start(db).await;
        let client = Client::new(&server, Algorithm::Ed25519).await;
        let wire = client.seal_with(&server, &[OWN], |claims| claims.purpose = "message".into()).await;
        let told = server.unwrap(&server.member, wire.unwrap_request("")).await.err().unwrap();
        assert_eq!(told.code, "ENVELOPE_PURPOSE_MISMATCH");
        assert_eq!(server.last_cause().await, "purpose");
        let request = UnwrapContentKeyRequest { purpose: "message".into(), ..wire.unwrap_request("") };
        assert_eq!(field(server.unwrap(&server.member, request).await), "purpose");
    }

    async fn a_disabled_key_refuses_at_once(db: Db) {
        let server = Server::start(db).await;
        let client = Client::new(&server, Algorithm::Ed25519).await;
        let second = Client::new(&server, Algorithm::Ed25519).await;
        let wires = [client.seal(&server, &[OWN]).await, client.seal(&server, &[OWN]).await, second.seal(&server, &[OWN]).await];
        assert!(server.unwrap(&server.member, wires[0].unwrap_request("")).await.is_ok());
        server.turn_off(&client.name, 0).await;
        refused(&server, &wires[1], "sender_disabled").await;
        server.rotate(OWN).await;
        server.turn_off(OWN, 1).await;
        refused(&server, &wires[2], "recipient_disabled").await;
        let newer = second.seal(&server, &[OWN]).await;
        assert!(server.unwrap(&server.member, newer.unwrap_request("")).await.is_ok());
        server.turn_off(OWN, 0).await;
        refused(&server, &second.seal(&server, &[OWN]).await, "recipient_disabled").await;
    }

    async fn a_manifest_changed_anywhere_is_refused_in_one_way(db: Db) {
        let server = Server::start(db).await;
        let client = Client::new(&server, Algorithm::Ed25519).await;
        let wire = client.seal(&server, &[OWN]).await;
        let keys = wire.wrapped_keys();
        let mut shapes = std::collections::HashSet::new();
        for at in 0..wire.manifest.len() {
            let mut bytes = wire.manifest.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let request = UnwrapContentKeyRequest { manifest: String::from_utf8(bytes).unwrap(), ..wire.unwrap_request("") };
            let told = server.unwrap(&server.member, request).await.err().unwrap();
            shapes.insert((told.code, told.message, told.field));
        }
        for at in 0..keys.len() {
            let mut bytes = keys.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let request = UnwrapContentKeyRequest { wrapped_keys: String::from_utf8(bytes).unwrap(), ..wire.unwrap_request("") };
            let told = server.unwrap(&server.member, request).await.err().unwrap();
            shapes.insert((told.code, told.message, told.field));
        }
        assert_eq!(shapes.len(), 1, "{shapes:?}");
        assert_eq!(server.causes().await.len(), wire.manifest.len() + keys.len(), "each is recorded");
        assert!(server.unwrap(&server.member, wire.unwrap_request("")).await.is_ok());
    }

    async fn headers_do_not_choose_the_algorithm(db: Db) {
        let server = Server::start(db).await;
        let client = Client::new(&server, Algorithm::RsaPss2048).await;
        let wire = client.seal(&server, &[OWN]).await;
        let header = String::from_utf8(decode(wire.manifest.split_once('.').unwrap().0).unwrap()).unwrap();
        for alg in ["none", "HS256", "RS256", "EdDSA"] {
            refused(&server, &with_header(&wire, &header.replace("PS256", alg)), "signature").await;
        }
        for more in [r#""jku":"https://x.example","#, r#""jwk":{},"#, r#""x5u":"https://x.example","#, r#""crit":["exp"],"#, r#""zip":"DEF","#] {
            refused(&server, &with_header(&wire, &header.replacen('{', &format!("{{{more}"), 1)), "malformed").await;
        }
        let keys = wire.wrapped_keys();
        for (from, to) in [("ECDH-ES+A256KW", "dir"), ("ECDH-ES+A256KW", "RSA-OAEP-256"), ("X25519", "P-256")] {
            let request = UnwrapContentKeyRequest { wrapped_keys: keys.replace(from, to), ..wire.unwrap_request("") };
            assert_eq!(code(server.unwrap(&server.member, request).await), "ENVELOPE_REJECTED", "{to}");
        }
    }

    async fn sizes_are_checked_first(db: Db) {
        let server = Server::start(db).await;
        let client = Client::new(&server, Algorithm::Ed25519).await;
        let good = client.seal(&server, &[OWN]).await.unwrap_request("");
        for (request, named) in [
            (UnwrapContentKeyRequest { manifest: "x".repeat(66_000), ..good.clone() }, "manifest"),
            (UnwrapContentKeyRequest { manifest: String::new(), ..good.clone() }, "manifest"),
            (UnwrapContentKeyRequest { wrapped_keys: "x".repeat(200_000), ..good.clone() }, "wrapped_keys"),
            (UnwrapContentKeyRequest { request_id: "1".into(), ..good.clone() }, "request_id"),
        ] {
            assert_eq!(field(server.unwrap(&server.member, request).await), named);
        }
    }

    async fn releases_are_forgotten_after_their_end(db: Db) {
        let server = Server::start(db).await;
        let client = Client::new(&server, Algorithm::Ed25519).await;
        let wire = client.seal(&server, &[OWN]).await;
        server.unwrap(&server.member, wire.unwrap_request("")).await.unwrap();
        let end = server.clock.now() + Duration::minutes(5);
        assert_eq!(server.services.records.purge(end).await.unwrap(), 0);
        assert_eq!(server.services.records.purge(end + Duration::seconds(1)).await.unwrap(), 1);
    }
}
