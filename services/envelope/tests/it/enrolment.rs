//! Keys from outside: proof of possession, import, export.

use chrono::Duration;
use crypto::{KeyAlgorithm as Algorithm, KeyUse, PrivateKey, PublicKey, jwe, proof};
use db::Db;
use proto::Role;
use proto::envelope::v1::*;

use crate::client::{code, field, registration};
use crate::lifecycle::seconds;
use crate::server::{Answer, Server, User, migrations, uuid};

/// Registers a sealing key as its owner does.
pub(crate) async fn register_sealing(
    server: &Server,
    user: &User,
    key: &PrivateKey,
) -> Answer<RegisterPublicKeyResponse> {
    let request = proven(server, user, key).await;
    server.register(user, request).await
}

async fn proven(server: &Server, user: &User, key: &PrivateKey) -> RegisterPublicKeyRequest {
    let public_jwk = key.public().to_jwk();
    let begin = BeginKeyRegistrationRequest { public_jwk: public_jwk.clone() };
    let challenge = server.begin_registration(user, begin).await.unwrap().challenge;
    RegisterPublicKeyRequest {
        purpose: KeyPurpose::Seal.into(),
        public_jwk,
        proof: proof::answer(key, &challenge, &user.name()).unwrap(),
        ..RegisterPublicKeyRequest::default()
    }
}

async fn import(server: &Server, key: &PrivateKey, cty: &str, text: Vec<u8>) -> ImportKeyRequest {
    let to =
        server.create_import_key(&server.admin, CreateImportKeyRequest::default()).await.unwrap();
    let recipient = PublicKey::from_jwk(&to.public_jwk).unwrap();
    let purpose = match key.algorithm().key_use() {
        KeyUse::Seal => KeyPurpose::Seal,
        KeyUse::Sign => KeyPurpose::Sign,
    };
    let algorithm = match key.algorithm() {
        Algorithm::Ed25519 => KeyAlgorithm::EddsaEd25519,
        _ => KeyAlgorithm::EcdhEsA256kwX25519,
    };
    ImportKeyRequest {
        purpose: purpose.into(),
        algorithm: algorithm.into(),
        import_key: to.import_key,
        wrapped_key: jwe::seal(&recipient, None, Some(cty), text).unwrap(),
        request_id: uuid(),
        ..ImportKeyRequest::default()
    }
}

