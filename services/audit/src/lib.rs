//! The audit service: a tamper-evident log of what happened.
//!
//! Events arrive from the other services' relays, become durable in a group
//! commit, and come under a signed checkpoint a moment later.

pub mod application;
pub mod domain;
pub mod infrastructure;
pub mod presentation;
mod settings;

use std::sync::Arc;

use boot::{App, Parts, Service};
use db::Migrations;
use kernel::{Fault, Result};
use proto::audit::v1::event_service_server::EventServiceServer;
use proto::audit::v1::ingest_service_server::IngestServiceServer;
use proto::audit::v1::log_service_server::LogServiceServer;
use tlog::TreeHead;
use tokio::sync::Notify;

use application::append::Appender;
use application::integrate::integrate;
use application::ports::{Events, Log};
use application::prove::Prove;
use infrastructure::{FileLog, Origin, SqlEvents, load_or_create};
pub use settings::AuditSettings;

pub struct Audit;

static MIGRATIONS: Migrations = Migrations::new(Audit::NAME, sqlx::migrate!(), &[]);

impl Service for Audit {
    const NAME: &'static str = "audit";
    type Settings = AuditSettings;

    fn migrations() -> &'static Migrations {
        &MIGRATIONS
    }

    async fn start(parts: Parts<AuditSettings>) -> Result<App> {
        let Parts { settings, db, stop, .. } = parts;
        let events = SqlEvents(db);
        let known = events.published().await?;
        let opened = tokio::task::spawn_blocking(move || open_log(settings, known)).await;
        let log: Arc<dyn Log> = Arc::new(opened.map_err(Fault::internal)??);
        let events: Arc<dyn Events> = Arc::new(events);
        let appended = Arc::new(Notify::new());
        let (appender, writer) = Appender::new(Arc::clone(&events), Arc::clone(&appended));
        let prove = Prove { events: Arc::clone(&events), log: Arc::clone(&log) };
        Ok(App::new()
            .serve(IngestServiceServer::new(presentation::IngestApi { appender }))
            .serve(EventServiceServer::new(presentation::EventApi {
                events: Arc::clone(&events),
                prove,
            }))
            .serve(LogServiceServer::new(presentation::LogApi { log: Arc::clone(&log) }))
            .task("writer", writer)
            .task("integrator", integrate(events, log, appended, stop)))
    }
}

fn open_log(settings: AuditSettings, known: Option<TreeHead>) -> Result<FileLog> {
    let seed = load_or_create(&settings.signing_key_file)?;
    FileLog::open(settings.log_folder, &Origin(settings.origin), &seed, known)
}
