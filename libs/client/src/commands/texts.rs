//! `anonymize`, `restore`, `recognizers`.

use std::path::PathBuf;

use proto::anonymizer::v1::{AnonymizeRequest, ListRecognizersRequest, Operator, RestoreRequest};
use serde_json::json;

use super::Result;
use super::detect::Detection;
use crate::output::raw;
use crate::session::EdgeArguments;

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
}

impl From<How> for Operator {
    fn from(how: How) -> Self {
        match how {
            How::Placeholder => Self::Placeholder,
            How::Redact => Self::Redact,
            How::Mask => Self::Mask,
            How::Replace => Self::Replace,
        }
    }
}

#[derive(clap::Args)]
pub struct Anonymize {
    /// The text; - is standard input.
    file: PathBuf,
    /// What stands instead of a finding.
    #[arg(long, value_enum, default_value = "placeholder")]
    operator: How,
    /// Where to keep what `restore` needs; it is encrypted.
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    #[command(flatten)]
    detection: Detection,
    #[command(flatten)]
    edge: EdgeArguments,
}

impl Anonymize {
    pub async fn run(self) -> Result<()> {
        let text = super::read_text(&self.file)?;
        let session = self.edge.session().await?;
        let request = AnonymizeRequest {
            text,
            options: Some(self.detection.into()),
            operator: Operator::from(self.operator).into(),
            ..AnonymizeRequest::default()
        };
        let answer = session.edge.texts().anonymize(request).await?.into_inner();
        if let Some(path) = &self.mapping {
            super::write(path, &answer.mapping)?;
        }
        if session.out.json {
            let findings = answer.findings.len();
            session.out.object(&json!({ "text": answer.text, "findings": findings }));
            return Ok(());
        }
        raw(answer.text.as_bytes())
    }
}

#[derive(clap::Args)]
pub struct Restore {
    /// The text with placeholders; - is standard input.
    file: PathBuf,
    /// What `anonymize` has kept.
    #[arg(long, value_name = "FILE")]
    mapping: PathBuf,
    #[command(flatten)]
    edge: EdgeArguments,
}

impl Restore {
    pub async fn run(self) -> Result<()> {
        let text = super::read_text(&self.file)?;
        let mapping = super::read(&self.mapping)?.to_vec();
        let session = self.edge.session().await?;
        let answer = session.edge.texts().restore(RestoreRequest { text, mapping }).await?;
        raw(answer.into_inner().text.as_bytes())
    }
}

#[derive(clap::Args)]
pub struct Recognizers {
    #[command(flatten)]
    edge: EdgeArguments,
}

impl Recognizers {
    pub async fn run(self) -> Result<()> {
        let session = self.edge.session().await?;
        let (mut rows, mut page_token) = (Vec::new(), String::new());
        loop {
            let request = ListRecognizersRequest { page_size: 1_000, page_token };
            let page = session.edge.texts().list_recognizers(request).await?.into_inner();
            rows.extend(page.recognizers.iter().map(|recognizer| {
                json!({
                    "name": recognizer.name,
                    "type": recognizer.r#type,
                    "languages": recognizer.languages,
                    "description": recognizer.description,
                })
            }));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        session.out.list(&rows, &["type", "name", "languages", "description"]);
        Ok(())
    }
}
