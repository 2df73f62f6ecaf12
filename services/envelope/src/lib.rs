//! The envelope service: keys of tenants, sealed envelopes, and data keys for
//! encryption at rest.
//!
//! It keeps private halves, wrapped by the tenant's KEK, and lets content keys
//! go only against a verified manifest, once, and only after that is recorded.

pub mod application;
pub mod domain;
pub mod infrastructure;
mod keks;
pub mod presentation;
mod services;
mod settings;

use std::sync::Arc;
use std::time::Duration;

use boot::{App, Parts, Service};
use db::{Migrations, Shared};
use kernel::Result;
use keys::Kms;
use tokio_util::sync::CancellationToken;

use application::keys::custody::Custody;
pub use services::Services;
pub use settings::{EnvelopeSettings, ServiceKeySuite};

pub struct Envelope;

static MIGRATIONS: Migrations =
    Migrations::new(Envelope::NAME, sqlx::migrate!(), &[Shared::Outbox, Shared::Idempotency]);

/// Keys that nobody uses any more are wiped within this time after their age is over.
const SWEEP_EVERY: Duration = Duration::from_secs(30);

impl Service for Envelope {
    const NAME: &'static str = "envelope";
    type Settings = EnvelopeSettings;

    fn migrations() -> &'static Migrations {
        &MIGRATIONS
    }

    async fn start(parts: Parts<EnvelopeSettings>) -> Result<App> {
        let Parts { settings, clock, db, stop, .. } = parts;
        let kms = keys::open_all(
            &settings.kms,
            &settings.further_kms,
            &settings.kms_by_tenant,
            Arc::clone(&clock),
        )
        .await?;
        let suite = settings.service_key_suite.into();
        let mut services = Services::new(&db, Arc::clone(&kms), &clock, suite, &settings.cache)?;
        services.kek.rotations.settle = settings.kek_settle();
        let kek_keeper = services.kek_keeper.clone();
        let (custody, cache) = (Arc::clone(&services.custody), Arc::clone(&services.cache));
        let known = services.known.clone().run(stop.clone());
        let purge = infrastructure::purge_every(Arc::clone(&services.records), clock, stop.clone());
        let keeper = services.keeper.clone().run(stop.clone());
        let uses = Arc::clone(&services.uses).store_every(stop.clone());
        Ok(services
            .serve(App::new())
            .check("kms", move || health(Arc::clone(&kms)))
            .task("cache", known)
            .task("keeper", keeper)
            .task("uses", uses)
            .task("kek rotations", kek_keeper.run(stop.clone()))
            .task("purge", purge)
            .task("sweep", sweep(custody, cache, stop)))
    }
}

async fn health(kms: Arc<dyn Kms>) -> Result<()> {
    kms.health().await
}

async fn sweep(custody: Arc<Custody>, cache: Arc<keys::DataKeyCache>, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(SWEEP_EVERY)).await.is_some() {
        custody.sweep();
        cache.sweep();
    }
}
