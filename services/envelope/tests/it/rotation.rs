//! What the service does by itself when time has passed.

use std::collections::HashSet;

use chrono::Duration;
use db::Db;
use envelope::application::keys::keeper::Done;
use envelope::domain::State;
use kernel::Clock as _;
use proto::envelope::v1::*;

use crate::lifecycle::{days, seconds, states};
use crate::server::{Server, attribute, migrations};

fn done(activated: u64, rotated: u64, destroyed: u64) -> Done {
    Done { activated, rotated, destroyed, failed: 0 }
}

async fn look(server: &Server) -> Done {
    server.services.keeper.look().await.unwrap()
}

db::both! { migrations() =>
    async fn keys_are_rotated_when_their_period_is_over(db: Db) {
        let server = Server::start(db).await;
        let (key, own) = (server.seal_key().await, server.key("keys/response-sign").await);
        let never = CreateKeyRequest {
            key_id: "never".into(), purpose: KeyPurpose::Sign.into(), algorithm: KeyAlgorithm::EddsaEd25519.into(),
            rotation_period: seconds(0), ..CreateKeyRequest::default()
        };
        server.create_key(&server.admin, never).await.unwrap();
        assert_eq!((key.rotation_period, own.rotation_period), (days(90), days(30)));
        server.clock.advance(Duration::days(29));
        assert_eq!(look(&server).await, done(0, 0, 0));
        server.clock.advance(Duration::days(1));
        assert_eq!(look(&server).await, done(0, 1, 0), "the service's own key");
        let own = server.key("keys/response-sign").await;
        assert_eq!((states(&own), own.primary_version), (vec![KeyState::DecryptOnly, KeyState::Enabled], 2));
        assert_eq!(look(&server).await, done(0, 0, 0));
        server.clock.advance(Duration::days(60));
        assert_eq!(look(&server).await, done(0, 2, 0), "both; late by a month, yet once each");
        assert_eq!(server.key(&key.name).await.primary_version, 2);
        assert_eq!(server.key("keys/never").await.versions.len(), 1);
        let told = server.events().await;
        let rotated: Vec<_> = told.iter().filter(|event| event.r#type.ends_with("key.rotated")).collect();
        assert_eq!(rotated.len(), 3);
        assert!(rotated.iter().all(|event| event.actor == "services/envelope"));
        assert_eq!((rotated[0].subject.as_str(), attribute(rotated[0], "version")), ("keys/response-sign", "2".to_owned()));
        let next = server.key(&key.name).await.next_rotation_time.unwrap().seconds;
        let latest = (server.clock.now() + Duration::days(90)).timestamp();
        assert!((latest - 12 * 3_600..=latest).contains(&next));
    }

    async fn instances_that_race_rotate_once(db: Db) {
        let server = Server::start(db).await;
        for _ in 0..4 {
            server.seal_key().await;
        }
        server.clock.advance(Duration::days(90));
        let twins: Vec<_> = (0..3).map(|_| server.twin()).collect();
        let looks = twins.iter().map(|twin| twin.services.keeper.look());
        let all = futures::future::join_all(looks).await;
        let rotated: u64 = all.into_iter().map(|done| done.unwrap().rotated).sum();
        assert_eq!(rotated, 4);
        let keys = server.list_keys(&server.admin, ListKeysRequest::default()).await.unwrap().keys;
        for key in &keys {
            assert_eq!(states(key), [KeyState::DecryptOnly, KeyState::Enabled]);
        }
        let kids: HashSet<_> = keys.iter().flat_map(|key| &key.versions).map(|version| &version.thumbprint).collect();
        assert_eq!(kids.len(), 8);
        assert_eq!(server.key_events().await.iter().filter(|kind| *kind == "rotated").count(), 4);
    }

    async fn a_pending_version_waits_for_its_time(db: Db) {
        use KeyState::{DecryptOnly, Enabled, Pending};
        let server = Server::start(db).await;
        let (seal, sign) = (server.seal_key().await, server.sign_key().await);
        let request = RotateKeyRequest { name: seal.name.clone(), activate_after: days(2), ..RotateKeyRequest::default() };
        let after = server.rotate_key(&server.admin, request).await.unwrap().key.unwrap();
        assert_eq!((states(&after), after.primary_version), (vec![Enabled, Pending], 1));
        assert_eq!(after.versions[1].activate_time.unwrap().seconds, (server.clock.now() + Duration::days(2)).timestamp());
        let old = server.message(&seal, &sign).await.unwrap();
        server.clock.advance(Duration::hours(47));
        assert_eq!(look(&server).await, done(0, 0, 0));
        server.clock.advance(Duration::hours(1));
        assert_eq!(look(&server).await, done(1, 0, 0));
        let after = server.key(&seal.name).await;
        assert_eq!((states(&after), after.primary_version), (vec![DecryptOnly, Enabled], 2));
        assert_eq!(after.versions[1].activate_time, None);
        assert_eq!(server.opens(&old).await, "OK");
        assert_eq!(server.key_events().await.last().unwrap(), "version_activated");
    }

    async fn destruction_waits_and_is_for_good(db: Db) {
        let server = Server::start(db).await;
        let (seal, sign) = (server.seal_key().await, server.sign_key().await);
        let envelope = server.message(&seal, &sign).await.unwrap();
        server.rotate(&seal.name).await;
        let request = ScheduleKeyDestructionRequest { name: seal.name.clone(), version: 1, wait: days(7) };
        server.schedule_destruction(&server.admin, request).await.unwrap();
        server.clock.advance(Duration::days(7) - Duration::seconds(1));
        assert_eq!(look(&server).await, done(0, 0, 0));
        assert!(server.stored(&seal.name).await.versions[0].private.is_some(), "until then it can be restored");
        server.clock.advance(Duration::seconds(1));
        // Two instances look, and both look again.
        let twin = server.twin();
        let (one, two) = tokio::join!(server.services.keeper.look(), twin.services.keeper.look());
        assert_eq!(one.unwrap().destroyed + two.unwrap().destroyed, 1);
        assert_eq!(look(&server).await, done(0, 0, 0));
        let version = server.stored(&seal.name).await.versions[0].clone();
        assert_eq!((version.state, version.private.is_none()), (State::Destroyed, true));
        let after = server.key(&seal.name).await;
        assert_eq!(after.versions[0].thumbprint, seal.versions[0].thumbprint, "the public half stays");
        assert_eq!(after.versions[0].destroy_time.unwrap().seconds, server.clock.now().timestamp());
        assert_eq!(server.opens(&envelope).await, "ENVELOPE_REJECTED");
        for answer in [
            crate::client::code(server.cancel_destruction(&server.admin, CancelKeyDestructionRequest { name: seal.name.clone(), version: 1 }).await),
            crate::client::code(server.enable_key(&server.admin, EnableKeyRequest { name: seal.name.clone(), version: 1, state: 0 }).await),
        ] {
            assert_eq!(answer, "KEY_STATE_CONFLICT");
        }
        let told = server.events().await;
        let destroyed: Vec<_> = told.iter().filter(|event| event.r#type.ends_with("key.version_destroyed")).collect();
        assert_eq!(destroyed.len(), 1);
        assert_eq!((destroyed[0].actor.as_str(), attribute(destroyed[0], "kid")), ("services/envelope", seal.versions[0].thumbprint.clone()));
    }

    async fn an_admin_who_restores_while_it_is_destroyed_wins_or_loses_whole(db: Db) {
        let server = Server::start(db).await;
        for round in 0..6 {
            let key = server.seal_key().await;
            let request = ScheduleKeyDestructionRequest { name: key.name.clone(), version: 1, wait: days(1) };
            server.schedule_destruction(&server.admin, request).await.unwrap();
            server.clock.advance(Duration::days(1));
            let restoring = CancelKeyDestructionRequest { name: key.name.clone(), version: 1 };
            let (looked, restored) = tokio::join!(
                server.services.keeper.look(),
                server.cancel_destruction(&server.admin, restoring),
            );
            let (looked, restored) = (looked.unwrap(), restored.is_ok());
            assert_eq!(looked.destroyed == 1, !restored, "round {round}");
            let stored = server.stored(&key.name).await;
            assert_eq!(stored.versions[0].private.is_some(), restored);
        }
    }

    async fn keys_from_before_rotation_was_planned_are_planned(db: Db) {
        let server = Server::start(db.clone()).await;
        let key = server.seal_key().await;
        // As the migration leaves them.
        let backdate = "UPDATE keys SET rotate_at = created_at";
        db::sql!(db.write(), |c| sqlx::query(backdate).execute(c).await.map(drop)).unwrap();
        assert_eq!(look(&server).await, done(0, 0, 0));
        let planned = server.key(&key.name).await;
        assert_eq!((planned.versions.len(), planned.next_rotation_time), (1, key.next_rotation_time));
        assert_eq!(server.key_events().await, ["created"]);
    }

    async fn a_key_that_nobody_uses_any_more_is_left_alone(db: Db) {
        let server = Server::start(db).await;
        let (off, scheduled) = (server.seal_key().await, server.seal_key().await);
        server.turn_off(&off.name, 0).await;
        let request = ScheduleKeyDestructionRequest { name: scheduled.name.clone(), version: 0, wait: days(120) };
        server.schedule_destruction(&server.admin, request).await.unwrap();
        server.clock.advance(Duration::days(100));
        assert_eq!(look(&server).await, done(0, 0, 0));
    }
}
