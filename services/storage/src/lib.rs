//! The storage service: prompts, encrypted at rest under a data key a revision.
//!
//! Texts are blobs of ciphertext; the database holds their wrapped keys and what
//! is not secret. The envelope service unwraps; this service never sees a KEK.

pub mod application;
pub mod domain;
pub mod infrastructure;
pub mod presentation;
mod settings;

use std::sync::Arc;

use boot::{App, Parts, Service};
use cas::Blobs;
use datakeys::{DataKeys as DataKeyClient, Rewrapper};
use db::{Db, Migrations, Shared};
use kernel::{Result, SharedClock};
use proto::storage::v1::prompt_service_server::PromptServiceServer;

use application::certify::Certify;
use application::contents::Contents;
use application::create::Create;
use application::delete::Delete;
use application::ports::{BlobStore, DataKeys, LooseBlobs, Prompts, Sealer};
use application::read::Read;
use application::seal::Seal;
use application::sweep::Sweep;
use application::update::Update;
use infrastructure::{
    CasBlobs, HeldKeys, PeerCertifier, PeerDataKeys, PeerSealer, SqlDestructions, SqlLooseBlobs,
    SqlPrompts,
};
use presentation::PromptApi;
pub use settings::StorageSettings;

pub struct Storage;

static MIGRATIONS: Migrations =
    Migrations::new(Storage::NAME, sqlx::migrate!(), &[Shared::Outbox, Shared::Idempotency]);

/// Above the longest text in any encoding, so that a text that is too long is
/// refused by its field's name.
const LARGEST_MESSAGE: usize = 8 * 1024 * 1024;

impl Service for Storage {
    const NAME: &'static str = "storage";
    type Settings = StorageSettings;

    fn migrations() -> &'static Migrations {
        &MIGRATIONS
    }

    async fn start(parts: Parts<StorageSettings>) -> Result<App> {
        let Parts { settings, clock, db, peers, stop } = parts;
        let blobs = Blobs::open(&settings.blobs)?;
        let data_keys = DataKeyClient::new(peers.clone(), settings.data_keys, Arc::clone(&clock));
        let certify = Certify {
            destructions: Arc::new(SqlDestructions(db.clone())),
            certifier: Arc::new(PeerCertifier(peers.clone())),
        };
        let rewrapper = Rewrapper::new(peers.clone(), Arc::new(HeldKeys(db.clone())));
        let outside = Outside {
            keys: Arc::new(PeerDataKeys(data_keys.clone())),
            sealer: Arc::new(PeerSealer(peers)),
            blobs: Arc::new(CasBlobs(blobs.clone())),
        };
        let (api, sweep) = build(&db, outside, &clock);
        let server = PromptServiceServer::new(api)
            .max_decoding_message_size(LARGEST_MESSAGE)
            .max_encoding_message_size(LARGEST_MESSAGE);
        Ok(App::new()
            .serve(server)
            .check("blobs", move || {
                let blobs = blobs.clone();
                async move { blobs.health().await }
            })
            .task("sweeper", sweep.run(stop.clone()))
            .task("certificates", certify.run(stop.clone()))
            .task("rewraps", rewrapper.run(stop.clone()))
            .task("data keys", data_keys.sweep(stop)))
    }
}

/// What stands outside of the service beside its database.
pub struct Outside {
    pub keys: Arc<dyn DataKeys>,
    pub sealer: Arc<dyn Sealer>,
    pub blobs: Arc<dyn BlobStore>,
}

/// Puts the use cases together.
pub fn build(db: &Db, outside: Outside, clock: &SharedClock) -> (PromptApi, Sweep) {
    let Outside { keys, sealer, blobs } = outside;
    let prompts: Arc<dyn Prompts> = Arc::new(SqlPrompts(db.clone()));
    let loose: Arc<dyn LooseBlobs> = Arc::new(SqlLooseBlobs(db.clone()));
    let sweep =
        Sweep { loose: Arc::clone(&loose), blobs: Arc::clone(&blobs), clock: Arc::clone(clock) };
    let contents = Contents { keys, blobs, loose, clock: Arc::clone(clock) };
    let read = Read { prompts: Arc::clone(&prompts), contents: contents.clone() };
    let api = PromptApi {
        create: Create { prompts: Arc::clone(&prompts), contents: contents.clone() },
        update: Update { prompts: Arc::clone(&prompts), contents },
        delete: Delete {
            prompts: Arc::clone(&prompts),
            sweep: sweep.clone(),
            clock: Arc::clone(clock),
        },
        seal: Seal { read: read.clone(), sealer },
        read,
        prompts,
    };
    (api, sweep)
}
