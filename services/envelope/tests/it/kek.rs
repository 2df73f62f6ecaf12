use chrono::Duration;
use crypto::{PublicKey, statement};
use db::Db;
use proto::Role;
use proto::common::v1::KeyValue;
use proto::envelope::v1::*;
use serde_json::Value;

use crate::client::code;
use crate::server::{Server, User, attribute, migrations, uuid};

/// What a service keeps: here in a list, elsewhere in a database.
pub(crate) struct Held {
    worker: String,
    pub(crate) keys: Vec<(Vec<u8>, KeyContext)>,
}

fn context(id: usize) -> KeyContext {
    KeyContext { fields: vec![KeyValue { key: "id".into(), value: id.to_string() }] }
}

impl Held {
    pub(crate) fn none() -> Self {
        Self { worker: uuid(), keys: Vec::new() }
    }

    pub(crate) async fn with(server: &Server, count: usize) -> Self {
        let contexts: Vec<_> = (0..count).map(context).collect();
        let request = GenerateDataKeysRequest { contexts: contexts.clone() };
        let made = server.generate_data_keys(&server.member, request).await.unwrap().keys;
        let wrapped = made.into_iter().map(|key| key.wrapped);
        Self { worker: uuid(), keys: wrapped.zip(contexts).collect() }
    }

    async fn task(&self, server: &Server) -> Option<Rewrap> {
        let request = ListRewrapsRequest { worker: self.worker.clone() };
        server.list_rewraps(&server.member, request).await.unwrap().rewraps.pop()
    }

    fn left(&self, task: &Rewrap) -> Vec<usize> {
        let fine = |wrapped: &Vec<u8>| *wrapped >= task.lower && *wrapped < task.upper;
        (0..self.keys.len()).filter(|at| !fine(&self.keys[*at].0)).collect()
    }

    /// Rewraps what a task asks for; says how many were damaged.
    async fn rewrap(&mut self, server: &Server, task: &Rewrap) -> usize {
        let left = self.left(task);
        let keys = left.iter().map(|at| WrappedDataKey {
            wrapped: self.keys[*at].0.clone(),
            context: Some(self.keys[*at].1.clone()),
        });
        let keys: Vec<_> = keys.collect();
        if keys.is_empty() {
            return 0;
        }
        let request = RewrapDataKeysRequest { rotation: task.rotation.clone(), keys };
        let wrapped = server.rewrap_data_keys(&server.member, request).await.unwrap().wrapped;
        let mut damaged = 0;
        for (at, new) in left.into_iter().zip(wrapped) {
            if new.is_empty() {
                damaged += 1;
            } else {
                self.keys[at].0 = new;
            }
        }
        damaged
    }

    async fn count(&self, server: &Server, task: &Rewrap) {
        let remaining = self.left(task).len();
        let request = ReportRewrapRequest {
            rotation: task.rotation.clone(),
            worker: self.worker.clone(),
            count: Some(RewrapCount {
                remaining: i64::try_from(remaining).unwrap(),
                current: i64::try_from(self.keys.len() - remaining).unwrap(),
                since: task.time,
            }),
            ..ReportRewrapRequest::default()
        };
        assert!(server.report_rewrap(&server.member, request).await.unwrap().go_on);
    }

    /// Everything that there is to do for a task.
    pub(crate) async fn work(&mut self, server: &Server) {
        if let Some(task) = self.task(server).await {
            self.rewrap(server, &task).await;
            self.count(server, &task).await;
        }
    }

    pub(crate) async fn all_open(&self, server: &Server) {
        let unwrap = |(wrapped, context): &(Vec<u8>, KeyContext)| WrappedDataKey {
            wrapped: wrapped.clone(),
            context: Some(context.clone()),
        };
        let request = UnwrapDataKeysRequest { keys: self.keys.iter().map(unwrap).collect() };
        let opened = server.unwrap_data_keys(&server.member, request).await.unwrap();
        assert_eq!(opened.plaintexts.len(), self.keys.len());
    }
}

/// The other services that take part, with nothing to rewrap.
pub(crate) async fn others(server: &Server) {
    let worker = || uuid();
    let auth = server.list_rewraps_as_auth(&server.member, ListRewrapsRequest { worker: worker() });
    for task in auth.await.unwrap().rewraps {
        let report = empty(&task);
        server.report_rewrap_as_auth(&server.member, report).await.unwrap();
    }
    let request = ListRewrapsRequest { worker: worker() };
    let tasks = server.list_rewraps_as_anonymizer(&server.member, request).await.unwrap().rewraps;
    for task in tasks {
        server.report_rewrap_as_anonymizer(&server.member, empty(&task)).await.unwrap();
    }
}

