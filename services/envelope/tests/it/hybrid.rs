//! ES256 and the hybrid suite through the service; and no way down from the latter.

use crypto::KeyAlgorithm as Algorithm;
use crypto::Suite;
use db::Db;
use proto::envelope::v1::*;

use crate::client::{Client, code, field};
use crate::server::{Server, migrations, uuid};

fn request(recipients: &[&Key], signer: &Key) -> SealRequest {
    SealRequest {
        plaintext: b"a message".to_vec(),
        content_type: "text/plain".into(),
        recipients: recipients.iter().map(|key| key.name.clone()).collect(),
        signing_key: signer.name.clone(),
        purpose: "message".into(),
        ttl: None,
    }
}

db::both! { migrations() =>
    async fn hybrid_keys_go_with_hybrid_keys_only(db: Db) {
        let server = Server::start(db).await;
        let xwing = server.make(KeyPurpose::Seal, KeyAlgorithm::HybridXwingA256kw).await;
        let both = server.make(KeyPurpose::Sign, KeyAlgorithm::HybridEd25519MlDsa65).await;
        let x25519 = server.make(KeyPurpose::Seal, KeyAlgorithm::EcdhEsA256kwX25519).await;
        let es256 = server.make(KeyPurpose::Sign, KeyAlgorithm::Es256P256).await;
        for (recipients, signer) in [(vec![&xwing], &es256), (vec![&x25519], &both), (vec![&xwing, &x25519], &both)] {
            let refused = server.seal(&server.member, request(&recipients, signer)).await;
            assert_eq!(field(refused), "recipients");
        }
        for (recipient, signer) in [(&xwing, &both), (&x25519, &es256)] {
            let sealed = server.seal(&server.member, request(&[recipient], signer)).await;
            let open = OpenRequest { envelope: sealed.unwrap().envelope, request_id: uuid() };
            assert_eq!(server.open(&server.member, open).await.unwrap().plaintext, b"a message");
        }
    }

    /// A sender that names a classical key beside the hybrid one, without having wrapped for it.
    async fn a_classical_recipient_cannot_be_smuggled_in(db: Db) {
        let server = Server::with_suite(db, Suite::Hybrid).await;
        let x25519 = server.make(KeyPurpose::Seal, KeyAlgorithm::EcdhEsA256kwX25519).await;
        let client = Client::new(&server, Algorithm::Ed25519MlDsa65).await;
        let own = &["keys/response-seal"];
        let wire = client.seal(&server, own).await;
        assert!(server.unwrap(&server.member, wire.unwrap_request("")).await.is_ok());
        let wire = client.seal_with(&server, own, |claims| claims.recipients.push(x25519.versions[0].thumbprint.clone())).await;
        assert_eq!(code(server.unwrap(&server.member, wire.unwrap_request("")).await), "ENVELOPE_REJECTED");
        assert_eq!(server.last_cause().await, "suite");
    }
}
