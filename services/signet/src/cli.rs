//! The arguments.

use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

use crate::dev::DevArguments;
use crate::mesh_command::MeshCommand;
use console::problem::Problem;
use console::terminal::complain;

/// Use language models on sensitive text without anyone in between reading it.
#[derive(Parser)]
#[command(name = "signet", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the whole mesh here: six services behind one Envoy, on local files.
    Dev(DevArguments),
    /// A mesh whose parts run apart.
    #[command(subcommand)]
    Mesh(MeshCommand),
    #[command(flatten)]
    Client(Box<client::commands::Command>),
}

/// The whole command line's description.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// The `main` of the binary.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(format_args!("signet: no runtime: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let outcome = runtime.block_on(async {
        match arguments.command {
            Command::Dev(arguments) => crate::dev::run(arguments).await.map_err(Problem::from),
            Command::Mesh(command) => crate::mesh_command::run(command).map_err(Problem::from),
            Command::Client(subcommand) => client::commands::run(*subcommand, command()).await,
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            let status = ExitCode::from(problem.status());
            complain(problem);
            status
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_page_is_current() {
        let stored = include_str!("../../../docs/cli.md");
        let current = console::reference::markdown(super::command());
        assert!(stored == current, "docs/cli.md is not current; run: make docs");
        for name in ["signet dev", "signet keys register", "signet events verify"] {
            assert!(current.contains(&format!("\n## {name}\n")), "{name} is missing");
        }
    }

    #[test]
    fn the_description_is_sound() {
        super::command().debug_assert();
    }
}
