//! The service, and its RPCs as a user or another service calls them.

use std::path::Path;
use std::sync::Arc;

use boot::Service as _;
use chrono::DateTime;
use crypto::Suite;
use db::{Db, Migrations};
use envelope::application::ports::Keys as _;
use envelope::infrastructure::SqlKeys;
use envelope::{Envelope, Services};
use kernel::{ManualClock, PrincipalId, SharedClock, TenantId, Timestamp};
use keys::Kms;
use keys::local::{LocalKms, LocalSettings};
use prost::Message as _;
use proto::audit::v1::Event;
use proto::envelope::v1::certificate_service_server::CertificateService as _;
use proto::envelope::v1::data_key_service_server::DataKeyService as _;
use proto::envelope::v1::envelope_service_server::EnvelopeService as _;
use proto::envelope::v1::kek_service_server::KekService as _;
use proto::envelope::v1::key_service_server::KeyService as _;
use proto::envelope::v1::release_service_server::ReleaseService as _;
use proto::envelope::v1::*;
use proto::{Caller, Role};
use rpc::{Cx, Principal};
use tonic::{Request, Response, Status};

pub(crate) fn migrations() -> &'static Migrations {
    Envelope::migrations()
}

/// What a caller is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) field: String,
}

pub(crate) type Answer<T> = Result<T, Told>;

pub(crate) fn told<T>(outcome: Result<Response<T>, Status>) -> Answer<T> {
    outcome.map(Response::into_inner).map_err(|status| {
        let fault = rpc::fault_of(&status);
        Told {
            code: fault.reason().code.to_owned(),
            message: status.message().to_owned(),
            field: fault.violations().first().map(|one| one.field.clone()).unwrap_or_default(),
        }
    })
}

#[derive(Clone)]
pub(crate) struct User(pub(crate) Principal);

impl User {
    pub(crate) fn of(tenant: TenantId, role: Role) -> Self {
        Self(Principal {
            tenant,
            user: PrincipalId::new(),
            roles: vec![role],
            api_key: None,
            expires: start(),
        })
    }

    pub(crate) fn name(&self) -> String {
        self.0.user_name()
    }
}

fn start() -> Timestamp {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

pub(crate) struct Server {
    pub(crate) services: Arc<Services>,
    pub(crate) db: Db,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) admin: User,
    pub(crate) member: User,
    pub(crate) kms: Arc<dyn Kms>,
    folder: Arc<tempfile::TempDir>,
}

macro_rules! rpcs {
    ($($name:ident: $part:ident . $method:ident, $path:literal, $caller:ident, $in:ty => $out:ty;)+) => {
        $(pub(crate) async fn $name(&self, user: &User, message: $in) -> Answer<$out> {
            let cx = Cx::for_test_by(Caller::$caller, $path, Some(user.0.clone())).unwrap();
            let mut request = Request::new(message);
            request.extensions_mut().insert(cx);
            told(self.services.$part.$method(request).await)
        })+
    };
}

impl Server {
    pub(crate) async fn start(db: Db) -> Self {
        Self::with_suite(db, Suite::Ec).await
    }

    /// Another instance on the same database, which knows nothing yet.
    pub(crate) fn twin(&self) -> Self {
        self.another(&self.db, &cache::Settings::default())
    }

    /// The key as it is stored.
    pub(crate) async fn stored(&self, name: &str) -> envelope::domain::Key {
        let known = Arc::new(self.services.known.clone());
        let keys = SqlKeys { db: self.db.clone(), known };
        let id = name.strip_prefix("keys/").unwrap().parse().ok().unwrap();
        keys.find(self.tenant(), &id).await.unwrap().unwrap()
    }

