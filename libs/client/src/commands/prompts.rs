//! `prompts`: texts stored encrypted, with revisions.

use std::path::PathBuf;

use proto::storage::v1::{
    CreatePromptRequest, DeletePromptRequest, GetPromptRequest, ListPromptRevisionsRequest,
    ListPromptsRequest, Prompt, SealPromptRequest, UpdatePromptRequest,
};
use serde_json::{Value, json};

use super::{Problem, Result, label, labels, named, proto_span, span};
use crate::sealing::EnvelopeFile;
use crate::session::{EdgeArguments, Session, request_id};
use console::output::{raw, time};

#[derive(clap::Args)]
pub struct Prompts {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    edge: EdgeArguments,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Store a text, encrypted at rest.
    Create {
        /// The text; - is standard input.
        file: PathBuf,
        /// Not encrypted: put nothing personal here.
        #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
        display_name: String,
        /// KEY=VALUE, once for each; not encrypted.
        #[arg(long = "label", value_name = "LABEL", value_parser = label)]
        labels: Vec<(String, String)>,
    },
    /// Print a prompt's text; the reading is recorded first.
    Get {
        /// The prompt's name or id.
        name: String,
        /// An older revision.
        #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
        revision: i32,
    },
    /// List prompts, newest first.
    List,
    /// List the revisions of a prompt, newest first.
    Revisions {
        /// The prompt's name or id.
        name: String,
    },
    /// Add a revision.
    Update {
        /// The prompt's name or id.
        name: String,
        /// The text; - is standard input.
        file: PathBuf,
        /// Only if the prompt still has this etag.
        #[arg(long, default_value = "", hide_default_value = true)]
        etag: String,
    },
    /// Delete a prompt for good: its data keys are destroyed.
    Delete {
        /// The prompt's name or id.
        name: String,
        /// Only if the prompt still has this etag.
        #[arg(long, default_value = "", hide_default_value = true)]
        etag: String,
    },
    /// Have the mesh seal a stored text, with a signing key that it keeps. The
    /// text does not come here.
    Seal {
        /// The prompt's name or id.
        name: String,
        /// A recipient's key, once for each.
        #[arg(long = "to", value_name = "KEY", default_value = "response-seal")]
        recipients: Vec<String>,
        /// The signing key, kept by the mesh.
        #[arg(long, value_name = "KEY")]
        signing_key: String,
        /// respond, message or store.
        #[arg(long, default_value = "respond")]
        purpose: String,
        /// How long the envelope may be opened.
        #[arg(long, value_name = "SPAN", default_value = "10m", value_parser = span)]
        lifetime: chrono::Duration,
        /// An older revision.
        #[arg(long, value_name = "NUMBER", default_value_t = 0, hide_default_value = true)]
        revision: i32,
        /// Where the envelope goes; - is standard output.
        #[arg(long, value_name = "FILE", default_value = "-")]
        out: PathBuf,
    },
}

impl Prompts {
    pub async fn run(self) -> Result<()> {
        let session = self.edge.session().await?;
        match self.action {
            Action::Create { file, display_name, labels: pairs } => {
                let text = super::read_text(&file)?;
                let labels = labels(&pairs);
                let prompt = Prompt { display_name, text, labels, ..Prompt::default() };
                session.out.object(&prompt_json(&create(&session, prompt).await?));
                Ok(())
            }
            Action::Get { name, revision } => {
                get(&session, &named("prompts", &name), revision).await
            }
            Action::List => {
                let rows: Vec<_> = all(&session).await?.iter().map(prompt_json).collect();
                let columns = ["name", "display_name", "revision", "size_bytes", "update_time"];
                session.out.list(&rows, &columns);
                Ok(())
            }
            Action::Revisions { name } => revisions(&session, &named("prompts", &name)).await,
            Action::Update { name, file, etag } => {
                let text = super::read_text(&file)?;
                let name = named("prompts", &name);
                let prompt = Prompt { name, text, etag, ..Prompt::default() };
                let request =
                    UpdatePromptRequest { prompt: Some(prompt), request_id: request_id() };
                let answer = session.edge.prompts().update_prompt(request).await?.into_inner();
                session.out.object(&prompt_json(&answer.prompt.unwrap_or_default()));
                Ok(())
            }
            Action::Delete { name, etag } => {
                let request = DeletePromptRequest { name: named("prompts", &name), etag };
                let answer = session.edge.prompts().delete_prompt(request).await?.into_inner();
                session.out.object(&json!({ "data_keys_destroyed": answer.data_keys_destroyed }));
                Ok(())
            }
            Action::Seal { name, recipients, signing_key, purpose, lifetime, revision, out } => {
                let request = SealPromptRequest {
                    name: named("prompts", &name),
                    revision,
                    recipients: recipients.iter().map(|key| named("keys", key)).collect(),
                    signing_key: named("keys", &signing_key),
                    purpose,
                    ttl: Some(proto_span(lifetime)),
                };
                let answer = session.edge.prompts().seal_prompt(request).await?.into_inner();
                super::write(&out, &EnvelopeFile::write(&answer.envelope.unwrap_or_default())?)
            }
        }
    }
}

/// Stores a text.
pub async fn create(session: &Session, prompt: Prompt) -> Result<Prompt> {
    let request = CreatePromptRequest { prompt: Some(prompt), request_id: request_id() };
    let answer = session.edge.prompts().create_prompt(request).await?.into_inner();
    answer.prompt.ok_or_else(|| Problem::new("The mesh sent no prompt."))
}

async fn get(session: &Session, name: &str, revision: i32) -> Result<()> {
    let request = GetPromptRequest { name: name.to_owned(), revision };
    let answer = session.edge.prompts().get_prompt(request).await?.into_inner();
    let prompt = answer.prompt.unwrap_or_default();
    if session.out.json {
        let mut shown = prompt_json(&prompt);
        shown["text"] = prompt.text.into();
        session.out.object(&shown);
        return Ok(());
    }
    raw(prompt.text.as_bytes())
}

/// All prompts, newest first, without their texts.
pub async fn all(session: &Session) -> Result<Vec<Prompt>> {
    let (mut prompts, mut page_token) = (Vec::new(), String::new());
    loop {
        let request = ListPromptsRequest { page_size: 1_000, page_token };
        let page = session.edge.prompts().list_prompts(request).await?.into_inner();
        prompts.extend(page.prompts);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            return Ok(prompts);
        }
    }
}

async fn revisions(session: &Session, name: &str) -> Result<()> {
    let (mut rows, mut page_token) = (Vec::new(), String::new());
    loop {
        let request =
            ListPromptRevisionsRequest { name: name.to_owned(), page_size: 1_000, page_token };
        let page = session.edge.prompts().list_prompt_revisions(request).await?.into_inner();
        rows.extend(page.revisions.iter().map(|revision| {
            json!({
                "revision": revision.revision,
                "author": revision.author,
                "size_bytes": revision.size_bytes,
                "create_time": time(revision.create_time.as_ref()),
            })
        }));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    session.out.list(&rows, &["revision", "author", "size_bytes", "create_time"]);
    Ok(())
}

fn prompt_json(prompt: &Prompt) -> Value {
    let labels: Vec<_> =
        prompt.labels.iter().map(|label| format!("{}={}", label.key, label.value)).collect();
    json!({
        "name": prompt.name,
        "display_name": prompt.display_name,
        "revision": prompt.revision,
        "etag": prompt.etag,
        "labels": labels,
        "size_bytes": prompt.size_bytes,
        "create_time": time(prompt.create_time.as_ref()),
        "update_time": time(prompt.update_time.as_ref()),
    })
}
