//! The use cases of data keys, of the KEK's rotation and of certificates, put
//! together.

use std::sync::Arc;

use db::Db;
use uuid::Uuid;

use crate::application::at_rest::certificates::Certificates;
use crate::application::at_rest::data_keys::DataKeys;
use crate::application::at_rest::kek_keeper::KekKeeper;
use crate::application::at_rest::kek_rewraps::KekRewraps;
use crate::application::at_rest::kek_rotations::{KekRotations, SETTLE};
use crate::application::keys::directory::Directory;
use crate::application::ports::{OwnKeys, Rotations};
use crate::infrastructure::{SqlCertificates, SqlOwnKeys, SqlRotations};
use crate::presentation::{CertificateApi, DataKeyApi, KekApi};

pub(crate) struct Keks {
    pub(crate) data_keys: DataKeyApi,
    pub(crate) kek: KekApi,
    pub(crate) certificates: CertificateApi,
    pub(crate) keeper: KekKeeper,
}

impl Keks {
    pub(crate) fn new(db: &Db, directory: &Directory, data_keys: DataKeys) -> Self {
        let (kms, custody) = (&data_keys.kms, &directory.create.custody);
        let clock = || Arc::clone(&directory.create.clock);
        let rotations: Arc<dyn Rotations> = Arc::new(SqlRotations(db.clone()));
        let own: Arc<dyn OwnKeys> = Arc::new(SqlOwnKeys(db.clone()));
        let keeper = KekKeeper {
            kms: Arc::clone(kms),
            rotations: Arc::clone(&rotations),
            own: Arc::clone(&own),
            directory: directory.clone(),
            custody: Arc::clone(custody),
            clock: clock(),
            worker: Uuid::now_v7(),
        };
        let rewraps =
            KekRewraps { kms: Arc::clone(kms), rotations: Arc::clone(&rotations), clock: clock() };
        let kms = Arc::clone(kms);
        let rotations = KekRotations { kms, rotations, own, clock: clock(), settle: SETTLE };
        let certificates = Certificates {
            issued: Arc::new(SqlCertificates(db.clone())),
            directory: directory.clone(),
            custody: Arc::clone(custody),
            cache: Arc::clone(&data_keys.cache),
            clock: clock(),
        };
        Self {
            data_keys: DataKeyApi { data_keys, rewraps, certificates: certificates.clone() },
            kek: KekApi { rotations },
            certificates: CertificateApi { certificates },
            keeper,
        }
    }
}
