use std::collections::HashSet;

use crypto::{PrivateKey, Suite};
use db::Db;
use envelope::application::ports::Keys as _;
use envelope::infrastructure::SqlKeys;
use kernel::TenantId;
use proto::Role;
use proto::common::v1::KeyValue;
use proto::envelope::v1::*;

use crate::client::{Client, code, field, registration};
use crate::server::{Server, User, migrations, uuid};

fn creation(id: &str, purpose: KeyPurpose, algorithm: KeyAlgorithm) -> CreateKeyRequest {
    CreateKeyRequest {
        key_id: id.into(),
        purpose: purpose.into(),
        algorithm: algorithm.into(),
        ..CreateKeyRequest::default()
    }
}

fn seal_key(id: &str) -> CreateKeyRequest {
    creation(id, KeyPurpose::Seal, KeyAlgorithm::EcdhEsA256kwX25519)
}

db::both! { migrations() =>
    async fn a_key_is_made_and_read(db: Db) {
        let server = Server::start(db).await;
        let labels = vec![KeyValue { key: "team".into(), value: "blue".into() }];
        let request = CreateKeyRequest { labels: labels.clone(), ..seal_key("team-key") };
        let made = server.create_key(&server.admin, request).await.unwrap().key.unwrap();
        assert_eq!(made, server.key("keys/team-key").await);
        assert_eq!((made.name.as_str(), made.primary_version, made.registered), ("keys/team-key", 1, false));
        assert_eq!((made.purpose(), made.algorithm(), made.state()), (KeyPurpose::Seal, KeyAlgorithm::EcdhEsA256kwX25519, KeyState::Enabled));
        assert_eq!((made.labels, made.owner.as_str()), (labels, ""));
        let public = crypto::PublicKey::from_jwk(&made.versions[0].public_jwk).unwrap();
        assert_eq!(public.kid(), made.versions[0].thumbprint);
        let events = server.events().await;
        assert_eq!(events[0].r#type, "dev.signet.envelope.key.created");
        assert_eq!(events[0].subject, "keys/team-key");
    }

    async fn rsa_keys_are_the_default_and_work(db: Db) {
        let server = Server::with_suite(db, Suite::Rsa).await;
        let seal = server.make(KeyPurpose::Seal, KeyAlgorithm::Unspecified).await;
        assert_eq!(seal.algorithm(), KeyAlgorithm::RsaOaep2563072);
        let sign = server.make(KeyPurpose::Sign, KeyAlgorithm::Unspecified).await;
        assert_eq!(sign.algorithm(), KeyAlgorithm::RsaPs2563072);
        let sealed = server.seal(&server.member, SealRequest {
            plaintext: b"rsa".to_vec(), content_type: "text/plain".into(), purpose: "message".into(),
            recipients: vec![seal.name], signing_key: sign.name, ttl: None,
        }).await.unwrap();
        let request = OpenRequest { envelope: sealed.envelope, request_id: String::new() };
        assert_eq!(server.open(&server.member, request).await.unwrap().plaintext, b"rsa");
        assert_eq!(server.key("keys/response-seal").await.algorithm(), KeyAlgorithm::RsaOaep2563072);
        assert_eq!(server.key("keys/response-sign").await.algorithm(), KeyAlgorithm::RsaPs2563072);
    }

    async fn what_is_wrong_with_a_new_key_is_named(db: Db) {
        let server = Server::start(db).await;
        let admin = &server.admin;
        let ed = KeyAlgorithm::EddsaEd25519;
        for (request, named) in [
            (seal_key("A!"), "key_id"),
            (seal_key("response-seal"), "key_id"),
            (creation("", KeyPurpose::Unspecified, ed), "purpose"),
            (creation("", KeyPurpose::Seal, ed), "algorithm"),
            (CreateKeyRequest { algorithm: 77, ..seal_key("") }, "algorithm"),
            (CreateKeyRequest { request_id: "x".into(), ..seal_key("") }, "request_id"),
            (CreateKeyRequest { labels: vec![KeyValue { key: "Ä".into(), value: String::new() }], ..seal_key("") }, "labels[0].key"),
        ] {
            assert_eq!(field(server.create_key(admin, request).await), named);
        }
        assert!(server.list_keys(admin, ListKeysRequest::default()).await.unwrap().keys.is_empty());
    }

    async fn a_repeated_request_makes_one_key(db: Db) {
        let server = Server::start(db).await;
        let request = CreateKeyRequest { request_id: uuid(), ..seal_key("") };
        let first = server.create_key(&server.admin, request.clone()).await.unwrap().key.unwrap();
        let second = server.create_key(&server.admin, request.clone()).await.unwrap().key.unwrap();
        assert_eq!(first, second);
        let other = CreateKeyRequest { key_id: "other".into(), ..request };
        assert_eq!(code(server.create_key(&server.admin, other).await), "REQUEST_ID_REUSED");
        server.create_key(&server.admin, seal_key("same")).await.unwrap();
        assert_eq!(code(server.create_key(&server.admin, seal_key("same")).await), "RESOURCE_EXISTS");
        assert_eq!(server.list_keys(&server.admin, ListKeysRequest::default()).await.unwrap().keys.len(), 2);
    }

    async fn another_tenants_key_is_absent(db: Db) {
        let server = Server::start(db).await;
        let key = server.make(KeyPurpose::Seal, KeyAlgorithm::EcdhEsA256kwX25519).await;
        let stranger = User::of(TenantId::new(), Role::Admin);
        let absent = server.get_key(&server.admin, GetKeyRequest { name: "keys/absent".into() }).await;
        let foreign = server.get_key(&stranger, GetKeyRequest { name: key.name.clone() }).await;
        assert_eq!(absent, foreign);
        assert_eq!(code(foreign), "RESOURCE_NOT_FOUND");
        let rotation = RotateKeyRequest { name: key.name.clone(), ..RotateKeyRequest::default() };
        assert_eq!(code(server.rotate_key(&stranger, rotation).await), "RESOURCE_NOT_FOUND");
        let disabling = DisableKeyRequest { name: key.name.clone(), version: 0 };
        assert_eq!(code(server.disable_key(&stranger, disabling).await), "RESOURCE_NOT_FOUND");
        assert!(server.list_keys(&stranger, ListKeysRequest::default()).await.unwrap().keys.is_empty());
        assert_eq!(server.key(&key.name).await.state(), KeyState::Enabled);
    }

    async fn lists_go_in_pages_newest_first(db: Db) {
        let server = Server::start(db).await;
        for id in ["key-1", "key-2", "key-3", "key-4", "key-5"] {
            server.create_key(&server.admin, seal_key(id)).await.unwrap();
        }
        let sign = creation("signer", KeyPurpose::Sign, KeyAlgorithm::EddsaEd25519);
        server.create_key(&server.admin, sign).await.unwrap();
        server.rotate("keys/key-2").await;
        let mut request = ListKeysRequest { page_size: 2, purpose: KeyPurpose::Seal.into(), ..ListKeysRequest::default() };
        let (mut names, mut pages) = (Vec::new(), 0);
        loop {
            let page = server.list_keys(&server.member, request.clone()).await.unwrap();
            names.extend(page.keys.into_iter().map(|key| (key.name, key.versions.len())));
            pages += 1;
            if page.next_page_token.is_empty() { break; }
            request.page_token = page.next_page_token;
        }
        let expected = [("keys/key-5", 1), ("keys/key-4", 1), ("keys/key-3", 1), ("keys/key-2", 2), ("keys/key-1", 1)];
        assert_eq!(names, expected.map(|(name, versions)| (name.to_owned(), versions)));
        assert_eq!(pages, 3);
        let other = ListKeysRequest { purpose: 0, ..request };
        assert_eq!(code(server.list_keys(&server.member, other).await), "PAGE_TOKEN_INVALID");
    }

    async fn a_registered_key_is_proven(db: Db) {
        let server = Server::start(db).await;
        let key = PrivateKey::generate(crypto::KeyAlgorithm::Ed25519).unwrap();
        let good = registration(&server.member, &key);
        for (request, expected) in [
            (RegisterPublicKeyRequest { proof: String::new(), ..good.clone() }, "KEY_PROOF_INVALID"),
            (registration(&server.admin, &key), "KEY_PROOF_INVALID"),
            (RegisterPublicKeyRequest { purpose: KeyPurpose::Seal.into(), ..good.clone() }, "KEY_PURPOSE_MISMATCH"),
        ] {
            assert_eq!(code(server.register(&server.member, request).await), expected);
        }
        let private = good.public_jwk.replacen('{', r#"{"d":"AA","#, 1);
        let request = RegisterPublicKeyRequest { public_jwk: private, ..good.clone() };
        assert_eq!(field(server.register(&server.member, request).await), "public_jwk.d");
        let made = server.register(&server.member, good.clone()).await.unwrap().key.unwrap();
        assert_eq!((made.owner, made.registered), (server.member.name(), true));
        assert_eq!(code(server.register(&server.member, good).await), "RESOURCE_EXISTS");
        let rotation = RotateKeyRequest { name: made.name, ..RotateKeyRequest::default() };
        assert_eq!(code(server.rotate_key(&server.admin, rotation).await), "KEY_NOT_KEPT");
    }

    async fn rotations_at_once_each_get_a_version(db: Db) {
        let server = Server::start(db).await;
        let key = server.make(KeyPurpose::Sign, KeyAlgorithm::EddsaEd25519).await;
        let rotations = futures_of(4, || server.rotate(&key.name));
        rotations.await;
        let after = server.key(&key.name).await;
        assert_eq!(after.versions.iter().map(|version| version.version).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        assert_eq!(after.primary_version, 5);
        let kids: HashSet<_> = after.versions.iter().map(|version| &version.thumbprint).collect();
        assert_eq!(kids.len(), 5);
        let request = RotateKeyRequest { name: key.name.clone(), request_id: uuid(), ..RotateKeyRequest::default() };
        server.rotate_key(&server.admin, request.clone()).await.unwrap();
        server.rotate_key(&server.admin, request).await.unwrap();
        assert_eq!(server.key(&key.name).await.primary_version, 6);
    }

    async fn only_admins_and_owners_disable(db: Db) {
        let server = Server::start(db).await;
        let client = Client::new(&server, crypto::KeyAlgorithm::Ed25519).await;
        let kept = server.make(KeyPurpose::Seal, KeyAlgorithm::EcdhEsA256kwX25519).await;
        let other = User::of(server.tenant(), Role::Member);
        let disable = |name: &str| DisableKeyRequest { name: name.to_owned(), version: 0 };
        // Who may not do it learns no more than of a key that is not there.
        let absent = server.disable_key(&server.member, disable("keys/absent")).await;
        assert_eq!(server.disable_key(&server.member, disable(&kept.name)).await, absent);
        assert_eq!(code(server.disable_key(&server.member, disable("keys/response-seal")).await), "RESOURCE_NOT_FOUND");
        server.key("keys/response-seal").await;
        assert_eq!(server.disable_key(&server.member, disable("keys/response-seal")).await, absent);
        assert_eq!(server.disable_key(&other, disable(&client.name)).await, absent);
        for _ in 0..2 {
            let after = server.disable_key(&server.member, disable(&client.name)).await.unwrap();
            assert_eq!(after.key.unwrap().state(), KeyState::Disabled);
        }
        let told = server.events().await;
        assert_eq!(told.iter().filter(|event| event.r#type.ends_with("key.disabled")).count(), 1);
        server.turn_off(&kept.name, 0).await;
        let rotation = RotateKeyRequest { name: kept.name, ..RotateKeyRequest::default() };
        assert_eq!(code(server.rotate_key(&server.admin, rotation).await), "KEY_DISABLED");
    }

    async fn a_version_is_disabled_alone(db: Db) {
        let server = Server::start(db).await;
        let key = server.make(KeyPurpose::Seal, KeyAlgorithm::EcdhEsA256kwP256).await;
        server.rotate(&key.name).await;
        let after = server.turn_off(&key.name, 1).await;
        let states: Vec<_> = after.versions.iter().map(KeyVersion::state).collect();
        assert_eq!((after.state(), states), (KeyState::Enabled, vec![KeyState::Disabled, KeyState::Enabled]));
        let absent = DisableKeyRequest { name: key.name, version: 3 };
        assert_eq!(code(server.disable_key(&server.admin, absent).await), "RESOURCE_NOT_FOUND");
    }

    async fn eight_that_race_for_a_services_key_get_one(db: Db) {
        let server = Server::start(db).await;
        for name in ["keys/response-seal", "keys/response-sign"] {
            let kids: HashSet<String> = futures_of(8, || async {
                let key = server.key(name).await;
                assert_eq!(key.owner, "services/response");
                key.versions[0].thumbprint.clone()
            }).await.into_iter().collect();
            assert_eq!(kids.len(), 1);
        }
        let keys = server.list_keys(&server.member, ListKeysRequest::default()).await.unwrap().keys;
        assert_eq!(keys.len(), 2);
    }

    async fn no_private_half_lies_in_the_clear_or_opens_elsewhere(db: Db) {
        let server = Server::start(db.clone()).await;
        let one = server.make(KeyPurpose::Sign, KeyAlgorithm::EddsaEd25519).await;
        let two = server.make(KeyPurpose::Sign, KeyAlgorithm::EddsaEd25519).await;
        let known = std::sync::Arc::new(server.services.known.clone());
        let keys = SqlKeys { db: db.clone(), known };
        let stored = |name: &str| name.strip_prefix("keys/").unwrap().parse().ok().unwrap();
        let find = async |name: &str| keys.find(server.tenant(), &stored(name)).await.unwrap().unwrap().primary().unwrap();
        let keyed = find(&one.name).await;
        let private = server.services.custody.private(server.tenant(), &keyed).await.unwrap();
        let half = keyed.version.private.unwrap();
        for column in [&half.sealed, &half.data_key] {
            let clear = |window: &[u8]| column.windows(16).any(|found| found == window);
            assert!(!private.pkcs8().windows(16).any(clear));
        }
        // The half of one put in the place of the other's.
        let mut moved = find(&two.name).await;
        moved.version.private = Some(half);
        assert!(server.services.custody.private(server.tenant(), &moved).await.is_err());
    }
}

async fn futures_of<T, F: Future<Output = T>>(count: usize, make: impl Fn() -> F) -> Vec<T> {
    futures::future::join_all((0..count).map(|_| make())).await
}
