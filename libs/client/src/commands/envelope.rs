//! `envelope`: explained without a key, and its recipients changed.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crypto::stream::file::{Header, PREAMBLE_LEN, header_len, is_sealed};
use kernel::{Clock as _, SystemClock};
use proto::envelope::v1::{Envelope, KeyPurpose, RewrapRequest};

use super::{Problem, Result, keys, named, signers};
use crate::explain::Explained;
use crate::rewrapping::{self, Change, Changed};
use crate::sealing::{self, EnvelopeFile, OwnKeys};
use crate::session::{EdgeArguments, Session};
use console::terminal::{complain, say};

/// The largest file that is read whole: far above every envelope.
const LARGEST: u64 = 64 * 1024 * 1024;

#[derive(clap::Args)]
pub struct EnvelopeCommand {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    edge: EdgeArguments,
}

#[derive(clap::Subcommand)]
enum Action {
    /// Explain an envelope, a sealed file or an evidence bundle: who, for whom, until when,
    /// how, and what of it is checked. Needs neither a key nor the mesh.
    Show {
        /// The file; - is standard input.
        file: PathBuf,
    },
    /// Change who can open an envelope, without touching its content. Done here
    /// with your own keys; you must be a recipient. Who is removed may have
    /// opened it before.
    Rewrap(Rewrap),
}

#[derive(clap::Args)]
struct Rewrap {
    /// The envelope; - is standard input.
    file: PathBuf,
    /// A key to add as a recipient, once for each.
    #[arg(long, value_name = "KEY")]
    add: Vec<String>,
    /// A recipient's key to remove, once for each.
    #[arg(long, value_name = "KEY")]
    remove: Vec<String>,
    /// Wrap anew for each recipient whose key has a newer version.
    #[arg(long)]
    renew: bool,
    /// Let the mesh do it, with a recipient's key that it keeps.
    #[arg(long)]
    by_mesh: bool,
    /// The key that the mesh keeps to sign the change with.
    #[arg(long, value_name = "KEY", requires = "by_mesh")]
    signing_key: Option<String>,
    /// Where the envelope goes; - is standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

impl EnvelopeCommand {
    pub async fn run(self) -> Result<()> {
        match self.action {
            Action::Show { file } => {
                let told = explained(&file)?;
                let out = self.edge.output();
                if out.json {
                    say(serde_json::to_string_pretty(&told).map_err(Problem::new)?);
                } else {
                    told.tree().lines().iter().for_each(say);
                }
                Ok(())
            }
            Action::Rewrap(rewrap) => rewrap.run(&self.edge).await,
        }
    }
}

/// A sealed file may be larger than memory: its header is enough.
fn explained(path: &Path) -> Result<Explained> {
    let now = SystemClock.now();
    let mut bytes = Vec::new();
    let problem = |error: io::Error| Problem::file(path, error);
    let (mut source, length): (Box<dyn io::Read>, _) = match path == Path::new("-") {
        true => (Box::new(io::stdin()), None),
        false => {
            let file = std::fs::File::open(path).map_err(problem)?;
            let length = file.metadata().map_err(problem)?.len();
            (Box::new(file), Some(length))
        }
    };
    let preamble = u64::try_from(PREAMBLE_LEN).map_err(Problem::new)?;
    source.by_ref().take(preamble).read_to_end(&mut bytes).map_err(problem)?;
    if !is_sealed(&bytes) {
        source.take(LARGEST).read_to_end(&mut bytes).map_err(problem)?;
        return Explained::read(&bytes, now);
    }
    let wrong = |error| Problem::file(path, format_args!("no sealed file: {error}"));
    let preamble: &[u8; PREAMBLE_LEN] =
        bytes.first_chunk().ok_or_else(|| Problem::file(path, "the sealed file was cut"))?;
    let header = u64::try_from(header_len(preamble).map_err(wrong)?).map_err(Problem::new)?;
    let mut json = Vec::new();
    source.by_ref().take(header).read_to_end(&mut json).map_err(problem)?;
    let begins = header.saturating_add(u64::try_from(PREAMBLE_LEN).map_err(Problem::new)?);
    let body = match length {
        Some(length) => length.saturating_sub(begins),
        None => io::copy(&mut source, &mut io::sink()).map_err(problem)?,
    };
    Explained::sealed_file(&Header::parse(&json).map_err(wrong)?, body, now)
}

impl Rewrap {
    async fn run(self, edge: &EdgeArguments) -> Result<()> {
        if self.add.is_empty() && self.remove.is_empty() && !self.renew {
            return Err(Problem::new("There is nothing to change.")
                .help("Give --add, --remove or --renew."));
        }
        let envelope = EnvelopeFile::parse(&super::read(&self.file)?)?;
        let session = edge.session().await?;
        let done = match self.by_mesh {
            true => self.by_mesh(&session, &envelope).await?,
            false => self.here(&session, &envelope).await?,
        };
        super::write(&self.out, &EnvelopeFile::write(&done.envelope)?)?;
        let told = match done.amended {
            true => "signed by you as a change of the recipients",
            false => "as it was sealed",
        };
        complain(format_args!("{} keys renewed; the manifest is {told}.", done.renewed));
        Ok(())
    }

    async fn here(&self, session: &Session, envelope: &Envelope) -> Result<Changed> {
        let own = OwnKeys::of(session)?;
        let signers = signers::of(session, envelope).await?;
        let sealing = keys::all(session, KeyPurpose::Seal).await?;
        let mut add = Vec::new();
        for name in &self.add {
            add.push(sealing::key(&session.edge, &named("keys", name)).await?);
        }
        let remove = self.remove.iter().map(|name| named("keys", name)).collect();
        let change = Change { add, remove, renew: self.renew };
        rewrapping::rewrap(envelope, (&signers, &sealing), &own, &change)
    }

    async fn by_mesh(&self, session: &Session, envelope: &Envelope) -> Result<Changed> {
        let names = |given: &[String]| given.iter().map(|name| named("keys", name)).collect();
        let signing_key = self.signing_key.as_ref().map(|name| named("keys", name));
        let request = RewrapRequest {
            manifest: envelope.manifest.clone(),
            wrapped_keys: sealing::wrapped_keys(envelope)?,
            add_recipients: names(&self.add),
            remove_recipients: names(&self.remove),
            renew: self.renew,
            signing_key: signing_key.unwrap_or_default(),
        };
        let answer = session.edge.envelopes().rewrap(request).await?.into_inner();
        let content = sealing::with_wrapped_keys(envelope, &answer.wrapped_keys)?;
        let amended = answer.manifest != envelope.manifest;
        let envelope = Envelope { manifest: answer.manifest, content };
        Ok(Changed { envelope, renewed: usize::try_from(answer.renewed).unwrap_or(0), amended })
    }
}
