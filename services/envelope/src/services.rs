//! The use cases, put together, behind their gRPC services.

use std::sync::Arc;

use boot::App;
use crypto::Suite;
use db::Db;
use kernel::{Result, SharedClock};
use keys::{CacheSettings, DataKeyCache, Kms};
use proto::envelope::v1::certificate_service_server::CertificateServiceServer;
use proto::envelope::v1::data_key_service_server::DataKeyServiceServer;
use proto::envelope::v1::envelope_service_server::EnvelopeServiceServer;
use proto::envelope::v1::kek_service_server::KekServiceServer;
use proto::envelope::v1::key_service_server::KeyServiceServer;
use proto::envelope::v1::release_service_server::ReleaseServiceServer;

use crate::application::at_rest::data_keys::DataKeys;
use crate::application::at_rest::kek_keeper::KekKeeper;
use crate::application::envelopes::open::OpenEnvelope;
use crate::application::envelopes::refusal::Refuse;
use crate::application::envelopes::release::ReleaseKey;
use crate::application::envelopes::seal::SealEnvelope;
use crate::application::envelopes::sign_manifest::SignManifest;
use crate::application::envelopes::verify::Verify;
use crate::application::keys::change_key::ChangeKey;
use crate::application::keys::create_key::CreateKey;
use crate::application::keys::custody::Custody;
use crate::application::keys::directory::Directory;
use crate::application::keys::enrol::Enrol;
use crate::application::keys::epochs::TenantEpochs;
use crate::application::keys::invalidate_caches::InvalidateCaches;
use crate::application::keys::keeper::Keeper;
use crate::application::keys::key_states::KeyStates;
use crate::application::keys::key_usage::KeyUsage;
use crate::application::keys::rotate_key::RotateKey;
use crate::application::keys::uses::Uses;
use crate::application::ports::{Enrolment, Journal, Keys, KnownKeys, Records, UseCounts};
use crate::application::record::Recorder;
use crate::infrastructure::{
    CachedKeys, SqlEnrolment, SqlEpochs, SqlKeys, SqlRecords, SqlUseCounts,
};
use crate::keks::Keks;
use crate::presentation::{CertificateApi, DataKeyApi, EnvelopeApi, KekApi, KeyApi, ReleaseApi};

/// A content of 8 MiB in base64, wrapped keys, and what surrounds them.
const LARGEST_MESSAGE: usize = 16 * 1024 * 1024;

/// What the service does, without its door.
pub struct Services {
    pub keys: KeyApi,
    pub envelopes: EnvelopeApi,
    pub releasing: ReleaseApi,
    pub data_keys: DataKeyApi,
    pub kek: KekApi,
    pub certificates: CertificateApi,
    pub kek_keeper: KekKeeper,
    pub custody: Arc<Custody>,
    pub cache: Arc<DataKeyCache>,
    pub records: Arc<dyn Records>,
    pub known: CachedKeys,
    pub keeper: Keeper,
    pub uses: Arc<Uses>,
}

