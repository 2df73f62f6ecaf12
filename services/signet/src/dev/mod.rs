//! `signet dev`: the six services in one process, Envoy in front of and between
//! them, everything in one directory.

pub mod admin;
pub mod place;
pub mod ports;
pub mod providers;
pub mod ready;
pub mod services;

use std::time::{Duration, Instant};

use kernel::{Fault, Result, SystemClock};
use mesh::{Address, Edge, EnvoyOptions, EnvoyProcess, Plan, Templates};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::tour::{self, TourSettings};
use console::terminal::say;
use place::Place;
use services::Wiring;

#[derive(clap::Args)]
pub struct DevArguments {
    /// Where everything is kept: databases, blobs, keys, log, certificates.
    #[arg(long, value_name = "DIR", default_value = ".signet", env = "SIGNET_DATA")]
    data: std::path::PathBuf,
    /// The edge's port without TLS, on 127.0.0.1 only.
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    http: u16,
    /// The edge's port with TLS, on 127.0.0.1.
    #[arg(long, value_name = "PORT", default_value_t = 8443)]
    tls: u16,
    /// An OTLP/gRPC collector for traces, such as 127.0.0.1:4317.
    #[arg(long, value_name = "HOST:PORT", env = "SIGNET_OTLP")]
    otlp: Option<String>,
    /// Where Prometheus may scrape /metrics, such as 127.0.0.1:9464.
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<std::net::SocketAddr>,
    /// What is logged to DIR/signet.log: error, warn, info, debug, or a filter.
    #[arg(long, value_name = "FILTER", default_value = "info", env = "SIGNET_LOG")]
    log: String,
    /// How long a data key may be on its way into a database: the certificate of
    /// a KEK's rotation waits for this.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, env = "SIGNET_KEK_SETTLE")]
    kek_settle: u32,
    /// Walk the main job once on a real text, and show each step.
    #[arg(long)]
    tour: bool,
    /// End after the tour, with its outcome.
    #[arg(long, requires = "tour")]
    once: bool,
}

/// Envoy and the services are there this soon, or something is wrong.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// Runs until SIGINT or SIGTERM.
pub async fn run(arguments: DevArguments) -> Result<()> {
    let started = Instant::now();
    let protection = boot::protect(boot::ProcessSettings::default());
    let place = Place::open(&arguments.data)?;
    let telemetry = telemetry::init("signet", &services::telemetry(&arguments, &place))
        .map_err(Fault::internal)?;
    boot::log_panics();
    protection.log("signet");
    let stop = CancellationToken::new();
    let plan = plan(&arguments, &place)?;
    let kek_settle_seconds = arguments.kek_settle;
    let wiring = Wiring { plan: &plan, place: &place, kek_settle_seconds };
    let mut running = JoinSet::new();
    services::spawn_all(&wiring, &stop, &mut running)?;
    if let Some(address) = arguments.metrics {
        running.spawn(boot::serve_metrics(address, stop.clone()));
    }
    // Envoy asks a service for its health at once, and then only now and then.
    ready::until(ready::listening(&plan), &mut running).await?;
    let mut envoy = start_envoy(&plan, &place).await?;
    ready::until(ready::answering(&plan), &mut running).await?;
    place.set_started()?;
    say(format_args!(
        "signet is ready after {} ms: http://127.0.0.1:{}",
        started.elapsed().as_millis(),
        arguments.http
    ));
    let outcome = tokio::select! {
        () = boot::terminated() => Ok(()),
        ended = running.join_next() => Err(ended_early(ended)),
        outcome = walk(&arguments) => outcome,
    };
    say("stopping");
    stop.cancel();
    while let Some(ended) = running.join_next().await {
        if let Ok(Err(fault)) = ended {
            tracing::error!(cause = ?fault, "a service did not end well");
        }
    }
    let _ended = tokio::task::spawn_blocking(move || envoy.stop()).await;
    telemetry.shutdown().await;
    outcome
}

/// Walks the tour if it is wanted. Ends only if nothing is to come after it.
async fn walk(arguments: &DevArguments) -> Result<()> {
    if arguments.tour {
        let outcome = tour::run(&TourSettings {
            url: format!("https://localhost:{}", arguments.tls),
            http_url: format!("http://127.0.0.1:{}", arguments.http),
            ca: arguments.data.join("certificates/ca.crt"),
            data: arguments.data.clone(),
            admin: arguments.data.join("admin.json"),
            otlp: arguments.otlp.clone(),
            once: arguments.once,
        })
        .await;
        if arguments.once {
            return outcome;
        }
    }
    std::future::pending().await
}

/// A service that has ended although nobody asked it to.
pub fn ended_early(
    ended: Option<std::result::Result<Result<()>, tokio::task::JoinError>>,
) -> Fault {
    match ended {
        Some(Ok(Err(fault))) => fault,
        Some(Err(error)) => Fault::internal(error),
        _ => Fault::internal("a service has ended"),
    }
}

fn plan(arguments: &DevArguments, place: &Place) -> Result<Plan> {
    let certificates = place.folder("certificates")?;
    mesh::certificates::ensure(&certificates, &SystemClock as &dyn kernel::Clock)
        .map_err(Fault::internal)?;
    let descriptor = place.path("proto.bin");
    std::fs::write(&descriptor, proto::DESCRIPTOR_SET).map_err(Fault::internal)?;
    let services = mesh::SERVICES.into_iter().zip(ports::free(mesh::SERVICES.len())?);
    Ok(Plan {
        sockets: place.sockets().to_owned(),
        edge: Edge {
            tls: Address::loopback(arguments.tls),
            http_port: arguments.http,
            certificate: certificates.join("public.crt"),
            key: certificates.join("public.key"),
            cors_origins: Edge::LOCAL_ORIGINS.to_owned(),
            descriptor,
        },
        certificates,
        services: services.map(|(service, port)| (service, Address::loopback(port))).collect(),
        otlp: arguments.otlp.as_deref().map(services::address).transpose()?,
    })
}

async fn start_envoy(plan: &Plan, place: &Place) -> Result<EnvoyProcess> {
    let bootstrap = plan
        .write_whole(&Templates::default(), &place.folder("envoy")?)
        .map_err(Fault::internal)?;
    let options = EnvoyOptions {
        program: mesh::find_envoy(None).map_err(Fault::internal)?,
        bootstrap,
        admin: plan.admin_socket("edge"),
        concurrency: 1,
        access_log: place.path("access.log"),
    };
    tokio::task::spawn_blocking(|| EnvoyProcess::start(options, READY_WITHIN))
        .await
        .map_err(Fault::internal)?
        .map_err(Fault::internal)
}
