//! `detect`, `anonymize`, `restore`, `recognizers`.

use std::path::PathBuf;

use proto::anonymizer::v1::{
    AnonymizeRequest, DetectRequest, DetectionOptions, Finding, ListRecognizersRequest, Operator,
    RestoreRequest,
};
use serde_json::{Value, json};

use super::Result;
use crate::output::raw;
use crate::session::EdgeArguments;

#[derive(clap::Args)]
struct Detection {
    /// Only this type of personal data, once for each.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Leave out findings below this score, 0 to 1.
    #[arg(long, value_name = "SCORE", default_value_t = 0.0, hide_default_value = true)]
    min_score: f64,
    /// A text that is never a finding, once for each.
    #[arg(long = "allow", value_name = "TEXT")]
    allow_list: Vec<String>,
}

impl From<Detection> for DetectionOptions {
    fn from(detection: Detection) -> Self {
        let Detection { types, min_score, allow_list } = detection;
        Self { types, min_score, allow_list }
    }
}

#[derive(clap::Args)]
pub struct Detect {
    /// The text; - is standard input.
    file: PathBuf,
    #[command(flatten)]
    detection: Detection,
    #[command(flatten)]
    edge: EdgeArguments,
}

impl Detect {
    pub async fn run(self) -> Result<()> {
        let text = super::read_text(&self.file)?;
        let session = self.edge.session().await?;
        let request = DetectRequest { text: text.clone(), options: Some(self.detection.into()) };
        let answer = session.edge.texts().detect(request).await?.into_inner();
        let rows: Vec<_> =
            answer.findings.iter().map(|finding| finding_json(finding, &text)).collect();
        session.out.list(&rows, &["type", "start", "end", "score", "text"]);
        Ok(())
    }
}

fn finding_json(finding: &Finding, text: &str) -> Value {
    let range = usize::try_from(finding.start).ok().zip(usize::try_from(finding.end).ok());
    json!({
        "type": finding.r#type,
        "start": finding.start,
        "end": finding.end,
        "score": (finding.score * 100.0).round() / 100.0,
        "recognizer": finding.recognizer,
        "text": range.and_then(|(start, end)| text.get(start..end)),
    })
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_shows_its_text_and_survives_nonsense() {
        let finding = Finding { start: 3, end: 8, ..Finding::default() };
        assert_eq!(finding_json(&finding, "to Ellen.")["text"], "Ellen");
        for (start, end) in [(-1, 2), (5, 3), (0, 99)] {
            let finding = Finding { start, end, ..Finding::default() };
            assert_eq!(finding_json(&finding, "to Ellen.")["text"], Value::Null);
        }
    }
}
