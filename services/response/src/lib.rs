//! The response service: opens an envelope, anonymizes, asks a model, restores,
//! and seals the answer.
//!
//! It is the one place in the mesh that sees the whole plaintext of a request
//! and its answer; docs/threat-model.md says what follows from that.

pub mod application;
pub mod domain;
pub mod infrastructure;
pub mod presentation;
mod settings;

use std::sync::Arc;

use boot::{App, Parts, Service};
use crypto::Limits;
use db::{Migrations, Shared};
use kernel::Result;
use proto::response::v1::open_ai_service_server::OpenAiServiceServer;
use proto::response::v1::response_service_server::ResponseServiceServer;

use application::exchange::Exchange;
use application::providers::Providers;
use application::sealed::Sealed;
use infrastructure::{AnonymizerClient, EnvelopeClient, provider};
pub use settings::{OpenAiSettings, ProviderSettings, ResponseSettings};

/// An envelope of 8 MiB of content, in base64 and JSON.
const LARGEST: usize = 12 * 1024 * 1024;

pub struct Response;

static MIGRATIONS: Migrations =
    Migrations::new(Response::NAME, sqlx::migrate!(), &[Shared::Outbox]);

impl Service for Response {
    const NAME: &'static str = "response";
    type Settings = ResponseSettings;

    fn migrations() -> &'static Migrations {
        &MIGRATIONS
    }

    async fn start(parts: Parts<ResponseSettings>) -> Result<App> {
        let Parts { settings, clock, db, peers, .. } = parts;
        let exchange = Exchange {
            privacy: Arc::new(AnonymizerClient(peers.clone())),
            providers: Providers(provider::all(&settings.providers)?),
            db,
            clock: Arc::clone(&clock),
        };
        let sealed = Sealed {
            exchange: exchange.clone(),
            envelopes: Arc::new(EnvelopeClient(peers)),
            clock,
            default_model: settings.default_model.clone(),
            answer_ttl: settings.answer_ttl.get(),
            limits: Limits::default(),
        };
        let openai = presentation::OpenAiApi { exchange, default_model: settings.default_model };
        let response = ResponseServiceServer::new(presentation::ResponseApi(sealed));
        let openai = OpenAiServiceServer::new(openai);
        Ok(App::new()
            .serve(response.max_decoding_message_size(LARGEST).max_encoding_message_size(LARGEST))
            .serve(openai.max_decoding_message_size(LARGEST).max_encoding_message_size(LARGEST)))
    }
}
