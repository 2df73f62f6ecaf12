use chrono::Duration;
use db::Db;
use kernel::{Clock as _, TenantId};
use proto::Role;
use proto::common::v1::KeyValue;
use proto::envelope::v1::*;

use crate::client::{Client, code, field};
use crate::server::{Server, User, attribute, migrations, uuid};

pub(crate) fn seconds(seconds: i64) -> Option<prost_types::Duration> {
    Some(prost_types::Duration { seconds, nanos: 0 })
}

pub(crate) fn days(days: i64) -> Option<prost_types::Duration> {
    seconds(days * 86_400)
}

pub(crate) fn states(key: &Key) -> Vec<KeyState> {
    key.versions.iter().map(KeyVersion::state).collect()
}

fn mask(paths: &[&str]) -> Option<prost_types::FieldMask> {
    Some(prost_types::FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() })
}

impl Server {
    pub(crate) async fn seal_key(&self) -> Key {
        self.make(KeyPurpose::Seal, KeyAlgorithm::EcdhEsA256kwX25519).await
    }

    pub(crate) async fn sign_key(&self) -> Key {
        self.make(KeyPurpose::Sign, KeyAlgorithm::EddsaEd25519).await
    }

    async fn schedule(&self, name: &str, version: i32) -> Key {
        let request = ScheduleKeyDestructionRequest { name: name.to_owned(), version, wait: None };
        self.schedule_destruction(&self.admin, request).await.unwrap().key.unwrap()
    }

    async fn restore(&self, name: &str, version: i32) -> Key {
        let request = CancelKeyDestructionRequest { name: name.to_owned(), version };
        self.cancel_destruction(&self.admin, request).await.unwrap().key.unwrap()
    }

    async fn enable(&self, name: &str, version: i32, state: KeyState) -> Key {
        let request = EnableKeyRequest { name: name.to_owned(), version, state: state.into() };
        self.enable_key(&self.admin, request).await.unwrap().key.unwrap()
    }

    /// A message from one key to another, sealed by the service.
    pub(crate) async fn message(&self, seal: &Key, sign: &Key) -> crate::server::Answer<Envelope> {
        let request = SealRequest {
            plaintext: b"a message".to_vec(),
            content_type: "text/plain".into(),
            recipients: vec![seal.name.clone()],
            signing_key: sign.name.clone(),
            purpose: "message".into(),
            ttl: seconds(86_400 * 20),
        };
        self.seal(&self.member, request).await.map(|answer| answer.envelope.unwrap())
    }

    pub(crate) async fn opens(&self, envelope: &Envelope) -> String {
        let request = OpenRequest { envelope: Some(envelope.clone()), request_id: String::new() };
        code(self.open(&self.member, request).await)
    }

    /// The kinds of events about keys, oldest first, without their common part.
    pub(crate) async fn key_events(&self) -> Vec<String> {
        let events = self.events().await.into_iter();
        events
            .filter_map(|event| {
                event.r#type.strip_prefix("dev.signet.envelope.key.").map(str::to_owned)
            })
            .collect()
    }
}

