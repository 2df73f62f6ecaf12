//! The subcommands of the client: a file a group.

pub mod account;
mod certificates;
mod detect;
mod documents;
mod envelope;
mod envelopes;
pub mod events;
mod files;
mod kek;
mod key_changes;
mod key_transfer;
mod keyring;
pub mod keys;
mod log;
pub mod prompts;
mod recognizers;
mod respond;
pub mod signers;
mod texts;
mod tokens;
mod verify;

use console::arguments::{label, named, read, read_text, span, write};
use console::problem::{Problem, Result};

#[derive(clap::Subcommand)]
pub enum Command {
    /// Exchange a password for an access token of 15 minutes.
    #[command(name = "log-in")]
    LogIn(account::LogIn),
    /// Say who the credential belongs to.
    Whoami(account::WhoAmI),
    /// Users of your tenant.
    Users(account::Users),
    /// API keys, for programs.
    ApiKeys(account::ApiKeys),
    /// Keys that seal and sign: kept by the mesh, or your own.
    Keys(keys::Keys),
    /// The file that holds the tenants' KEKs: look, check, rekey, back up, restore.
    Keyring(keyring::Keyring),
    /// The key that wraps all others: its versions, and their rotation with a certificate.
    Kek(kek::Kek),
    /// That keys were destroyed: signed statements, listed and verified.
    Certificates(certificates::Certificates),
    /// Texts stored encrypted, with revisions.
    Prompts(prompts::Prompts),
    /// Seal and sign a text here, with your own key, to an envelope.
    Seal(envelopes::Seal),
    /// Verify and open an envelope here, with your own key.
    Open(envelopes::Open),
    /// Have the mesh say who sealed an envelope, for whom and when; or verify
    /// an evidence bundle here, without the mesh.
    Verify(verify::Verify),
    /// Explain an envelope without a key, and change its recipients.
    Envelope(envelope::EnvelopeCommand),
    /// Collect all that proves what happened to an envelope, in one file.
    Evidence(verify::Evidence),
    /// Ask a model: seal here, send, receive, verify and open here.
    Respond(respond::Respond),
    /// Find personal data in a text: by the mesh, or here without one.
    Detect(detect::Detect),
    /// Replace personal data in a text.
    Anonymize(texts::Anonymize),
    /// Put the originals back into a text with placeholders.
    Restore(texts::Restore),
    /// The token vault: open tokens, erase a subject.
    Tokens(tokens::Tokens),
    /// List what can be found, and by which recognizer; keep recognizers of your own.
    Recognizers(recognizers::Recognizers),
    /// Events of your tenant, and proofs that they are in the log.
    Events(events::Events),
    /// The log itself.
    Log(log::Log),
    /// Print the error catalogue as Markdown.
    Errors,
    /// Print a completion script for a shell.
    Completion(Completion),
    /// Print the reference of all subcommands as Markdown.
    #[command(hide = true)]
    Reference,
    /// Print the catalogue of recognizers as Markdown.
    #[command(hide = true)]
    Catalogue,
}

#[derive(clap::Args)]
pub struct Completion {
    /// bash, zsh, fish, elvish or powershell.
    shell: clap_complete::Shell,
}

/// Runs a subcommand. `command` is the whole command line's description.
pub async fn run(subcommand: Command, command: clap::Command) -> Result<()> {
    match subcommand {
        Command::LogIn(arguments) => arguments.run().await,
        Command::Whoami(arguments) => arguments.run().await,
        Command::Users(arguments) => arguments.run().await,
        Command::ApiKeys(arguments) => arguments.run().await,
        Command::Keys(arguments) => arguments.run().await,
        Command::Keyring(arguments) => arguments.run(),
        Command::Kek(arguments) => arguments.run().await,
        Command::Certificates(arguments) => arguments.run().await,
        Command::Prompts(arguments) => arguments.run().await,
        Command::Seal(arguments) => arguments.run().await,
        Command::Open(arguments) => arguments.run().await,
        Command::Verify(arguments) => arguments.run().await,
        Command::Envelope(arguments) => arguments.run().await,
        Command::Evidence(arguments) => arguments.run().await,
        Command::Respond(arguments) => arguments.run().await,
        Command::Detect(arguments) => arguments.run().await,
        Command::Anonymize(arguments) => arguments.run().await,
        Command::Restore(arguments) => arguments.run().await,
        Command::Tokens(arguments) => arguments.run().await,
        Command::Recognizers(arguments) => arguments.run().await,
        Command::Events(arguments) => arguments.run().await,
        Command::Log(arguments) => arguments.run(),
        Command::Errors => console::output::raw(console::errors::markdown().as_bytes()),
        Command::Reference => {
            console::output::raw(console::reference::markdown(command).as_bytes())
        }
        Command::Catalogue => {
            let engine = pii::Engine::standard().map_err(Problem::new)?;
            console::output::raw(scan::catalogue::markdown(&engine).as_bytes())
        }
        Command::Completion(Completion { shell }) => {
            let mut script = Vec::new();
            let mut command = command;
            clap_complete::generate(shell, &mut command, "signet", &mut script);
            console::output::raw(&script)
        }
    }
}

fn labels(labels: &[(String, String)]) -> Vec<proto::common::v1::KeyValue> {
    let pair = |(key, value): &(String, String)| proto::common::v1::KeyValue {
        key: key.clone(),
        value: value.clone(),
    };
    labels.iter().map(pair).collect()
}

fn proto_span(span: chrono::Duration) -> prost_types::Duration {
    prost_types::Duration { seconds: span.num_seconds(), nanos: 0 }
}
