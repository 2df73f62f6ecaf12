use chrono::Duration;
use crypto::KeyAlgorithm as Algorithm;
use db::Db;
use kernel::TenantId;
use proto::Role;
use proto::envelope::v1::*;

use crate::client::{Client, code, field};
use crate::kept::Kept;
use crate::server::{User, attribute, migrations, uuid};

db::both! { migrations() =>
    async fn what_is_sealed_is_verified_and_opened_once(db: Db) {
        let kept = Kept::new(db).await;
        let envelope = kept.sealed().await;
        let request = VerifyRequest { envelope: Some(envelope.clone()) };
        let verified = kept.server.verify(&kept.server.member, request).await.unwrap().manifest.unwrap();
        assert_eq!((verified.sender.as_str(), verified.sender_version), (kept.sign.name.as_str(), 1));
        assert_eq!((verified.recipients.as_slice(), verified.purpose.as_str()), (&[kept.seal.name.clone()][..], "message"));
        assert_eq!(verified.expire_time.unwrap().seconds - verified.issue_time.unwrap().seconds, 600);
        let id = uuid();
        let opened = kept.open(&envelope, &id).await.unwrap();
        assert_eq!((opened.plaintext.as_slice(), opened.content_type.as_str()), (&b"a message"[..], "text/plain"));
        assert_eq!(opened.manifest, Some(verified.clone()));
        assert_eq!(kept.open(&envelope, &id).await.unwrap().plaintext, b"a message", "a retry");
        assert_eq!(code(kept.open(&envelope, &uuid()).await), "ENVELOPE_REJECTED");
        assert_eq!(code(kept.open(&envelope, "").await), "ENVELOPE_REJECTED");
        assert_eq!(kept.server.causes().await, ["replay", "replay"]);
        let released: Vec<_> = kept.server.events().await.into_iter().filter(|event| event.r#type.ends_with("content_key.released")).collect();
        assert_eq!(released.len(), 2);
        assert_eq!(released[0].subject, format!("envelopes/{}", verified.id));
        assert_eq!(attribute(&released[0], "recipient"), kept.seal.name);
    }

    async fn what_is_wrong_with_a_seal_is_named(db: Db) {
        let kept = Kept::new(db).await;
        let good = kept.request();
        let ttl = |seconds, nanos| Some(prost_types::Duration { seconds, nanos });
        let twice = vec![kept.seal.name.clone(), kept.seal.name.clone()];
        for (request, named) in [
            (SealRequest { plaintext: vec![0; 4 * 1024 * 1024 + 1], ..good.clone() }, "plaintext"),
            (SealRequest { recipients: vec![], ..good.clone() }, "recipients"),
            (SealRequest { recipients: vec![kept.seal.name.clone(); 65], ..good.clone() }, "recipients"),
            (SealRequest { recipients: twice, ..good.clone() }, "recipients"),
            (SealRequest { recipients: vec!["users/x".into()], ..good.clone() }, "recipients[0]"),
            (SealRequest { recipients: vec!["keys/absent".into()], ..good.clone() }, "recipients[0]"),
            (SealRequest { recipients: vec![kept.sign.name.clone()], ..good.clone() }, "recipients[0]"),
            (SealRequest { signing_key: kept.seal.name.clone(), ..good.clone() }, "signing_key"),
            (SealRequest { signing_key: String::new(), ..good.clone() }, "signing_key"),
            (SealRequest { content_type: String::new(), ..good.clone() }, "content_type"),
            (SealRequest { content_type: "a\nb".into(), ..good.clone() }, "content_type"),
            (SealRequest { purpose: "answer".into(), ..good.clone() }, "purpose"),
            (SealRequest { ttl: ttl(0, 0), ..good.clone() }, "ttl"),
            (SealRequest { ttl: ttl(1, 5), ..good.clone() }, "ttl"),
            (SealRequest { ttl: ttl(30 * 86_400 + 1, 0), ..good.clone() }, "ttl"),
        ] {
            assert_eq!(field(kept.server.seal(&kept.server.member, request).await), named);
        }
        let largest = SealRequest { plaintext: vec![7; 4 * 1024 * 1024], ttl: ttl(30 * 86_400, 0), ..good };
        let sealed = kept.server.seal(&kept.server.member, largest).await.unwrap().envelope.unwrap();
        assert_eq!(kept.open(&sealed, "").await.unwrap().plaintext.len(), 4 * 1024 * 1024);
    }

    async fn keys_that_may_not_be_used_refuse(db: Db) {
        let kept = Kept::new(db).await;
        let server = &kept.server;
        let client = Client::new(server, Algorithm::Ed25519).await;
        let request = SealRequest { signing_key: client.name.clone(), ..kept.request() };
        assert_eq!(code(server.seal(&server.member, request).await), "KEY_NOT_KEPT");
        let request = SealRequest { signing_key: "keys/response-sign".into(), ..kept.request() };
        assert_eq!(code(server.seal(&server.admin, request).await), "NOT_ALLOWED");
        server.turn_off(&kept.sign.name, 1).await;
        assert_eq!(code(server.seal(&server.member, kept.request()).await), "KEY_DISABLED");
        server.rotate(&kept.sign.name).await;
        server.turn_off(&kept.seal.name, 0).await;
        let told = server.seal(&server.member, kept.request()).await.err().unwrap();
        assert_eq!((told.code.as_str(), told.field.as_str()), ("KEY_DISABLED", "recipients[0]"));
        let stranger = User::of(TenantId::new(), Role::Admin);
        assert_eq!(code(server.seal(&stranger, kept.request()).await), "RESOURCE_NOT_FOUND");
    }

    async fn older_versions_open_until_they_are_disabled(db: Db) {
        let kept = Kept::new(db).await;
        let (first, second) = (kept.sealed().await, kept.sealed().await);
        kept.server.rotate(&kept.seal.name).await;
        kept.server.rotate(&kept.sign.name).await;
        assert!(kept.open(&first, "").await.is_ok());
        kept.server.turn_off(&kept.seal.name, 1).await;
        assert_eq!(code(kept.open(&second, "").await), "ENVELOPE_REJECTED");
        assert_eq!(kept.server.last_cause().await, "recipient_disabled");
        let third = kept.sealed().await;
        kept.server.turn_off(&kept.sign.name, 2).await;
        assert_eq!(code(kept.open(&third, "").await), "ENVELOPE_REJECTED");
        assert_eq!(kept.server.last_cause().await, "sender_disabled");
    }

    async fn an_expired_envelope_is_verified_but_not_opened(db: Db) {
        let kept = Kept::new(db).await;
        let envelope = kept.sealed().await;
        kept.server.clock.advance(Duration::minutes(10));
        assert_eq!(code(kept.open(&envelope, "").await), "ENVELOPE_REJECTED");
        assert_eq!(kept.server.last_cause().await, "expired");
        let request = VerifyRequest { envelope: Some(envelope) };
        assert!(kept.server.verify(&kept.server.member, request).await.is_ok());
    }

    async fn a_services_envelope_is_not_opened_for_users(db: Db) {
        let kept = Kept::new(db).await;
        let request = SealRequest { recipients: vec!["keys/response-seal".into()], purpose: "respond".into(), ..kept.request() };
        let sealed = kept.server.seal(&kept.server.member, request).await.unwrap().envelope.unwrap();
        assert_eq!(code(kept.open(&sealed, "").await), "ENVELOPE_REJECTED");
        assert_eq!(kept.server.last_cause().await, "not_a_recipient");
        let both = vec!["keys/response-seal".into(), kept.seal.name.clone()];
        let request = SealRequest { recipients: both, purpose: "respond".into(), ..kept.request() };
        let sealed = kept.server.seal(&kept.server.member, request).await.unwrap().envelope.unwrap();
        assert!(kept.open(&sealed, "").await.is_ok(), "another recipient's is opened by that one");
    }

    async fn one_content_for_another_is_refused(db: Db) {
        let kept = Kept::new(db).await;
        let (one, two) = (kept.sealed().await, kept.sealed().await);
        let mixed = Envelope { manifest: one.manifest.clone(), content: two.content };
        let opened = kept.open(&mixed, "").await.err().unwrap();
        let request = VerifyRequest { envelope: Some(mixed) };
        let verified = kept.server.verify(&kept.server.member, request).await.err().unwrap();
        assert_eq!(opened, verified);
        assert_eq!(kept.server.causes().await, ["content_key", "content"]);
        let request = VerifyRequest { envelope: Some(Envelope { content: String::new(), ..one.clone() }) };
        assert!(kept.server.verify(&kept.server.member, request).await.is_ok(), "the manifest alone");
        assert!(kept.open(&one, "").await.is_ok(), "a refusal uses nothing up");
        let empty = Envelope { content: String::new(), ..one };
        assert_eq!(field(kept.open(&empty, "").await), "envelope.content");
        assert_eq!(field(kept.open(&Envelope::default(), "").await), "envelope.manifest");
        assert_eq!(field(kept.server.verify(&kept.server.member, VerifyRequest::default()).await), "envelope");
    }

    async fn a_content_changed_anywhere_is_refused_in_one_way(db: Db) {
        let kept = Kept::new(db).await;
        let sealed = kept.sealed().await;
        for at in (0..sealed.content.len()).step_by(7) {
            let mut bytes = sealed.content.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            let changed = Envelope { content: String::from_utf8(bytes).unwrap(), ..sealed.clone() };
            let told = kept.open(&changed, "").await.err().unwrap();
            assert_eq!((told.code.as_str(), told.field.as_str()), ("ENVELOPE_REJECTED", ""), "at {at}");
        }
    }
}
