//! `recognizers`: those of the mesh, and the tenant's own.

use std::path::{Path, PathBuf};

use console::output::raw;
use proto::anonymizer::v1::{
    AddEntriesRequest, CreateRecognizerRequest, DeleteRecognizerRequest, GetRecognizerRequest,
    ListRecognizersRequest, ListStoredRecognizersRequest, StoredRecognizer, TryRecognizerRequest,
    UpdateRecognizerRequest,
};
use scan::offsets::Unit;
use serde_json::{Value, json};

use super::{Problem, Result, named};
use crate::session::{EdgeArguments, Session};

/// Bytes of the entries of one request; the edge takes 8 MiB.
const PAGE: usize = 4 * 1024 * 1024;

#[derive(clap::Args)]
pub struct Recognizers {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    edge: EdgeArguments,
}

#[derive(clap::Args)]
struct Source {
    /// The document, as docs/custom-recognizers.md describes it.
    document: PathBuf,
    /// The entries of its dictionary, one a line.
    #[arg(long, value_name = "FILE")]
    entries: Option<PathBuf>,
}

#[derive(clap::Subcommand)]
enum Action {
    /// List your tenant's own.
    Stored,
    /// Store one, or a new revision of it; large dictionaries go in pages.
    Store(Source),
    /// Show what one that is not stored finds in a text.
    Try {
        #[command(flatten)]
        source: Source,
        /// The text; - is standard input.
        #[arg(long, value_name = "FILE")]
        sample: PathBuf,
    },
    /// Print the document of one.
    Show {
        /// NAME, or NAME@3 for its third revision.
        name: String,
    },
    /// Delete one with all its revisions.
    Delete { name: String },
}

impl Recognizers {
    pub async fn run(self) -> Result<()> {
        let session = self.edge.session().await?;
        match self.action {
            None => list(&session).await,
            Some(Action::Stored) => stored(&session).await,
            Some(Action::Store(source)) => store(&session, &source).await,
            Some(Action::Try { source, sample }) => attempt(&session, &source, &sample).await,
            Some(Action::Show { name }) => {
                let name = named("recognizers", &name);
                let request = GetRecognizerRequest { name };
                let answer = session.edge.recognizers().get_recognizer(request).await?;
                let known = answer.into_inner().recognizer.unwrap_or_default();
                raw(known.document.as_bytes())
            }
            Some(Action::Delete { name }) => {
                let name = named("recognizers", &name);
                let request = DeleteRecognizerRequest { name, etag: String::new() };
                session.edge.recognizers().delete_recognizer(request).await?;
                Ok(())
            }
        }
    }
}

async fn list(session: &Session) -> Result<()> {
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

async fn stored(session: &Session) -> Result<()> {
    let request = ListStoredRecognizersRequest { page_size: 1_000, page_token: String::new() };
    let page = session.edge.recognizers().list_stored_recognizers(request).await?.into_inner();
    let rows: Vec<_> = page.recognizers.iter().map(row).collect();
    session.out.list(&rows, &["name", "type", "revision", "entries", "always"]);
    Ok(())
}

fn row(known: &StoredRecognizer) -> Value {
    json!({
        "name": known.name,
        "type": known.r#type,
        "revision": known.revision,
        "entries": known.entry_count,
        "always": known.always,
    })
}

impl Source {
    fn read(&self) -> Result<(String, Vec<Vec<String>>)> {
        let document = super::read_text(&self.document)?;
        let text = match &self.entries {
            Some(path) => super::read_text(path)?,
            None => String::new(),
        };
        let (mut pages, mut page, mut size) = (Vec::new(), Vec::new(), 0);
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            if size + line.len() > PAGE {
                pages.push(std::mem::take(&mut page));
                size = 0;
            }
            // With what the message has around it.
            size += line.len() + 4;
            page.push(line.to_owned());
        }
        pages.push(page);
        Ok((document, pages))
    }
}

async fn store(session: &Session, source: &Source) -> Result<()> {
    let (document, pages) = source.read()?;
    let mut pages = pages.into_iter();
    let entries = pages.next().unwrap_or_default();
    let given = StoredRecognizer { document, entries, ..StoredRecognizer::default() };
    let mut edge = session.edge.recognizers();
    let request = CreateRecognizerRequest { recognizer: Some(given.clone()) };
    let mut known = match edge.create_recognizer(request).await {
        Ok(answer) => answer.into_inner().recognizer,
        Err(status) if status.code() == tonic::Code::AlreadyExists => {
            let name = name_of(&given.document)?;
            let request =
                UpdateRecognizerRequest { recognizer: Some(StoredRecognizer { name, ..given }) };
            edge.update_recognizer(request).await?.into_inner().recognizer
        }
        Err(status) => return Err(status.into()),
    }
    .unwrap_or_default();
    for entries in pages {
        let StoredRecognizer { name, etag, .. } = known;
        let request = AddEntriesRequest { name, etag, entries };
        known = edge.add_entries(request).await?.into_inner().recognizer.unwrap_or_default();
    }
    session.out.object(&row(&known));
    Ok(())
}

/// The resource that a document is of.
fn name_of(document: &str) -> Result<String> {
    let known: toml::Table = toml::from_str(document).map_err(Problem::new)?;
    let name = known.get("name").and_then(|name| name.as_str());
    Ok(named("recognizers", name.unwrap_or_default()))
}

async fn attempt(session: &Session, source: &Source, sample: &Path) -> Result<()> {
    let (document, pages) = source.read()?;
    let text = super::read_text(sample)?;
    let request = TryRecognizerRequest {
        document,
        entries: pages.into_iter().flatten().collect(),
        sample: text.clone(),
        ..TryRecognizerRequest::default()
    };
    let answer = session.edge.recognizers().try_recognizer(request).await?.into_inner();
    let findings = super::detect::findings(&answer.findings, &text)?;
    let rows = scan::choice::rows(&text, &findings, Unit::Bytes);
    session.out.list(&rows, &["type", "start", "end", "score", "text"]);
    Ok(())
}