fn empty(task: &Rewrap) -> ReportRewrapRequest {
    let count = RewrapCount { remaining: 0, current: 0, since: task.time };
    ReportRewrapRequest {
        rotation: task.rotation.clone(),
        worker: uuid(),
        count: Some(count),
        ..ReportRewrapRequest::default()
    }
}

pub(crate) async fn rotate(server: &Server) -> KekRotation {
    let request = RotateKekRequest::default();
    server.rotate_kek(&server.admin, request).await.unwrap().rotation.unwrap()
}

pub(crate) async fn read(server: &Server, name: &str) -> KekRotation {
    let request = GetKekRotationRequest { name: name.to_owned() };
    server.get_kek_rotation(&server.admin, request).await.unwrap().rotation.unwrap()
}

pub(crate) async fn destroy(server: &Server, name: &str) -> String {
    let request = DestroyKekVersionsRequest { name: name.to_owned() };
    code(server.destroy_kek_versions(&server.admin, request).await)
}

pub(crate) async fn round(server: &Server) {
    server.services.kek_keeper.round().await.unwrap();
}

pub(crate) fn settle(server: &Server) {
    server.clock.advance(Duration::minutes(6));
}

/// To the certificate.
pub(crate) async fn retire(server: &Server, held: &mut Held, name: &str) -> KekRotation {
    for _ in 0..3 {
        held.work(server).await;
        others(server).await;
        round(server).await;
        settle(server);
    }
    let rotation = read(server, name).await;
    assert_eq!(rotation.state(), KekRotationState::Retired);
    rotation
}

