//! `signet-testkit with postgres,jaeger -- COMMAND …` runs a command with test
//! servers beside it, for what is not a Rust test and for what should share a
//! server. Their addresses are in `SIGNET_TEST_POSTGRES`, `…_VALKEY`,
//! `…_JAEGER_OTLP`, `…_JAEGER_QUERY`, `…_PROVIDER`, `…_VAULT` and
//! `…_VAULT_TOKEN`.

use std::io::Write;
use std::process::{Command, ExitCode};

use testkit::{Error, POSTGRES_VARIABLE, Postgres, Result};

const USAGE: &str = "usage: signet-testkit with postgres[,valkey][,jaeger][,provider][,vault] -- COMMAND [ARGUMENT…]";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            let _written = writeln!(std::io::stderr(), "{error}");
            ExitCode::from(70)
        }
    }
}

fn run(arguments: &[String]) -> Result<u8> {
    let [with, servers, separator, program, rest @ ..] = arguments else {
        return Err(Error::new(USAGE));
    };
    if with != "with" || separator != "--" {
        return Err(Error::new(USAGE));
    }
    let mut command = Command::new(program);
    command.args(rest);
    let mut running: Vec<Box<dyn std::any::Any>> = Vec::new();
    for name in servers.split(',') {
        running.push(start(name, &mut command)?);
    }
    let status = command
        .status()
        .map_err(|cause| Error::new(format!("signet-testkit: {program}: {cause}")))?;
    drop(running);
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// Starts a server, puts its addresses into the command's environment, and
/// gives back what keeps it alive.
fn start(name: &str, command: &mut Command) -> Result<Box<dyn std::any::Any>> {
    Ok(match name {
        "postgres" => {
            let server = Postgres::start()?;
            command.env(POSTGRES_VARIABLE, server.url());
            Box::new(server)
        }
        "valkey" => {
            let server = testkit::valkey()?;
            command.env("SIGNET_TEST_VALKEY", server.url());
            Box::new(server)
        }
        "jaeger" => {
            let server = testkit::jaeger()?;
            command.env("SIGNET_TEST_JAEGER_OTLP", server.otlp_endpoint());
            command.env("SIGNET_TEST_JAEGER_QUERY", server.query_endpoint());
            Box::new(server)
        }
        "provider" => {
            let server = testkit::model_provider()?;
            command.env("SIGNET_TEST_PROVIDER", server.base_url());
            Box::new(server)
        }
        "vault" => {
            let server = testkit::vault::vault()?;
            command.env("SIGNET_TEST_VAULT", server.address());
            command.env("SIGNET_TEST_VAULT_TOKEN", server.root_token());
            Box::new(server)
        }
        other => {
            return Err(Error::new(format!("signet-testkit: no such server: {other}\n{USAGE}")));
        }
    })
}
