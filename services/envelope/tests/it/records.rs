//! Nothing leaves before its record is durable; and what was recorded is not
//! released to anybody else, whatever happens to the process.

use crypto::KeyAlgorithm as Algorithm;
use db::Db;
use proto::common::v1::KeyValue;
use proto::envelope::v1::*;

use crate::client::{Client, Wire, code};
use crate::server::{Server, migrations, uuid};

const OWN: &str = "keys/response-seal";

fn context() -> KeyContext {
    KeyContext { fields: vec![KeyValue { key: "object".into(), value: "prompts/1".into() }] }
}

fn open_request(wire: &Wire) -> OpenRequest {
    let envelope = Envelope { manifest: wire.manifest.clone(), content: wire.content.clone() };
    OpenRequest { envelope: Some(envelope), ..OpenRequest::default() }
}

async fn execute(db: &Db, statement: &'static str) {
    db::sql!(db.write(), |c| sqlx::query(statement).execute(c).await.map(drop)).unwrap();
}

/// All that lets a secret go, each once.
struct Ways {
    released: Wire,
    opened: Wire,
    data_key: Vec<u8>,
}

impl Ways {
    async fn new(server: &Server) -> Self {
        let client = Client::new(server, Algorithm::Ed25519).await;
        let kept = server.make(KeyPurpose::Seal, KeyAlgorithm::EcdhEsA256kwX25519).await;
        let released = client.seal(server, &[OWN]).await;
        let opened = client
            .seal_with(server, &[&kept.name], |claims| claims.purpose = "message".into())
            .await;
        let request = GenerateDataKeysRequest { contexts: vec![context()] };
        let made = server.generate_data_keys(&server.member, request).await.unwrap();
        Self { released, opened, data_key: made.keys[0].wrapped.clone() }
    }

    async fn codes(&self, server: &Server) -> [String; 4] {
        let keys =
            vec![WrappedDataKey { wrapped: self.data_key.clone(), context: Some(context()) }];
        let generate = GenerateDataKeysRequest { contexts: vec![context()] };
        let member = &server.member;
        [
            code(server.unwrap(member, self.released.unwrap_request("")).await),
            code(server.open(member, open_request(&self.opened)).await),
            code(server.unwrap_data_keys(member, UnwrapDataKeysRequest { keys }).await),
            code(server.generate_data_keys(member, generate).await),
        ]
    }
}

db::both! { migrations() =>
    async fn what_cannot_be_recorded_is_not_released(db: Db) {
        let server = Server::start(db).await;
        let ways = Ways::new(&server).await;
        let before = server.events().await.len();
        execute(&server.db, "ALTER TABLE outbox RENAME TO outbox_away").await;
        assert_eq!(ways.codes(&server).await, ["INTERNAL"; 4]);
        execute(&server.db, "ALTER TABLE outbox_away RENAME TO outbox").await;
        assert_eq!(server.events().await.len(), before, "nothing half recorded");
        // Nothing was used up either.
        assert_eq!(ways.codes(&server).await, ["OK"; 4]);
        // Nobody fetches them: they wait for a sink, and the keys have left.
        assert_eq!(server.events().await.len(), before + 4);
    }

    async fn a_database_that_is_gone_releases_nothing(db: Db) {
        let server = Server::start(db).await;
        let ways = Ways::new(&server).await;
        assert_eq!(ways.codes(&server).await, ["OK"; 4], "all is cached now");
        let next = Ways::new(&server).await;
        server.db.close().await;
        assert_eq!(next.codes(&server).await, ["DEPENDENCY_UNAVAILABLE"; 4]);
    }

    async fn after_a_crash_the_same_request_gets_the_key_and_no_other_does(db: Db) {
        let server = Server::start(db).await;
        let client = Client::new(&server, Algorithm::Ed25519).await;
        let wire = client.seal(&server, &[OWN]).await;
        let id = uuid();
        // The caller goes away at every step; what was begun is recorded or not.
        for steps in 0..64 {
            let mut asked = Box::pin(server.unwrap(&server.member, wire.unwrap_request(&id)));
            for _ in 0..steps {
                if futures::poll!(&mut asked).is_ready() {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        let first = server.unwrap(&server.member, wire.unwrap_request(&id)).await.unwrap();
        let restarted = server.another(&server.db, &cache::Settings::default());
        let again = restarted.unwrap(&server.member, wire.unwrap_request(&id)).await.unwrap();
        assert!(again == first);
        for other in [uuid(), String::new()] {
            let refused = restarted.unwrap(&server.member, wire.unwrap_request(&other)).await;
            assert_eq!(code(refused), "ENVELOPE_REJECTED");
            assert_eq!(server.last_cause().await, "replay");
        }
    }

    async fn one_record_that_is_refused_does_not_take_others_with_it(db: Db) {
        let server = Server::start(db).await;
        let client = Client::new(&server, Algorithm::Ed25519).await;
        let mut wires = Vec::new();
        for _ in 0..12 {
            wires.push(client.seal(&server, &[OWN]).await);
        }
        // The same envelope many times among others: all in a few transactions.
        let asked = (0..36).map(|index| server.unwrap(&server.member, wires[index % 12].unwrap_request("")));
        let answers = futures::future::join_all(asked).await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 12);
        assert_eq!(server.causes().await, vec!["replay"; 24]);
        let released = server.events().await;
        let released = released.iter().filter(|event| event.r#type.ends_with("content_key.released"));
        assert_eq!(released.count(), 12);
    }
}
