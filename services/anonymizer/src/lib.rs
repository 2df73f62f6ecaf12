//! The anonymizer service: finds personal data in texts and chat requests,
//! replaces it, and puts it back. It calls no model and keeps no text.

pub mod application;
pub mod domain;
pub mod infrastructure;
pub mod presentation;
mod settings;

use std::sync::Arc;

use boot::{App, Parts, Service};
use datakeys::{DataKeys, Rewrapper};
use db::{Migrations, Shared};
use kernel::{Fault, Result};
use proto::anonymizer::v1::anonymizer_service_server::AnonymizerServiceServer;
use proto::anonymizer::v1::chat_privacy_service_server::ChatPrivacyServiceServer;
use proto::anonymizer::v1::info_type_service_server::InfoTypeServiceServer;
use proto::anonymizer::v1::policy_service_server::PolicyServiceServer;
use proto::anonymizer::v1::presidio_service_server::PresidioServiceServer;
use proto::anonymizer::v1::recognizer_service_server::RecognizerServiceServer;
use proto::anonymizer::v1::vault_service_server::VaultServiceServer;

use application::secrets::Secrets;
use application::texts::Texts;
use application::vault::Vault;
use infrastructure::{EnvelopeDataKeys, HeldKeys, SqlSecrets, SqlTokens};
use registry::{Policies, Recognizers, SqlPolicies, SqlRecognizers};
pub use settings::AnonymizerSettings;

/// A text of 1 MiB, or a chat of 4 MiB, with what is said about it.
const LARGEST: usize = 12 * 1024 * 1024;

pub struct Anonymizer;

static MIGRATIONS: Migrations =
    Migrations::new(Anonymizer::NAME, sqlx::migrate!(), &[Shared::Outbox]);

impl Service for Anonymizer {
    const NAME: &'static str = "anonymizer";
    type Settings = AnonymizerSettings;

    fn migrations() -> &'static Migrations {
        &MIGRATIONS
    }

    async fn start(parts: Parts<AnonymizerSettings>) -> Result<App> {
        let Parts { settings, clock, db, peers, stop } = parts;
        // Built once, here: the first request must not pay for it.
        let engine =
            tokio::task::spawn_blocking(pii::Engine::standard).await.map_err(Fault::internal)?;
        let engine = engine.map_err(Fault::internal)?;
        let rewrapper = Rewrapper::new(peers.clone(), Arc::new(HeldKeys(db.clone())));
        let client = DataKeys::new(peers, settings.data_keys, Arc::clone(&clock));
        let data_keys = Arc::new(EnvelopeDataKeys(client.clone()));
        let stored = Arc::new(SqlSecrets { db: db.clone(), clock: Arc::clone(&clock) });
        let secrets = Secrets::new(stored, data_keys.clone());
        let own = Arc::new(SqlPolicies(db.clone()));
        let policies = Policies::new(Arc::clone(&engine), own, Arc::clone(&clock))?;
        let tokens = Arc::new(SqlTokens(db.clone()));
        let vault = Vault::new(secrets.clone(), tokens, db.clone(), Arc::clone(&clock));
        let own = Arc::new(SqlRecognizers(db.clone()));
        let recognizers = Recognizers::new(own, Arc::new(secrets.clone()), Arc::clone(&clock));
        let texts = Texts {
            engine: Arc::clone(&engine),
            secrets: secrets.clone(),
            data_keys,
            vault: vault.clone(),
            db,
            clock,
        };
        let text = AnonymizerServiceServer::new(presentation::TextApi {
            texts: texts.clone(),
            policies: policies.clone(),
            recognizers: recognizers.clone(),
            engine: Arc::clone(&engine),
        });
        let presidio = PresidioServiceServer::new(presentation::PresidioApi {
            texts: texts.clone(),
            recognizers: recognizers.clone(),
        });
        let custom = RecognizerServiceServer::new(presentation::RecognizerApi {
            recognizers: recognizers.clone(),
            texts: texts.clone(),
        });
        let policy = PolicyServiceServer::new(presentation::PolicyApi {
            policies,
            texts,
            recognizers,
            engine: Arc::clone(&engine),
        });
        let opening = VaultServiceServer::new(presentation::VaultApi(vault.clone()));
        let types = presentation::InfoTypeApi::new(Arc::clone(&engine));
        let chat = ChatPrivacyServiceServer::new(presentation::ChatApi { engine, secrets });
        Ok(App::new()
            .serve(text.max_decoding_message_size(LARGEST).max_encoding_message_size(LARGEST))
            .serve(policy.max_decoding_message_size(LARGEST).max_encoding_message_size(LARGEST))
            .serve(presidio.max_decoding_message_size(LARGEST).max_encoding_message_size(LARGEST))
            .serve(chat.max_decoding_message_size(LARGEST).max_encoding_message_size(LARGEST))
            .serve(custom.max_decoding_message_size(LARGEST).max_encoding_message_size(LARGEST))
            .serve(InfoTypeServiceServer::new(types))
            .serve(opening.max_encoding_message_size(LARGEST))
            .task("expired tokens", vault.sweep(stop.clone()))
            .task("rewraps", rewrapper.run(stop.clone()))
            .task("data keys", client.sweep(stop)))
    }
}
