//! One service as a process: arguments, configuration, signals, exit codes.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser};
use config::{Loaded, Sources};
use kernel::{Fault, Result, SystemClock};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::admin;
use crate::app::Service;
use crate::memory;
use crate::serve::serve;
use crate::settings::Settings;

/// Runs one Signet service until SIGTERM or SIGINT.
#[derive(Parser)]
#[command(
    version,
    after_help = "Every setting can also come from the environment: SIGNET_<SERVICE>__SECTION__KEY. \
    docs/configuration.md lists them."
)]
struct Arguments {
    /// The configuration, TOML. Without it everything comes from the environment.
    #[arg(long, value_name = "FILE", env = "SIGNET_CONFIG")]
    config: Option<PathBuf>,
    /// Check the configuration and exit.
    #[arg(long)]
    check: bool,
}

/// The `main` of a service's binary.
pub fn main<S: Service>() -> ExitCode {
    let name = format!("signet-{}", S::NAME);
    let matches = Arguments::command().display_name(name.clone()).bin_name(name).get_matches();
    let arguments = match Arguments::from_arg_matches(&matches) {
        Ok(arguments) => arguments,
        Err(error) => error.exit(),
    };
    let loaded = match config::load::<Settings<S::Settings>>(&Sources::of_process(
        S::NAME,
        arguments.config,
    )) {
        Ok(loaded) => loaded,
        Err(problems) => {
            complain(&format!("signet-{}: the configuration is wrong:\n{problems}", S::NAME));
            return ExitCode::from(config::USAGE_EXIT_CODE);
        }
    };
    if arguments.check {
        return ExitCode::SUCCESS;
    }
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("signet-{}: no runtime: {error}", S::NAME));
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run::<S>(loaded)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            complain(&format!("signet-{}: {fault:?}", S::NAME));
            ExitCode::FAILURE
        }
    }
}

/// Before there is a log.
#[allow(clippy::print_stderr, reason = "there is no log yet, or not any more")]
fn complain(text: &str) {
    eprintln!("{}", text.trim_end());
}

async fn run<S: Service>(loaded: Loaded<Settings<S::Settings>>) -> Result<()> {
    let Loaded { settings, warnings } = loaded;
    let protection = memory::protect(settings.process);
    let telemetry =
        telemetry::init(S::NAME, &settings.telemetry.observability()).map_err(Fault::internal)?;
    log_panics();
    protection.log(S::NAME);
    for warning in warnings {
        tracing::warn!(service = S::NAME, warning, "configuration");
    }
    let stop = CancellationToken::new();
    let admin_stop = CancellationToken::new();
    let admin = settings
        .telemetry
        .metrics
        .map(|address| tokio::spawn(admin::serve_metrics(address, admin_stop.clone())));
    tokio::spawn({
        let stop = stop.clone();
        async move {
            terminated().await;
            stop.cancel();
        }
    });
    let outcome = serve::<S>(settings, SystemClock::shared(), stop).await;
    admin_stop.cancel();
    if let Some(Ok(Err(fault))) = match admin {
        Some(task) => Some(task.await),
        None => None,
    } {
        tracing::error!(service = S::NAME, cause = ?fault, "no metrics were served");
    }
    telemetry.shutdown().await;
    outcome
}

/// Panics are logged by their place in the code. Their words stay out: they may
/// quote the value at fault.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic: please report this place in the code");
    }));
}

/// Returns at SIGTERM or SIGINT.
pub async fn terminated() {
    let (Ok(mut term), Ok(mut int)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        // Without handlers the signals end the process by themselves.
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}