impl Services {
    /// `suite` is what services' own keys are made with; `known` tells how long
    /// keys are known without asking the database.
    pub fn new(
        db: &Db,
        kms: Arc<dyn Kms>,
        clock: &SharedClock,
        suite: Suite,
        known: &cache::Settings,
    ) -> Result<Self> {
        let cached = CachedKeys::new(db.clone(), known, clock)?;
        let (counts, uses) = use_counts(db, clock);
        let clock = || Arc::clone(clock);
        let known: Arc<dyn KnownKeys> = Arc::new(cached.clone());
        let keys: Arc<dyn Keys> = Arc::new(SqlKeys { db: db.clone(), known: Arc::clone(&known) });
        let records = Arc::new(SqlRecords::new(db.clone(), clock()));
        let journal: Arc<dyn Journal> = records.clone();
        let recorder = Recorder { records: records.clone(), clock: clock() };
        let custody = Arc::new(Custody::new(Arc::clone(&kms), uses.clone(), clock()));
        let cache = Arc::new(DataKeyCache::new(CacheSettings::default(), clock()));
        let create = CreateKey { keys: keys.clone(), custody: custody.clone(), clock: clock() };
        let stored = Arc::new(SqlEpochs(db.clone()));
        let epochs = Arc::new(TenantEpochs::new(stored, cache.clone()));
        let invalidate = InvalidateCaches {
            keys: keys.clone(),
            known: known.clone(),
            custody: custody.clone(),
            epochs: epochs.clone(),
            clock: clock(),
        };
        let directory = Directory { keys: keys.clone(), known, create: create.clone(), suite };
        let refuse = Refuse { journal: journal.clone() };
        let verify = Verify {
            directory: directory.clone(),
            custody: custody.clone(),
            refuse: refuse.clone(),
        };
        let release = ReleaseKey {
            verify: verify.clone(),
            custody: custody.clone(),
            recorder: recorder.clone(),
            refuse,
            clock: clock(),
        };
        let (seal, sign) = outgoing(&directory, &custody, &journal, &clock());
        let change = ChangeKey { keys: keys.clone(), custody: custody.clone(), clock: clock() };
        let usage = KeyUsage { keys, counts, uses: uses.clone() };
        let store: Arc<dyn Enrolment> = Arc::new(SqlEnrolment(db.clone()));
        let enrol = Enrol { create: create.clone(), store: store.clone(), clock: clock() };
        let (rotate, keeper, states) = changes(&change, &create, store);
        let open = OpenEnvelope { release: release.clone() };
        let data_keys = DataKeys { kms, cache: cache.clone(), journal, recorder, epochs };
        let keks = Keks::new(db, &directory, data_keys);
        Ok(Self {
            keys: KeyApi { directory, create, rotate, states, usage, invalidate, enrol },
            envelopes: EnvelopeApi::new(seal, open, verify),
            releasing: ReleaseApi { release, sign },
            data_keys: keks.data_keys,
            kek: keks.kek,
            certificates: keks.certificates,
            kek_keeper: keks.keeper,
            custody,
            cache,
            records,
            known: cached,
            keeper,
            uses,
        })
    }

    pub(crate) fn serve(self, app: App) -> App {
        app.serve(KeyServiceServer::new(self.keys))
            .serve(
                EnvelopeServiceServer::new(self.envelopes)
                    .max_decoding_message_size(LARGEST_MESSAGE)
                    .max_encoding_message_size(LARGEST_MESSAGE),
            )
            .serve(ReleaseServiceServer::new(self.releasing))
            .serve(DataKeyServiceServer::new(self.data_keys))
            .serve(KekServiceServer::new(self.kek))
            .serve(CertificateServiceServer::new(self.certificates))
    }
}

/// What changes keys: because somebody asks for it, or because it is time.
fn changes(
    change: &ChangeKey,
    create: &CreateKey,
    enrolment: Arc<dyn Enrolment>,
) -> (RotateKey, Keeper, KeyStates) {
    let rotate = RotateKey { change: change.clone(), create: create.clone() };
    let keeper = Keeper { change: change.clone(), rotate: rotate.clone(), enrolment };
    (rotate, keeper, KeyStates { change: change.clone() })
}

/// How often keys are used: counted here, stored there.
fn use_counts(db: &Db, clock: &SharedClock) -> (Arc<dyn UseCounts>, Arc<Uses>) {
    let counts: Arc<dyn UseCounts> =
        Arc::new(SqlUseCounts { db: db.clone(), clock: Arc::clone(clock) });
    let uses = Arc::new(Uses::new(Arc::clone(&counts), Arc::clone(clock)));
    (counts, uses)
}

/// What seals and signs for others.
fn outgoing(
    directory: &Directory,
    custody: &Arc<Custody>,
    journal: &Arc<dyn Journal>,
    clock: &SharedClock,
) -> (SealEnvelope, SignManifest) {
    let (custody, journal) = (|| Arc::clone(custody), || Arc::clone(journal));
    let seal = SealEnvelope {
        directory: directory.clone(),
        custody: custody(),
        journal: journal(),
        clock: Arc::clone(clock),
    };
    let sign = SignManifest {
        directory: directory.clone(),
        custody: custody(),
        journal: journal(),
        clock: Arc::clone(clock),
    };
    (seal, sign)
}
