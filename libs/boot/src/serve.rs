//! Runs one service: database, server, health, relay, tasks; then drains.

use std::sync::Arc;
use std::time::Duration;

use db::{Db, Shared};
use kernel::{Fault, Result, SharedClock};
use rpc::token::RemoteKeys;
use rpc::{Guard, GuardSettings, Peers};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;

use crate::app::{App, Parts, Probe, Service};
use crate::health;
use crate::settings::{ServerSettings, Settings};
use crate::tasks::Tasks;

/// How long the last relay attempt and the tasks may take to end.
const LAST_WORK: Duration = Duration::from_secs(5);
const PURGE_EVERY: Duration = Duration::from_secs(3_600);

/// Serves until `stop` is cancelled and everything accepted is done.
pub async fn serve<S: Service>(
    settings: Settings<S::Settings>,
    clock: SharedClock,
    stop: CancellationToken,
) -> Result<()> {
    let db = Db::open(&settings.database, S::migrations()).await?;
    let peers = Peers::new(S::NAME, &settings.server.peers)?;
    // Tasks outlive the server: the last calls still write to the outbox.
    let (serving, working) = (CancellationToken::new(), CancellationToken::new());
    let parts = Parts {
        settings: settings.service,
        clock: Arc::clone(&clock),
        db: db.clone(),
        peers: peers.clone(),
        stop: working.clone(),
    };
    let mut app = S::start(parts).await?;
    let mut tasks = Tasks::default();
    if S::migrations().has(Shared::Outbox) {
        tasks.spawn("relay", events::relay(db.clone(), peers.clone(), working.clone()));
    }
    if S::migrations().has(Shared::Idempotency) {
        tasks.spawn("purge of request ids", purge(db.clone(), Arc::clone(&clock), working.clone()));
    }
    for (name, task) in app.tasks.drain(..) {
        tasks.spawn(name, task);
    }
    let guard = guard::<S>(&settings.server, &app, &peers, clock);
    let mut probes = JoinSet::new();
    let routes = routes(app, &settings.server, S::NAME, &db, &serving, &mut probes)?;
    let listener = rpc::bind(&settings.server.listen).await?;
    tracing::info!(service = S::NAME, listen = %settings.server.listen.display(), "listening");
    let drained = drain(S::NAME, &settings.server, stop, serving);
    let (closing, done) = (CancellationToken::new(), CancellationToken::new());
    let limit = settings.server.drain.get();
    let limit = async {
        closing.cancelled().await;
        tokio::time::sleep(limit).await;
    };
    let shutdown = async {
        drained.await;
        closing.cancel();
    };
    let outcome = tokio::select! {
        outcome = rpc::serve(listener, guard, routes, shutdown) => outcome,
        fault = tasks.first_to_fail() => Err(fault),
        () = limit => Err(Fault::internal(format!("{}: calls still ran when the drain time was over", S::NAME))),
    };
    done.cancel();
    working.cancel();
    if tokio::time::timeout(LAST_WORK, tasks.end()).await.is_err() {
        tracing::warn!(service = S::NAME, "tasks were cut off");
    }
    db.close().await;
    outcome
}

fn guard<S: Service>(
    server: &ServerSettings,
    app: &App,
    peers: &Peers,
    clock: SharedClock,
) -> Guard {
    let settings = GuardSettings {
        service: S::NAME,
        extra_rules: S::extra_rules(),
        max_in_flight: server.max_in_flight,
        default_deadline: server.default_deadline.get(),
    };
    let keys = app.token_keys.clone().unwrap_or_else(|| RemoteKeys::new(peers.clone()));
    Guard::new(settings, keys, clock)
}

fn routes(
    mut app: App,
    server: &ServerSettings,
    name: &'static str,
    db: &Db,
    serving: &CancellationToken,
    probes: &mut JoinSet<()>,
) -> Result<Routes> {
    let (reporter, service) = tonic_health::server::health_reporter();
    let database: Probe = {
        let db = db.clone();
        Arc::new(move || {
            let db = db.clone();
            Box::pin(async move { db.ping().await.map_err(Fault::from) })
        })
    };
    let mut checks = vec![("database", database)];
    checks.append(&mut app.checks);
    probes.spawn(health::watch(name, reporter, checks, serving.clone()));
    let mut routes = app.take_routes().add_service(service);
    if server.reflection {
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(proto::DESCRIPTOR_SET)
            .build_v1()
            .map_err(Fault::internal)?;
        routes = routes.add_service(reflection);
    }
    Ok(routes)
}

/// After `stop`: NOT_SERVING first, time for the sidecar to notice, then close.
async fn drain(
    name: &'static str,
    server: &ServerSettings,
    stop: CancellationToken,
    serving: CancellationToken,
) {
    let linger = server.linger.get();
    stop.cancelled().await;
    tracing::info!(service = name, "draining");
    serving.cancel();
    tokio::time::sleep(linger).await;
}

/// Forgets request ids that nobody may repeat any more.
async fn purge(db: Db, clock: SharedClock, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(PURGE_EVERY)).await.is_some() {
        if let Err(fault) = db::idempotency::purge(&db, clock.now()).await {
            tracing::warn!(db = db.name(), cause = ?fault, "request ids not purged");
        }
    }
}