db::both! { migrations() =>
    async fn a_rotation_ends_in_a_certificate_and_destruction(db: Db) {
        let server = Server::start(db).await;
        let key = server.make(KeyPurpose::Sign, KeyAlgorithm::EddsaEd25519).await;
        let mut held = Held::with(&server, 5).await;
        let before = held.keys.clone();
        let rotation = rotate(&server).await;
        assert_eq!((rotation.state(), rotation.version), (KekRotationState::Running, 2));
        assert_eq!((rotation.retires[0].provider.as_str(), rotation.retires[0].through_version), ("local", 1));
        let names: Vec<_> = rotation.holders.iter().map(|one| one.holder.as_str()).collect();
        assert_eq!(names, ["anonymizer", "auth", "envelope", "storage"]);
        assert_eq!(destroy(&server, &rotation.name).await, "KEK_VERSION_IN_USE");

        held.work(&server).await;
        others(&server).await;
        round(&server).await;
        // All is rewrapped, but a key may still be on its way.
        assert_eq!(read(&server, &rotation.name).await.state(), KekRotationState::Running);
        assert!(held.task(&server).await.is_none(), "nothing to do before the grace time is over");
        let rotation = retire(&server, &mut held, &rotation.name).await;
        let own = rotation.holders.iter().find(|one| one.holder == "envelope").unwrap();
        assert_eq!((own.rewrapped, own.remaining, own.current), (1, 0, 1));

        let signer = server.key("keys/envelope-sign").await;
        let public = PublicKey::from_jwk(&signer.versions[0].public_jwk).unwrap();
        let said: Value = statement::verify(&public, &rotation.certificate).unwrap();
        assert_eq!(said["kind"], "kek-versions-retired");
        assert_eq!(said["tenant"], format!("tenants/{}", server.tenant()));
        assert_eq!(said["retired"][0]["through_version"], 1);
        assert!(said["holders"].as_array().unwrap().iter().all(|one| one["remaining"] == 0));
        let storage = said["holders"].as_array().unwrap().iter().find(|one| one["holder"] == "storage");
        assert_eq!(storage.unwrap()["current"], 5);
        let events = server.events().await;
        let told = events.iter().find(|event| event.r#type == "dev.signet.envelope.kek.version_retired").unwrap();
        assert_eq!((told.id.as_str(), told.actor.as_str()), (rotation.certificate_event.as_str(), "services/envelope"));
        assert_eq!(attribute(told, "retired"), "local 1-1");

        assert_eq!(destroy(&server, &rotation.name).await, "OK");
        round(&server).await;
        assert_eq!(read(&server, &rotation.name).await.state(), KekRotationState::Destroying, "holders count once more");
        held.work(&server).await;
        others(&server).await;
        round(&server).await;
        assert_eq!(read(&server, &rotation.name).await.state(), KekRotationState::Destroyed);
        assert_eq!(destroy(&server, &rotation.name).await, "OK", "twice is no error");
        held.all_open(&server).await;
        server.services.cache.evict_all();
        let old = WrappedDataKey { wrapped: before[0].0.clone(), context: Some(before[0].1.clone()) };
        let refused = server.unwrap_data_keys(&server.member, UnwrapDataKeysRequest { keys: vec![old] }).await;
        assert_eq!(code(refused), "DATA_KEY_REJECTED");
        let kek = server.get_kek(&server.admin, GetKekRequest {}).await.unwrap().kek.unwrap();
        assert_eq!(kek.versions.iter().map(|one| (one.version, one.private_halves)).collect::<Vec<_>>(), [(2, 2)]);
        server.rotate(&key.name).await;
    }

    async fn a_key_stored_late_is_caught_before_the_certificate(db: Db) {
        let server = Server::start(db).await;
        let mut late = Held::with(&server, 1).await;
        let mut held = Held::none();
        let rotation = rotate(&server).await;
        held.work(&server).await;
        others(&server).await;
        round(&server).await;
        // Now the call that made the key before the rotation stores it.
        held.keys.append(&mut late.keys);
        settle(&server);
        others(&server).await;
        let task = held.task(&server).await.expect("what was counted before proves nothing");
        held.count(&server, &task).await;
        round(&server).await;
        let now = read(&server, &rotation.name).await;
        assert_eq!(now.state(), KekRotationState::Running);
        assert_eq!(now.holders.iter().find(|one| one.holder == "storage").unwrap().remaining, 1);
        retire(&server, &mut held, &rotation.name).await;
        held.all_open(&server).await;
    }

    async fn a_key_that_turns_up_after_the_certificate_is_saved_from_destruction(db: Db) {
        let server = Server::start(db).await;
        let mut restored = Held::with(&server, 1).await;
        let mut held = Held::none();
        let rotation = rotate(&server).await;
        retire(&server, &mut held, &rotation.name).await;
        held.keys.append(&mut restored.keys);
        assert_eq!(destroy(&server, &rotation.name).await, "OK");
        let task = held.task(&server).await.unwrap();
        held.count(&server, &task).await;
        others(&server).await;
        round(&server).await;
        assert_eq!(read(&server, &rotation.name).await.state(), KekRotationState::Destroying);
        server.clock.advance(Duration::seconds(20));
        held.work(&server).await;
        round(&server).await;
        assert_eq!(read(&server, &rotation.name).await.state(), KekRotationState::Destroyed);
        held.all_open(&server).await;
    }

    async fn two_instances_share_one_job(db: Db) {
        let server = Server::start(db).await;
        for _ in 0..3 {
            server.make(KeyPurpose::Sign, KeyAlgorithm::EddsaEd25519).await;
        }
        let mut one = Held::with(&server, 3).await;
        let mut two = Held::none();
        let rotation = rotate(&server).await;
        let task = one.task(&server).await.unwrap();
        assert!(two.task(&server).await.is_none(), "another instance works on it");
        one.rewrap(&server, &task).await;
        // It dies before it reports; the other one goes on.
        server.clock.advance(Duration::seconds(16));
        two.keys = one.keys;
        let again = two.task(&server).await.expect("the lease has ended");
        assert_eq!(two.rewrap(&server, &again).await, 0);
        two.count(&server, &again).await;
        let other = server.another(&server.db, &cache::Settings::default());
        let (a, b) = (&server.services.kek_keeper, &other.services.kek_keeper);
        for _ in 0..3 {
            let (first, second) = tokio::join!(a.round(), b.round());
            first.and(second).unwrap();
            others(&server).await;
            two.work(&server).await;
            settle(&server);
        }
        assert_eq!(read(&server, &rotation.name).await.state(), KekRotationState::Retired);
        let told = server.events().await;
        let certificates = told.iter().filter(|event| event.r#type.ends_with("kek.version_retired"));
        assert_eq!(certificates.count(), 1);
        two.all_open(&server).await;
    }

    async fn keys_for_imports_are_rewrapped_too(db: Db) {
        let server = Server::start(db).await;
        for _ in 0..3 {
            server.create_import_key(&server.admin, CreateImportKeyRequest::default()).await.unwrap();
        }
        let request = RotateKekRequest { per_second: 1_000, ..Default::default() };
        let rotation = server.rotate_kek(&server.admin, request).await.unwrap().rotation.unwrap();
        round(&server).await;
        let now = read(&server, &rotation.name).await;
        let own = now.holders.iter().find(|one| one.holder == "envelope").unwrap();
        assert_eq!((own.rewrapped, own.remaining, own.current), (3, 0, 3));
    }

    async fn a_paused_job_stands_still(db: Db) {
        let server = Server::start(db).await;
        server.make(KeyPurpose::Sign, KeyAlgorithm::EddsaEd25519).await;
        let mut held = Held::with(&server, 2).await;
        let rotation = rotate(&server).await;
        let task = held.task(&server).await.unwrap();
        let pause = PauseKekRotationRequest { name: rotation.name.clone() };
        for _ in 0..2 {
            let paused = server.pause_kek_rotation(&server.admin, pause.clone()).await.unwrap();
            assert_eq!(paused.rotation.unwrap().state(), KekRotationState::Paused);
        }
        let keys = vec![WrappedDataKey { wrapped: held.keys[0].0.clone(), context: Some(held.keys[0].1.clone()) }];
        let request = RewrapDataKeysRequest { rotation: task.rotation.clone(), keys };
        assert_eq!(code(server.rewrap_data_keys(&server.member, request).await), "KEK_ROTATION_NOT_OPEN");
        assert!(!server.report_rewrap(&server.member, empty(&task)).await.unwrap().go_on);
        round(&server).await;
        let own = read(&server, &rotation.name).await.holders.into_iter().find(|one| one.holder == "envelope");
        assert!(!own.unwrap().counted);
        let resume = ResumeKekRotationRequest { name: rotation.name.clone(), per_second: 7 };
        let resumed = server.resume_kek_rotation(&server.admin, resume).await.unwrap().rotation.unwrap();
        assert_eq!((resumed.state(), resumed.per_second), (KekRotationState::Running, 7));
        retire(&server, &mut held, &rotation.name).await;
    }

    async fn a_damaged_key_keeps_the_certificate_away(db: Db) {
        let server = Server::start(db).await;
        let mut held = Held::with(&server, 2).await;
        held.keys[0].0[20] ^= 1;
        held.keys[1].1 = context(9);
        let rotation = rotate(&server).await;
        let task = held.task(&server).await.unwrap();
        assert_eq!(held.rewrap(&server, &task).await, 2);
        for _ in 0..3 {
            held.work(&server).await;
            others(&server).await;
            round(&server).await;
            settle(&server);
        }
        assert_eq!(read(&server, &rotation.name).await.state(), KekRotationState::Running);
        // Their objects are deleted.
        held.keys.clear();
        retire(&server, &mut held, &rotation.name).await;
    }

    async fn one_job_at_a_time_and_none_of_others(db: Db) {
        let server = Server::start(db).await;
        let request = RotateKekRequest { request_id: uuid(), ..RotateKekRequest::default() };
        let first = server.rotate_kek(&server.admin, request.clone()).await.unwrap().rotation.unwrap();
        let again = server.rotate_kek(&server.admin, request).await.unwrap().rotation.unwrap();
        assert_eq!((first.name.as_str(), first.version), (again.name.as_str(), again.version));
        let second = server.rotate_kek(&server.admin, RotateKekRequest::default()).await;
        assert_eq!(code(second), "KEK_ROTATION_RUNNING");
        let versions = server.get_kek(&server.admin, GetKekRequest {}).await.unwrap().kek.unwrap().versions;
        assert_eq!(versions.len(), usize::try_from(first.version).unwrap(), "a refused call adds no version");
        let fast = RotateKekRequest { per_second: 100_001, ..RotateKekRequest::default() };
        assert_eq!(crate::client::field(server.rotate_kek(&server.admin, fast).await), "per_second");
        let stranger = User::of(kernel::TenantId::new(), Role::Admin);
        let request = GetKekRotationRequest { name: first.name.clone() };
        assert_eq!(code(server.get_kek_rotation(&stranger, request).await), "RESOURCE_NOT_FOUND");
        let none = server.list_kek_rotations(&stranger, ListKekRotationsRequest::default()).await.unwrap();
        assert!(none.rotations.is_empty());
        let own = server.list_kek_rotations(&server.admin, ListKekRotationsRequest::default()).await.unwrap();
        assert_eq!(own.rotations[0].name, first.name);
    }

    async fn a_service_that_nobody_knew_to_hold_keys_is_waited_for(db: Db) {
        let server = Server::start(db).await;
        let request = GenerateDataKeysRequest { contexts: vec![context(1)] };
        server.generate_data_keys_as_response(&server.member, request).await.unwrap();
        let rotation = rotate(&server).await;
        let mut held = Held::none();
        for _ in 0..3 {
            held.work(&server).await;
            others(&server).await;
            round(&server).await;
            settle(&server);
        }
        let now = read(&server, &rotation.name).await;
        assert_eq!(now.state(), KekRotationState::Running);
        assert!(now.holders.iter().any(|one| one.holder == "response" && !one.counted));
    }
}
