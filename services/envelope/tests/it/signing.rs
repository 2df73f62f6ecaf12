use chrono::Duration;
use crypto::envelope::{Content, Manifest, ManifestClaims, Terms, seal};
use crypto::{Limits, PrivateKey, PublicKey};
use db::Db;
use kernel::{Clock as _, TenantId};
use proto::envelope::v1::*;

use crate::client::{code, field};
use crate::enrolment::register_sealing;
use crate::server::{Server, migrations};

const OWN: &str = "keys/response-sign";

/// What the response service seals for a client that keeps its own key.
async fn answer(server: &Server, recipient: &PrivateKey) -> (String, ManifestClaims) {
    register_sealing(server, &server.member, recipient).await.unwrap();
    let own = server.key(OWN).await;
    let now = server.clock.now();
    let terms = Terms {
        tenant: server.tenant(),
        sender: own.versions.last().unwrap().thumbprint.clone(),
        purpose: "answer".into(),
        content_type: "application/json".into(),
        in_reply_to: None,
        issued_at: now,
        expires_at: now + Duration::minutes(10),
    };
    let to = [recipient.public().clone()];
    let sealed = seal(&terms, &to, b"{}".to_vec(), &Limits::default()).unwrap();
    (sealed.content, sealed.claims)
}

fn asked(claims: &ManifestClaims) -> SignManifestRequest {
    SignManifestRequest { claims: claims.to_json().unwrap() }
}

db::both! { migrations() =>
    async fn an_answer_is_signed_and_opened_by_the_client(db: Db) {
        let server = Server::start(db).await;
        let recipient = PrivateKey::generate(crypto::KeyAlgorithm::X25519).unwrap();
        let (content, claims) = answer(&server, &recipient).await;
        let signed = server.sign(&server.member, asked(&claims)).await.unwrap().manifest;
        let sender = PublicKey::from_jwk(&server.key(OWN).await.versions[0].public_jwk).unwrap();
        let limits = Limits::default();
        let manifest = Manifest::parse(&signed, &limits).unwrap().verify(&sender).unwrap();
        let content = Content::parse(&content, &limits).unwrap();
        let key = manifest.release(&recipient, content.wrapped_keys(), server.clock.now()).unwrap();
        assert_eq!(key.open(&manifest, &content).unwrap().as_slice(), b"{}");
        let told = server.events().await.pop().unwrap();
        assert_eq!((told.r#type.as_str(), told.subject), ("dev.signet.envelope.manifest.signed", format!("envelopes/{}", claims.id)));
    }

    async fn claims_that_are_not_the_callers_are_refused(db: Db) {
        let server = Server::start(db).await;
        let recipient = PrivateKey::generate(crypto::KeyAlgorithm::X25519).unwrap();
        let stranger = PrivateKey::generate(crypto::KeyAlgorithm::X25519).unwrap();
        let (_, good) = answer(&server, &recipient).await;
        let seal_kid = server.key("keys/response-seal").await.versions[0].thumbprint.clone();
        let sign_kid = server.key(OWN).await.versions[0].thumbprint.clone();
        let changed = |change: &dyn Fn(&mut ManifestClaims)| {
            let mut claims = good.clone();
            change(&mut claims);
            asked(&claims)
        };
        for (request, named) in [
            (changed(&|claims| claims.tenant = TenantId::new()), "claims.tenant"),
            (changed(&|claims| claims.sender = seal_kid.clone()), "claims.sender"),
            (changed(&|claims| claims.purpose = "respond".into()), "claims.purpose"),
            (changed(&|claims| claims.issued_at += 61), "claims.iat"),
            (changed(&|claims| claims.issued_at -= 61), "claims.iat"),
            (changed(&|claims| claims.expires_at += 30 * 86_400), "claims.exp"),
            (changed(&|claims| { claims.issued_at -= 60; claims.expires_at = good.issued_at; }), "claims.exp"),
            (changed(&|claims| claims.recipients.push(stranger.kid().to_owned())), "claims.recipients[1]"),
            (changed(&|claims| claims.recipients.push(sign_kid.clone())), "claims.recipients[1]"),
            (SignManifestRequest { claims: b"{}".to_vec() }, "claims.payload"),
            (SignManifestRequest { claims: vec![b'x'; 17_000] }, "claims"),
        ] {
            assert_eq!(field(server.sign(&server.member, request).await), named);
        }
        assert!(server.sign(&server.member, asked(&good)).await.is_ok());
        let kept = server.rotate(OWN).await;
        assert_eq!(field(server.sign(&server.member, asked(&good)).await), "claims.sender");
        let current = changed(&|claims| claims.sender = kept.versions[1].thumbprint.clone());
        assert!(server.sign(&server.member, current.clone()).await.is_ok());
        server.turn_off(OWN, 0).await;
        assert_eq!(code(server.sign(&server.member, current).await), "KEY_DISABLED");
    }

    async fn a_disabled_recipient_gets_no_answer(db: Db) {
        let server = Server::start(db).await;
        let recipient = PrivateKey::generate(crypto::KeyAlgorithm::X25519).unwrap();
        let (_, claims) = answer(&server, &recipient).await;
        let keys = server.list_keys(&server.member, ListKeysRequest::default()).await.unwrap().keys;
        let registered = keys.iter().find(|key| key.registered).unwrap();
        server.turn_off(&registered.name, 0).await;
        assert_eq!(field(server.sign(&server.member, asked(&claims)).await), "claims.recipients[0]");
    }
}