db::both! { migrations() =>
    async fn a_sealing_key_is_registered_by_who_can_open(db: Db) {
        let server = Server::start(db).await;
        let key = PrivateKey::generate(Algorithm::X25519).unwrap();
        let squatter = User::of(server.tenant(), Role::Member);
        let bare = RegisterPublicKeyRequest {
            purpose: KeyPurpose::Seal.into(), public_jwk: key.public().to_jwk(), ..RegisterPublicKeyRequest::default()
        };
        assert_eq!(code(server.register(&squatter, bare.clone()).await), "KEY_PROOF_INVALID");
        // What the owner has proven for himself proves it for nobody else.
        let own = proven(&server, &server.member, &key).await;
        assert_eq!(code(server.register(&squatter, own.clone()).await), "KEY_PROOF_INVALID");
        let begin = BeginKeyRegistrationRequest { public_jwk: bare.public_jwk.clone() };
        let foreign = server.begin_registration(&squatter, begin.clone()).await.unwrap().challenge;
        assert!(proof::answer(&key, &foreign, &server.member.name()).is_err(), "the owner's client does not open it");
        let guessed = RegisterPublicKeyRequest { proof: format!("signet-challenge-v1\n{}\n{}\nAAAA", squatter.name(), key.kid()), ..bare.clone() };
        assert_eq!(code(server.register(&squatter, guessed).await), "KEY_PROOF_INVALID");

        let request = RegisterPublicKeyRequest { request_id: uuid(), ..own };
        let made = server.register(&server.member, request.clone()).await.unwrap();
        assert_eq!(made.key.as_ref().unwrap().owner, server.member.name());
        assert_eq!(server.register(&server.member, request.clone()).await.unwrap(), made, "a retry");
        let again = RegisterPublicKeyRequest { request_id: String::new(), ..request };
        assert_eq!(code(server.register(&server.member, again).await), "KEY_PROOF_INVALID", "an answer counts once");
        assert_eq!(code(register_sealing(&server, &server.member, &key).await), "RESOURCE_EXISTS");
    }

    async fn a_challenge_ends(db: Db) {
        let server = Server::start(db).await;
        let key = PrivateKey::generate(Algorithm::P256).unwrap();
        let late = proven(&server, &server.member, &key).await;
        server.clock.advance(Duration::minutes(10));
        assert_eq!(code(server.register(&server.member, late).await), "KEY_PROOF_INVALID");
        let older = proven(&server, &server.member, &key).await;
        let newer = proven(&server, &server.member, &key).await;
        assert_eq!(code(server.register(&server.member, older).await), "KEY_PROOF_INVALID");
        assert_eq!(code(server.register(&server.member, newer).await), "OK");
        for (jwk, answer) in [
            (String::new(), "public_jwk"),
            ("{}".to_owned(), "public_jwk.kty"),
        ] {
            let told = field(server.begin_registration(&server.member, BeginKeyRegistrationRequest { public_jwk: jwk }).await);
            assert!(told.starts_with("public_jwk"), "{told}, {answer}");
        }
        let signing = PrivateKey::generate(Algorithm::Ed25519).unwrap();
        let begin = BeginKeyRegistrationRequest { public_jwk: signing.public().to_jwk() };
        assert_eq!(code(server.begin_registration(&server.member, begin).await), "KEY_PURPOSE_MISMATCH");
        assert_eq!(code(server.register(&server.member, registration(&server.member, &signing)).await), "OK");
    }

    async fn a_private_half_is_brought_in_and_used(db: Db) {
        let server = Server::start(db).await;
        let (seal, sign) = (PrivateKey::generate(Algorithm::X25519).unwrap(), PrivateKey::generate(Algorithm::Ed25519).unwrap());
        let request = import(&server, &seal, "pkcs8", seal.pkcs8().to_vec()).await;
        let request = ImportKeyRequest { rotation_period: seconds(0), ..request };
        let kept = server.import_key(&server.admin, request.clone()).await.unwrap().key.unwrap();
        assert_eq!((kept.versions[0].thumbprint.as_str(), kept.registered, kept.rotation_period), (seal.kid(), false, seconds(0)));
        assert_eq!(server.import_key(&server.admin, request.clone()).await.unwrap().key.unwrap(), kept, "a retry");
        let again = ImportKeyRequest { request_id: uuid(), ..request };
        assert_eq!(code(server.import_key(&server.admin, again).await), "RESOURCE_EXISTS");
        let request = import(&server, &sign, "application/pkcs8", sign.pkcs8().to_vec()).await;
        let signer = server.import_key(&server.admin, request).await.unwrap().key.unwrap();
        let envelope = server.message(&kept, &signer).await.unwrap();
        assert_eq!(server.opens(&envelope).await, "OK");
        assert_eq!(server.rotate(&kept.name).await.versions.len(), 2);
        assert_eq!(server.key_events().await, ["imported", "imported", "rotated"]);
    }

    async fn what_is_wrong_with_an_import_is_named(db: Db) {
        let server = Server::start(db).await;
        let key = PrivateKey::generate(Algorithm::Ed25519).unwrap();
        let good = import(&server, &key, "pkcs8", key.pkcs8().to_vec()).await;
        let (mut cut, mut flipped) = (good.wrapped_key.clone(), good.wrapped_key.clone());
        cut.pop();
        flipped.replace_range(flipped.len() - 4.., "AAAA");
        let with = |wrapped_key: String| ImportKeyRequest { wrapped_key, ..good.clone() };
        for (request, answer, named) in [
            (with(cut), "KEY_IMPORT_REJECTED", "wrapped_key"),
            (with(flipped), "KEY_IMPORT_REJECTED", "wrapped_key"),
            (with("x".repeat(16 * 1024 + 1)), "INVALID_FIELD", "wrapped_key"),
            (with(String::new()), "INVALID_FIELD", "wrapped_key"),
            (ImportKeyRequest { import_key: "keys/x".into(), ..good.clone() }, "INVALID_FIELD", "import_key"),
            (ImportKeyRequest { import_key: format!("importKeys/{}", uuid()), ..good.clone() }, "RESOURCE_NOT_FOUND", "import_key"),
            (ImportKeyRequest { purpose: 0, ..good.clone() }, "INVALID_FIELD", "purpose"),
            (ImportKeyRequest { algorithm: KeyAlgorithm::RsaPs2562048.into(), ..good.clone() }, "INVALID_FIELD", "algorithm"),
            (ImportKeyRequest { key_id: "response-x".into(), ..good.clone() }, "INVALID_FIELD", "key_id"),
            (import(&server, &key, "text/plain", key.pkcs8().to_vec()).await, "INVALID_FIELD", "wrapped_key.cty"),
            (import(&server, &key, "pkcs8", b"nonsense".to_vec()).await, "INVALID_FIELD", "wrapped_key"),
            (import(&server, &key, "jwk+json", key.public().to_jwk().into_bytes()).await, "INVALID_FIELD", "wrapped_key.d"),
        ] {
            let told = server.import_key(&server.admin, request).await.err().unwrap();
            assert_eq!((told.code.as_str(), told.field.as_str()), (answer, named));
        }
        let other = User::of(server.tenant(), Role::Admin);
        assert_eq!(code(server.import_key(&other, good.clone()).await), "RESOURCE_NOT_FOUND", "an import key is its maker's");
        server.clock.advance(Duration::hours(1));
        assert_eq!(code(server.import_key(&server.admin, good.clone()).await), "RESOURCE_NOT_FOUND");
        server.services.keeper.look().await.unwrap();
        assert!(server.key_events().await.is_empty());
    }

    async fn public_halves_are_written_for_others(db: Db) {
        let server = Server::start(db).await;
        let (seal, sign) = (server.seal_key().await, server.sign_key().await);
        server.rotate(&sign.name).await;
        let export = |version, format: PublicKeyFormat| ExportPublicKeyRequest { name: sign.name.clone(), version, format: format.into() };
        let jwk = server.export(&server.member, export(1, PublicKeyFormat::Unspecified)).await.unwrap();
        assert_eq!(jwk.content_type, "application/jwk+json");
        let read = PublicKey::from_jwk(std::str::from_utf8(&jwk.data).unwrap()).unwrap();
        assert_eq!(read.kid(), sign.versions[0].thumbprint);
        let pem = server.export(&server.member, export(1, PublicKeyFormat::Pem)).await.unwrap();
        assert_eq!((pem.content_type.as_str(), std::str::from_utf8(&pem.data).unwrap()), ("application/x-pem-file", read.to_pem().as_str()));
        let newest = server.export(&server.member, export(0, PublicKeyFormat::Jwk)).await.unwrap();
        assert_ne!(newest.data, jwk.data);
        assert_eq!(code(server.export(&server.member, export(3, PublicKeyFormat::Jwk)).await), "RESOURCE_NOT_FOUND");
        assert_eq!(field(server.export(&server.member, ExportPublicKeyRequest { format: 9, ..export(1, PublicKeyFormat::Jwk) }).await), "format");

        let kids = async |filter: &str| {
            let set = server.key_set(&server.member, GetKeySetRequest { filter: filter.into() }).await.unwrap();
            assert_eq!(set.content_type, "application/jwk-set+json");
            let text = String::from_utf8(set.data.to_vec()).unwrap();
            text.matches("\"kid\"").count()
        };
        assert_eq!((kids("").await, kids("purpose = SEAL").await), (3, 1));
        server.turn_off(&sign.name, 1).await;
        assert_eq!(kids("").await, 2);
        server.turn_off(&seal.name, 0).await;
        assert_eq!(kids("").await, 1);
        assert_eq!(field(server.key_set(&server.member, GetKeySetRequest { filter: "x".into() }).await), "filter");
    }
}
