//! `anonymize`, `restore`.

use std::path::PathBuf;
use std::sync::Arc;

use clap::ColorChoice;
use pii::{EntityType, Finding};
use proto::anonymizer::v1::{Action, AnonymizeRequest, Operator};
use rewriting::kept;
use serde_json::{Value, json};

use super::detect::{Detection, coloured};
use super::documents::{self, FileArguments};
use super::{Problem, Result};
use crate::session::EdgeArguments;
use console::output::raw;
use console::terminal::{complain, say};

#[derive(Clone, Copy, clap::ValueEnum)]
enum How {
    /// A short token that `restore` understands.
    Placeholder,
    /// Removed.
    Redact,
    /// Letters and digits become `*`.
    Mask,
    /// The type's name.
    Replace,
    /// The same for the same subject in your tenant, and in no other.
    Hash,
    /// A token that `restore` opens, without a mapping.
    Encrypt,
    /// A token of the vault; it opens for those who may, until the subject is erased.
    Tokenize,
    /// Other letters and digits in the same places.
    FormatPreserving,
    /// Another day; by --subject.
    DateShift,
    /// A made-up value of the same kind.
    Surrogate,
}

impl From<How> for Operator {
    fn from(how: How) -> Self {
        match how {
            How::Placeholder => Self::Placeholder,
            How::Redact => Self::Redact,
            How::Mask => Self::Mask,
            How::Replace => Self::Replace,
            How::Hash => Self::Hash,
            How::Encrypt => Self::Encrypt,
            How::Tokenize => Self::Tokenize,
            How::FormatPreserving => Self::FormatPreserving,
            How::DateShift => Self::DateShift,
            How::Surrogate => Self::Surrogate,
        }
    }
}

#[derive(clap::Args)]
pub struct Anonymize {
    /// The text; - is standard input.
    file: PathBuf,
    /// What stands instead of a finding.
    #[arg(long, value_enum, default_value = "placeholder", conflicts_with = "policy")]
    operator: How,
    /// A policy instead: gdpr, hipaa-safe-harbor, ccpa, pci-dss or one of your tenant's; NAME@3
    /// is its third revision.
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// Whose text it is: all dates of one subject are shifted alike.
    #[arg(long, value_name = "WHO", default_value = "", hide_default_value = true)]
    subject: String,
    /// Only list what would be done.
    #[arg(long, conflicts_with = "mapping")]
    dry_run: bool,
    /// Show what was replaced in colours; auto: on a terminal, unless NO_COLOR is set.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,
    /// Where to keep what `restore` needs; it is encrypted.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    #[command(flatten)]
    files: FileArguments,
    #[command(flatten)]
    detection: Detection,
    #[command(flatten)]
    edge: EdgeArguments,
}

impl Anonymize {
    pub async fn run(self) -> Result<()> {
        let text = super::read_text(&self.file)?;
        let session = self.edge.session().await?;
        let operator = self.policy.is_none().then(|| Operator::from(self.operator).into());
        let request = AnonymizeRequest {
            options: Some(self.detection.into()),
            operator: operator.unwrap_or_default(),
            policy: self.policy.map(|name| super::named("policies", &name)).unwrap_or_default(),
            subject: self.subject,
            dry_run: self.dry_run,
            ..AnonymizeRequest::default()
        };
        let format = self.files.format(&self.file);
        let done = documents::anonymize(&session.edge, &self.file, &text, format, request).await?;
        if self.dry_run {
            let rows: Vec<_> = done.actions().map(|action| row(action, &text)).collect();
            session.out.list(&rows, &["type", "operator", "start", "end", "text"]);
            return Ok(());
        }
        if let Some(path) = &self.mapping {
            super::write(path, &kept::to_bytes(&done.kept))?;
        }
        if !self.files.is_standard_output() {
            return self.files.write(done.text.as_bytes());
        }
        if session.out.json {
            let findings: usize = done.answers.iter().map(|answer| answer.findings.len()).sum();
            session.out.object(&json!({ "text": done.text, "findings": findings }));
            return Ok(());
        }
        if coloured(self.color) {
            let made: Option<Vec<_>> = done.actions().map(made).collect();
            let made = made.filter(|made| made.iter().all(|one| lies_in(one, &done.text)));
            let made =
                made.ok_or_else(|| Problem::new("The mesh named a place outside the text."))?;
            say(scan::view::marked(&done.text, &made));
            return Ok(());
        }
        raw(done.text.as_bytes())
    }
}

/// Where the result of an action stands in the new text.
fn made(action: &Action) -> Option<Finding> {
    let range =
        usize::try_from(action.output_start).ok()?..usize::try_from(action.output_end).ok()?;
    let (entity, recognizer) = (EntityType::new(&action.r#type), Arc::from("mesh"));
    Some(Finding { entity, range, score: 1.0, recognizer })
}

fn lies_in(finding: &Finding, text: &str) -> bool {
    text.get(finding.range.clone()).is_some()
}

fn row(action: &Action, text: &str) -> Value {
    let range = usize::try_from(action.start).ok().zip(usize::try_from(action.end).ok());
    let operator = action.operator().as_str_name().trim_start_matches("OPERATOR_").to_lowercase();
    json!({
        "type": action.r#type,
        "operator": operator,
        "start": action.start,
        "end": action.end,
        "text": range.and_then(|(start, end)| text.get(start..end)),
    })
}

#[derive(clap::Args)]
pub struct Restore {
    /// The text with placeholders or tokens; - is standard input.
    file: PathBuf,
    /// What `anonymize` has kept; encrypted tokens need none.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    #[command(flatten)]
    files: FileArguments,
    #[command(flatten)]
    edge: EdgeArguments,
}

impl Restore {
    pub async fn run(self) -> Result<()> {
        let text = super::read_text(&self.file)?;
        let mapping = match &self.mapping {
            Some(path) => super::read(path)?.to_vec(),
            None => Vec::new(),
        };
        let session = self.edge.session().await?;
        let format = self.files.format(&self.file);
        let restored = documents::restore(&session.edge, &self.file, &text, format, &mapping);
        let restored = restored.await?;
        if restored.unopened > 0 {
            complain(format!("{} tokens stayed closed.", restored.unopened));
        }
        self.files.write(restored.text.as_bytes())
    }
}