db::both! { migrations() =>
    async fn a_version_goes_through_its_states(db: Db) {
        use KeyState::{DecryptOnly, DestroyScheduled, Disabled, Enabled};
        let server = Server::start(db).await;
        let (seal, sign) = (server.seal_key().await, server.sign_key().await);
        let old = [server.message(&seal, &sign).await.unwrap(), server.message(&seal, &sign).await.unwrap(), server.message(&seal, &sign).await.unwrap()];
        let after = server.rotate(&seal.name).await;
        assert_eq!((states(&after), after.primary_version), (vec![DecryptOnly, Enabled], 2));
        let after = server.rotate(&sign.name).await;
        assert_eq!(states(&after), [DecryptOnly, Enabled]);
        assert_eq!(server.opens(&old[0]).await, "OK", "what was sealed and signed before still counts");

        let after = server.turn_off(&seal.name, 2).await;
        assert_eq!((after.primary_version, after.state()), (0, Enabled));
        assert_eq!(code(server.message(&seal, &sign).await), "KEY_DISABLED", "an old version does not step in");
        let after = server.enable(&seal.name, 1, Enabled).await;
        assert_eq!((states(&after), after.primary_version), (vec![Enabled, Disabled], 1));
        assert!(server.message(&seal, &sign).await.is_ok());
        assert_eq!(server.enable(&seal.name, 2, Enabled).await.primary_version, 2, "the newest enabled one");
        let after = server.enable(&seal.name, 1, DecryptOnly).await;
        assert_eq!(states(&after), [DecryptOnly, Enabled]);

        let after = server.schedule(&seal.name, 1).await;
        assert_eq!(states(&after), [DestroyScheduled, Enabled]);
        let at = server.clock.now() + Duration::days(30);
        assert_eq!(after.versions[0].destroy_time.unwrap().seconds, at.timestamp());
        assert_eq!(server.opens(&old[1]).await, "ENVELOPE_REJECTED");
        server.clock.advance(Duration::days(1));
        let again = server.schedule(&seal.name, 1).await;
        assert_eq!(again, after, "not even the time changes");
        let enabling = EnableKeyRequest { name: seal.name.clone(), version: 1, state: 0 };
        let told = server.enable_key(&server.admin, enabling).await.unwrap_err();
        assert_eq!((told.code.as_str(), told.field.as_str()), ("KEY_STATE_CONFLICT", "version"));
        let after = server.restore(&seal.name, 1).await;
        assert_eq!((after.versions[0].state(), after.versions[0].destroy_time), (Disabled, None));
        assert_eq!(server.restore(&seal.name, 1).await, after);
        server.enable(&seal.name, 1, DecryptOnly).await;
        assert_eq!(server.opens(&old[2]).await, "OK");
        let told = server.events().await;
        let of = |kind: &str| told.iter().filter(|event| event.r#type == format!("dev.signet.envelope.key.{kind}")).count();
        assert_eq!((of("enabled"), of("disabled"), of("destruction_scheduled"), of("destruction_cancelled")), (4, 1, 1, 1));
        let last = told.iter().rev().find(|event| event.r#type.ends_with("key.enabled")).unwrap();
        assert_eq!((attribute(last, "version"), attribute(last, "state")), ("1".into(), "decrypt_only".into()));
    }

    async fn a_whole_key_is_switched_off_and_on(db: Db) {
        let server = Server::start(db).await;
        let (seal, sign) = (server.seal_key().await, server.sign_key().await);
        let envelope = server.message(&seal, &sign).await.unwrap();
        server.rotate(&seal.name).await;
        let off = server.turn_off(&seal.name, 0).await;
        assert_eq!((off.state(), off.next_rotation_time), (KeyState::Disabled, None));
        assert_eq!(server.opens(&envelope).await, "ENVELOPE_REJECTED");
        let on = server.enable(&seal.name, 0, KeyState::Enabled).await;
        assert_eq!((on.state(), states(&on)), (KeyState::Enabled, vec![KeyState::DecryptOnly, KeyState::Enabled]));
        assert!(on.next_rotation_time.is_some());
        assert_eq!(server.opens(&envelope).await, "OK");
        let request = EnableKeyRequest { name: seal.name.clone(), version: 0, state: KeyState::DecryptOnly.into() };
        assert_eq!(field(server.enable_key(&server.admin, request).await), "state");
        let all = server.schedule(&seal.name, 0).await;
        assert_eq!(states(&all), [KeyState::DestroyScheduled; 2]);
        assert_eq!(states(&server.restore(&seal.name, 0).await), [KeyState::Disabled; 2]);
    }

    async fn what_is_wrong_with_a_change_is_named(db: Db) {
        let server = Server::start(db).await;
        let admin = &server.admin;
        let name = server.seal_key().await.name;
        let schedule = ScheduleKeyDestructionRequest { name: name.clone(), version: 1, wait: None };
        for (request, named) in [
            (ScheduleKeyDestructionRequest { name: "prompts/x".into(), ..schedule.clone() }, "name"),
            (ScheduleKeyDestructionRequest { version: -1, ..schedule.clone() }, "version"),
            (ScheduleKeyDestructionRequest { wait: days(0), ..schedule.clone() }, "wait"),
            (ScheduleKeyDestructionRequest { wait: days(121), ..schedule.clone() }, "wait"),
            (ScheduleKeyDestructionRequest { wait: seconds(i64::MAX), ..schedule.clone() }, "wait"),
            (ScheduleKeyDestructionRequest { wait: Some(prost_types::Duration { seconds: 86_400, nanos: 1 }), ..schedule.clone() }, "wait"),
        ] {
            assert_eq!(field(server.schedule_destruction(admin, request).await), named);
        }
        let absent = ScheduleKeyDestructionRequest { version: 7, ..schedule };
        assert_eq!(code(server.schedule_destruction(admin, absent).await), "RESOURCE_NOT_FOUND");
        for state in [KeyState::Disabled, KeyState::Pending, KeyState::Destroyed] {
            let request = EnableKeyRequest { name: name.clone(), version: 1, state: state.into() };
            assert_eq!(field(server.enable_key(admin, request).await), "state");
        }
        let key = |period| Some(Key { name: name.clone(), rotation_period: period, ..Key::default() });
        let update = |key, update_mask| UpdateKeyRequest { key, update_mask, request_id: String::new() };
        for (request, named) in [
            (update(None, mask(&["labels"])), "key"),
            (update(Some(Key::default()), mask(&["labels"])), "key.name"),
            (update(key(None), None), "update_mask"),
            (update(key(None), mask(&[])), "update_mask"),
            (update(key(None), mask(&["state"])), "update_mask"),
            (update(key(days(0)), mask(&["labels", "rotation_period", "labels"])), "update_mask"),
            (update(key(seconds(3_600)), mask(&["rotation_period"])), "key.rotation_period"),
            (update(key(days(3_651)), mask(&["rotation_period"])), "key.rotation_period"),
            (update(Some(Key { etag: "x".into(), ..key(None).unwrap() }), mask(&["labels"])), "key.etag"),
        ] {
            assert_eq!(field(server.update_key(admin, request).await), named);
        }
        let rotate = |span| RotateKeyRequest { name: name.clone(), activate_after: span, request_id: String::new() };
        for span in [seconds(-1), days(31)] {
            assert_eq!(field(server.rotate_key(admin, rotate(span)).await), "activate_after");
        }
        for filter in ["color = red", "state"] {
            let request = ListKeysRequest { filter: filter.into(), ..ListKeysRequest::default() };
            assert_eq!(field(server.list_keys(admin, request).await), "filter");
        }
        assert_eq!(server.key_events().await, ["created"]);
    }

    async fn strangers_and_members_learn_nothing(db: Db) {
        let server = Server::start(db).await;
        let kept = server.seal_key().await.name;
        let stranger = User::of(TenantId::new(), Role::Admin);
        for user in [&server.member, &stranger] {
            for name in [kept.as_str(), "keys/absent"] {
                let name = name.to_owned();
                let key = Some(Key { name: name.clone(), ..Key::default() });
                let update = UpdateKeyRequest { key, update_mask: mask(&["labels"]), request_id: String::new() };
                let enable = EnableKeyRequest { name: name.clone(), version: 0, state: 0 };
                let schedule = ScheduleKeyDestructionRequest { name: name.clone(), version: 0, wait: None };
                let cancel = CancelKeyDestructionRequest { name, version: 0 };
                for answer in [
                    code(server.update_key(user, update).await),
                    code(server.enable_key(user, enable).await),
                    code(server.schedule_destruction(user, schedule).await),
                    code(server.cancel_destruction(user, cancel).await),
                ] {
                    assert_eq!(answer, "RESOURCE_NOT_FOUND");
                }
            }
        }
        let usage = GetKeyUsageRequest { name: kept };
        assert_eq!(code(server.usage(&stranger, usage.clone()).await), "RESOURCE_NOT_FOUND");
        assert!(server.usage(&server.member, usage).await.is_ok());
    }

    async fn owners_look_after_their_registered_keys(db: Db) {
        let server = Server::start(db).await;
        let client = Client::new(&server, crypto::KeyAlgorithm::Ed25519).await;
        let key = |period| Some(Key { name: client.name.clone(), rotation_period: period, ..Key::default() });
        let update = UpdateKeyRequest { key: key(days(90)), update_mask: mask(&["rotation_period"]), request_id: String::new() };
        assert_eq!(field(server.update_key(&server.member, update).await), "key.rotation_period");
        let labels = vec![KeyValue { key: "device".into(), value: "phone".into() }];
        let key = Some(Key { labels: labels.clone(), ..key(None).unwrap() });
        let update = UpdateKeyRequest { key, update_mask: mask(&["labels"]), request_id: String::new() };
        let after = server.update_key(&server.member, update).await.unwrap().key.unwrap();
        assert_eq!((after.labels, after.rotation_period, after.next_rotation_time), (labels, None, None));
        let schedule = ScheduleKeyDestructionRequest { name: client.name.clone(), version: 0, wait: days(1) };
        let after = server.schedule_destruction(&server.member, schedule).await.unwrap().key.unwrap();
        assert_eq!(states(&after), [KeyState::DestroyScheduled]);
    }

    async fn updates_are_made_once_and_to_what_was_seen(db: Db) {
        let server = Server::start(db).await;
        let made = server.sign_key().await;
        assert_eq!(made.rotation_period, days(90));
        let labelled = |value: &str| Key {
            labels: vec![KeyValue { key: "team".into(), value: value.into() }],
            rotation_period: days(10),
            ..made.clone()
        };
        let request = UpdateKeyRequest { key: Some(labelled("blue")), update_mask: mask(&["labels", "rotation_period"]), request_id: uuid() };
        let after = server.update_key(&server.admin, request.clone()).await.unwrap().key.unwrap();
        assert_eq!((after.labels[0].value.as_str(), after.rotation_period), ("blue", days(10)));
        assert!(after.next_rotation_time.unwrap().seconds < made.next_rotation_time.unwrap().seconds);
        assert_ne!(after.etag, made.etag);
        assert_eq!(server.update_key(&server.admin, request.clone()).await.unwrap().key.unwrap(), after, "a retry, whose etag is old by now");
        let late = UpdateKeyRequest { key: Some(labelled("red")), request_id: uuid(), ..request.clone() };
        assert_eq!(code(server.update_key(&server.admin, late).await), "ETAG_MISMATCH");
        let reused = UpdateKeyRequest { key: Some(labelled("red")), ..request.clone() };
        assert_eq!(code(server.update_key(&server.admin, reused).await), "REQUEST_ID_REUSED");
        let back = Key { name: made.name.clone(), ..Key::default() };
        let request = UpdateKeyRequest { key: Some(back), request_id: String::new(), ..request };
        let after = server.update_key(&server.admin, request).await.unwrap().key.unwrap();
        assert_eq!((after.labels, after.rotation_period), (vec![], days(90)), "what is not set goes back to its default");
        assert_eq!(server.key_events().await, ["created", "updated", "updated"]);
    }

    async fn lists_are_narrowed_by_filters(db: Db) {
        let server = Server::start(db).await;
        let label = |key: &str, value: &str| KeyValue { key: key.into(), value: value.into() };
        for (id, purpose, algorithm, labels) in [
            ("one", KeyPurpose::Seal, KeyAlgorithm::EcdhEsA256kwX25519, vec![label("team", "blue"), label("stage", "x y")]),
            ("two", KeyPurpose::Seal, KeyAlgorithm::EcdhEsA256kwP256, vec![label("team", "red")]),
            ("three", KeyPurpose::Sign, KeyAlgorithm::EddsaEd25519, vec![label("stage", "blue")]),
        ] {
            let request = CreateKeyRequest { key_id: id.into(), purpose: purpose.into(), algorithm: algorithm.into(), labels, ..CreateKeyRequest::default() };
            server.create_key(&server.admin, request).await.unwrap();
        }
        let own = Client::new(&server, crypto::KeyAlgorithm::Ed25519).await.name;
        server.rotate("keys/two").await;
        server.turn_off("keys/three", 0).await;
        let owner = format!("owner = {}", server.member.name());
        for (filter, expected) in [
            ("", vec![own.as_str(), "keys/three", "keys/two", "keys/one"]),
            ("purpose = SEAL", vec!["keys/two", "keys/one"]),
            ("algorithm = EDDSA_ED25519", vec![own.as_str(), "keys/three"]),
            ("labels.team = blue", vec!["keys/one"]),
            ("labels.stage = \"x y\" AND labels.team = blue", vec!["keys/one"]),
            ("labels.team = red AND labels.stage = blue", vec![]),
            ("state = DECRYPT_ONLY", vec!["keys/two"]),
            ("state = ENABLED", vec![own.as_str(), "keys/two", "keys/one"]),
            ("state = DISABLED", vec!["keys/three"]),
            ("registered = true", vec![own.as_str()]),
            (owner.as_str(), vec![own.as_str()]),
            ("owner = \"\" AND purpose = SIGN", vec!["keys/three"]),
        ] {
            let request = ListKeysRequest { filter: filter.into(), ..ListKeysRequest::default() };
            let found = server.list_keys(&server.member, request).await.unwrap().keys;
            assert_eq!(found.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), expected, "{filter}");
        }
    }

    async fn uses_are_counted_without_a_write_each(db: Db) {
        let server = Server::start(db).await;
        let (seal, sign) = (server.seal_key().await, server.sign_key().await);
        let usage = async |name: &str| server.usage(&server.member, GetKeyUsageRequest { name: name.to_owned() }).await.unwrap().versions;
        assert_eq!((usage(&seal.name).await[0].protect_count, usage(&seal.name).await[0].last_use_time), (0, None));
        let envelope = server.message(&seal, &sign).await.unwrap();
        server.clock.advance(Duration::seconds(5));
        assert_eq!(server.opens(&envelope).await, "OK");
        let [sealed] = usage(&seal.name).await.try_into().unwrap();
        assert_eq!((sealed.protect_count, sealed.process_count, sealed.live_releases), (1, 1, 1));
        assert_eq!(sealed.last_use_time.unwrap().seconds, server.clock.now().timestamp());
        let [signed] = usage(&sign.name).await.try_into().unwrap();
        assert_eq!((signed.protect_count, signed.process_count, signed.live_releases), (1, 1, 0));
        server.rotate(&seal.name).await;
        server.message(&seal, &sign).await.unwrap();
        // Two instances add up.
        let twin = server.twin();
        let keyed = server.stored(&seal.name).await.primary().unwrap();
        twin.services.custody.public(server.tenant(), &keyed).unwrap();
        twin.services.uses.store().await.unwrap();
        let [first, second] = usage(&seal.name).await.try_into().unwrap();
        assert_eq!((first.protect_count, second.protect_count, second.process_count), (1, 2, 0));
        server.clock.advance(Duration::days(21));
        assert_eq!(usage(&seal.name).await[0].live_releases, 0, "the envelope has expired");
    }
}