    pub(crate) async fn with_suite(db: Db, suite: Suite) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let key_file = folder.path().join("keyring.key");
        ::keys::create_key_file(&key_file).unwrap();
        let clock = ManualClock::at(start());
        let shared: SharedClock = clock.clone();
        let settings = LocalSettings {
            path: folder.path().join("keyring"),
            passphrase_file: None,
            key_file: Some(key_file),
            create: true,
        };
        let kms: Arc<dyn Kms> = Arc::new(LocalKms::open(&settings, shared.clone()).await.unwrap());
        let known = cache::Settings::default();
        let services = Services::new(&db, Arc::clone(&kms), &shared, suite, &known).unwrap();
        let services = Arc::new(services);
        let tenant = TenantId::new();
        Self {
            services,
            db,
            clock,
            admin: User::of(tenant, Role::Admin),
            member: User::of(tenant, Role::Member),
            kms,
            folder: Arc::new(folder),
        }
    }

    /// Another instance of the same service, which knows nothing yet.
    pub(crate) fn another(&self, db: &Db, known: &cache::Settings) -> Self {
        self.instance(db, known, Arc::clone(&self.kms))
    }

    /// The service started again with other providers of keys.
    pub(crate) fn on(&self, kms: Arc<dyn Kms>) -> Self {
        self.instance(&self.db, &cache::Settings::default(), kms)
    }

    fn instance(&self, db: &Db, known: &cache::Settings, kms: Arc<dyn Kms>) -> Self {
        let clock: SharedClock = self.clock.clone();
        let services = Services::new(db, Arc::clone(&kms), &clock, Suite::Ec, known).unwrap();
        Self {
            services: Arc::new(services),
            db: db.clone(),
            clock: self.clock.clone(),
            admin: self.admin.clone(),
            member: self.member.clone(),
            kms,
            folder: Arc::clone(&self.folder),
        }
    }

    /// The same with all that it knows forgotten, on another database.
    pub(crate) fn moved(&self, db: Db) -> Self {
        self.another(&db, &cache::Settings::default())
    }

    /// Where its keyring is.
    pub(crate) fn folder(&self) -> Arc<tempfile::TempDir> {
        Arc::clone(&self.folder)
    }

    /// On a keyring that another process began.
    pub(crate) async fn resume(folder: &Path, db: Db, member: User) -> Self {
        let settings = LocalSettings {
            path: folder.join("keyring"),
            passphrase_file: None,
            key_file: Some(folder.join("keyring.key")),
            create: false,
        };
        let clock = ManualClock::at(start());
        let shared: SharedClock = clock.clone();
        let kms: Arc<dyn Kms> = Arc::new(LocalKms::open(&settings, shared.clone()).await.unwrap());
        let known = cache::Settings::default();
        let services = Services::new(&db, Arc::clone(&kms), &shared, Suite::Ec, &known).unwrap();
        Self {
            services: Arc::new(services),
            db,
            clock,
            admin: User::of(member.0.tenant, Role::Admin),
            member,
            kms,
            folder: Arc::new(tempfile::tempdir().unwrap()),
        }
    }

    pub(crate) fn tenant(&self) -> TenantId {
        self.admin.0.tenant
    }

    rpcs! {
        create_key: keys.create_key, "/signet.envelope.v1.KeyService/CreateKey", Edge, CreateKeyRequest => CreateKeyResponse;
        register: keys.register_public_key, "/signet.envelope.v1.KeyService/RegisterPublicKey", Edge, RegisterPublicKeyRequest => RegisterPublicKeyResponse;
        get_key: keys.get_key, "/signet.envelope.v1.KeyService/GetKey", Edge, GetKeyRequest => GetKeyResponse;
        list_keys: keys.list_keys, "/signet.envelope.v1.KeyService/ListKeys", Edge, ListKeysRequest => ListKeysResponse;
        rotate_key: keys.rotate_key, "/signet.envelope.v1.KeyService/RotateKey", Edge, RotateKeyRequest => RotateKeyResponse;
        begin_registration: keys.begin_key_registration, "/signet.envelope.v1.KeyService/BeginKeyRegistration", Edge, BeginKeyRegistrationRequest => BeginKeyRegistrationResponse;
        create_import_key: keys.create_import_key, "/signet.envelope.v1.KeyService/CreateImportKey", Edge, CreateImportKeyRequest => CreateImportKeyResponse;
        import_key: keys.import_key, "/signet.envelope.v1.KeyService/ImportKey", Edge, ImportKeyRequest => ImportKeyResponse;
        export: keys.export_public_key, "/signet.envelope.v1.KeyService/ExportPublicKey", Edge, ExportPublicKeyRequest => proto::google::api::HttpBody;
        key_set: keys.get_key_set, "/signet.envelope.v1.KeyService/GetKeySet", Edge, GetKeySetRequest => proto::google::api::HttpBody;
        update_key: keys.update_key, "/signet.envelope.v1.KeyService/UpdateKey", Edge, UpdateKeyRequest => UpdateKeyResponse;
        enable_key: keys.enable_key, "/signet.envelope.v1.KeyService/EnableKey", Edge, EnableKeyRequest => EnableKeyResponse;
        schedule_destruction: keys.schedule_key_destruction, "/signet.envelope.v1.KeyService/ScheduleKeyDestruction", Edge, ScheduleKeyDestructionRequest => ScheduleKeyDestructionResponse;
        cancel_destruction: keys.cancel_key_destruction, "/signet.envelope.v1.KeyService/CancelKeyDestruction", Edge, CancelKeyDestructionRequest => CancelKeyDestructionResponse;
        usage: keys.get_key_usage, "/signet.envelope.v1.KeyService/GetKeyUsage", Edge, GetKeyUsageRequest => GetKeyUsageResponse;
        disable_key: keys.disable_key, "/signet.envelope.v1.KeyService/DisableKey", Edge, DisableKeyRequest => DisableKeyResponse;
        invalidate: keys.invalidate_caches, "/signet.envelope.v1.KeyService/InvalidateCaches", Edge, InvalidateCachesRequest => InvalidateCachesResponse;
        seal: envelopes.seal, "/signet.envelope.v1.EnvelopeService/Seal", Edge, SealRequest => SealResponse;
        open: envelopes.open, "/signet.envelope.v1.EnvelopeService/Open", Edge, OpenRequest => OpenResponse;
        batch_seal: envelopes.batch_seal, "/signet.envelope.v1.EnvelopeService/BatchSeal", Edge, BatchSealRequest => BatchSealResponse;
        batch_open: envelopes.batch_open, "/signet.envelope.v1.EnvelopeService/BatchOpen", Edge, BatchOpenRequest => BatchOpenResponse;
        rewrap: envelopes.rewrap, "/signet.envelope.v1.EnvelopeService/Rewrap", Edge, RewrapRequest => RewrapResponse;
        verify: envelopes.verify, "/signet.envelope.v1.EnvelopeService/Verify", Edge, VerifyRequest => VerifyResponse;
        unwrap: releasing.unwrap_content_key, "/signet.envelope.v1.ReleaseService/UnwrapContentKey", Response, UnwrapContentKeyRequest => UnwrapContentKeyResponse;
        sign: releasing.sign_manifest, "/signet.envelope.v1.ReleaseService/SignManifest", Response, SignManifestRequest => SignManifestResponse;
        generate_data_keys: data_keys.generate_data_keys, "/signet.envelope.v1.DataKeyService/GenerateDataKeys", Storage, GenerateDataKeysRequest => GenerateDataKeysResponse;
        unwrap_data_keys: data_keys.unwrap_data_keys, "/signet.envelope.v1.DataKeyService/UnwrapDataKeys", Storage, UnwrapDataKeysRequest => UnwrapDataKeysResponse;
        key_epoch: data_keys.get_key_epoch, "/signet.envelope.v1.DataKeyService/GetKeyEpoch", Storage, GetKeyEpochRequest => GetKeyEpochResponse;
        generate_data_keys_as_response: data_keys.generate_data_keys, "/signet.envelope.v1.DataKeyService/GenerateDataKeys", Response, GenerateDataKeysRequest => GenerateDataKeysResponse;
        list_rewraps: data_keys.list_rewraps, "/signet.envelope.v1.DataKeyService/ListRewraps", Storage, ListRewrapsRequest => ListRewrapsResponse;
        list_rewraps_as_auth: data_keys.list_rewraps, "/signet.envelope.v1.DataKeyService/ListRewraps", Auth, ListRewrapsRequest => ListRewrapsResponse;
        list_rewraps_as_anonymizer: data_keys.list_rewraps, "/signet.envelope.v1.DataKeyService/ListRewraps", Anonymizer, ListRewrapsRequest => ListRewrapsResponse;
        rewrap_data_keys: data_keys.rewrap_data_keys, "/signet.envelope.v1.DataKeyService/RewrapDataKeys", Storage, RewrapDataKeysRequest => RewrapDataKeysResponse;
        report_rewrap: data_keys.report_rewrap, "/signet.envelope.v1.DataKeyService/ReportRewrap", Storage, ReportRewrapRequest => ReportRewrapResponse;
        report_rewrap_as_auth: data_keys.report_rewrap, "/signet.envelope.v1.DataKeyService/ReportRewrap", Auth, ReportRewrapRequest => ReportRewrapResponse;
        report_rewrap_as_anonymizer: data_keys.report_rewrap, "/signet.envelope.v1.DataKeyService/ReportRewrap", Anonymizer, ReportRewrapRequest => ReportRewrapResponse;
        get_kek: kek.get_kek, "/signet.envelope.v1.KekService/GetKek", Edge, GetKekRequest => GetKekResponse;
        rotate_kek: kek.rotate_kek, "/signet.envelope.v1.KekService/RotateKek", Edge, RotateKekRequest => RotateKekResponse;
        move_kek: kek.move_kek, "/signet.envelope.v1.KekService/MoveKek", Edge, MoveKekRequest => MoveKekResponse;
        list_kek_rotations: kek.list_kek_rotations, "/signet.envelope.v1.KekService/ListKekRotations", Edge, ListKekRotationsRequest => ListKekRotationsResponse;
        get_kek_rotation: kek.get_kek_rotation, "/signet.envelope.v1.KekService/GetKekRotation", Edge, GetKekRotationRequest => GetKekRotationResponse;
        pause_kek_rotation: kek.pause_kek_rotation, "/signet.envelope.v1.KekService/PauseKekRotation", Edge, PauseKekRotationRequest => PauseKekRotationResponse;
        resume_kek_rotation: kek.resume_kek_rotation, "/signet.envelope.v1.KekService/ResumeKekRotation", Edge, ResumeKekRotationRequest => ResumeKekRotationResponse;
        destroy_kek_versions: kek.destroy_kek_versions, "/signet.envelope.v1.KekService/DestroyKekVersions", Edge, DestroyKekVersionsRequest => DestroyKekVersionsResponse;
        certify_destruction: data_keys.certify_destruction, "/signet.envelope.v1.DataKeyService/CertifyDestruction", Storage, CertifyDestructionRequest => CertifyDestructionResponse;
        list_certificates: certificates.list_certificates, "/signet.envelope.v1.CertificateService/ListCertificates", Edge, ListCertificatesRequest => ListCertificatesResponse;
        unwrap_data_keys_as_response: data_keys.unwrap_data_keys, "/signet.envelope.v1.DataKeyService/UnwrapDataKeys", Response, UnwrapDataKeysRequest => UnwrapDataKeysResponse;
    }

    pub(crate) async fn key(&self, name: &str) -> Key {
        let request = GetKeyRequest { name: name.to_owned() };
        self.get_key(&self.member, request).await.unwrap().key.unwrap()
    }

    pub(crate) async fn make(&self, purpose: KeyPurpose, algorithm: KeyAlgorithm) -> Key {
        let request = CreateKeyRequest {
            purpose: purpose.into(),
            algorithm: algorithm.into(),
            ..CreateKeyRequest::default()
        };
        self.create_key(&self.admin, request).await.unwrap().key.unwrap()
    }

    pub(crate) async fn turn_off(&self, name: &str, version: i32) -> Key {
        let request = DisableKeyRequest { name: name.to_owned(), version };
        self.disable_key(&self.admin, request).await.unwrap().key.unwrap()
    }

    pub(crate) async fn rotate(&self, name: &str) -> Key {
        let request = RotateKeyRequest { name: name.to_owned(), ..RotateKeyRequest::default() };
        self.rotate_key(&self.admin, request).await.unwrap().key.unwrap()
    }

    /// What is on its way to audit, oldest first.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let stored = db::outbox::next(&self.db, 10_000).await.unwrap();
        stored.iter().map(|event| Event::decode(event.bytes.as_slice()).unwrap()).collect()
    }

    /// The causes of all refusals so far.
    pub(crate) async fn causes(&self) -> Vec<String> {
        let refusals = self.events().await.into_iter();
        refusals
            .filter(|event| event.r#type == "dev.signet.envelope.content_key.rejected")
            .map(|event| attribute(&event, "cause"))
            .collect()
    }

    pub(crate) async fn last_cause(&self) -> String {
        self.causes().await.pop().unwrap_or_default()
    }
}

pub(crate) fn attribute(event: &Event, key: &str) -> String {
    let found = event.attributes.iter().find(|pair| pair.key == key);
    found.map(|pair| pair.value.clone()).unwrap_or_default()
}

pub(crate) fn uuid() -> String {
    uuid::Uuid::now_v7().to_string()
}
