use crypto::{PublicKey, encoding, statement};
use db::Db;
use kernel::TenantId;
use proto::Role;
use proto::envelope::v1::*;
use serde_json::Value;

use crate::client::field;
use crate::server::{Server, User, attribute, migrations, uuid};

fn destruction(server: &Server) -> CertifyDestructionRequest {
    CertifyDestructionRequest {
        id: uuid(),
        tenant: format!("tenants/{}", server.tenant()),
        subject: "prompts/x".into(),
        wrapped_digests: vec![vec![7; 32], vec![8; 32]],
        destroy_time: Some(prost_types::Timestamp { seconds: 1_790_000_000, nanos: 0 }),
    }
}

db::both! { migrations() =>
    async fn what_is_destroyed_is_certified_once(db: Db) {
        let server = Server::start(db).await;
        let request = destruction(&server);
        for _ in 0..2 {
            server.certify_destruction(&server.member, request.clone()).await.unwrap();
        }
        let listing = ListCertificatesRequest { subject: "prompts/x".into(), ..Default::default() };
        let found = server.list_certificates(&server.member, listing.clone()).await.unwrap().certificates;
        assert_eq!(found.len(), 1);
        let signer = server.key("keys/envelope-sign").await;
        let public = PublicKey::from_jwk(&signer.versions[0].public_jwk).unwrap();
        let said: Value = statement::verify(&public, &found[0].statement).unwrap();
        assert_eq!((&said["kind"], &said["holder"], &said["subject"]), (&"data-keys-destroyed".into(), &"storage".into(), &"prompts/x".into()));
        assert_eq!(said["tenant"], format!("tenants/{}", server.tenant()));
        assert_eq!(said["wrapped_sha256"], serde_json::json!([encoding::encode(&[7; 32]), encoding::encode(&[8; 32])]));
        let events = server.events().await;
        let told: Vec<_> = events.iter().filter(|event| event.r#type == "dev.signet.envelope.data_key.destroyed").collect();
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].id.as_str(), attribute(told[0], "count").as_str()), (found[0].event.as_str(), "2"));
        let other = ListCertificatesRequest { subject: "prompts/y".into(), ..Default::default() };
        assert!(server.list_certificates(&server.member, other).await.unwrap().certificates.is_empty());
        let stranger = User::of(TenantId::new(), Role::Auditor);
        assert!(server.list_certificates(&stranger, listing).await.unwrap().certificates.is_empty());
    }

    async fn what_is_wrong_is_named(db: Db) {
        let server = Server::start(db).await;
        let good = destruction(&server);
        let with = async |request| field(server.certify_destruction(&server.member, request).await);
        assert_eq!(with(CertifyDestructionRequest { id: "x".into(), ..good.clone() }).await, "id");
        assert_eq!(with(CertifyDestructionRequest { tenant: "x".into(), ..good.clone() }).await, "tenant");
        assert_eq!(with(CertifyDestructionRequest { subject: String::new(), ..good.clone() }).await, "subject");
        assert_eq!(with(CertifyDestructionRequest { wrapped_digests: vec![], ..good.clone() }).await, "wrapped_digests");
        let short = vec![vec![7; 32], vec![7; 31]];
        assert_eq!(with(CertifyDestructionRequest { wrapped_digests: short, ..good.clone() }).await, "wrapped_digests[1]");
        assert_eq!(with(CertifyDestructionRequest { destroy_time: None, ..good }).await, "destroy_time");
    }
}
