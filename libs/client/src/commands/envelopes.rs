//! `seal`, `open`.

use std::path::PathBuf;

use crypto::stream::file;
use crypto::{Limits, PublicKey};
use proto::envelope::v1::{Envelope, Key, OpenRequest};

use super::{Problem, Result, files, named, signers, span};
use crate::sealed_file::{self, Range};
use crate::sealing::{self, EnvelopeFile, Letter, OwnKeys};
use crate::session::{EdgeArguments, Session, request_id};
use crate::transfer::Input;

#[derive(clap::Args)]
pub struct Seal {
    /// The text, or a file of any size; - is standard input.
    pub(super) file: PathBuf,
    /// A recipient's key, once for each.
    #[arg(long = "to", value_name = "KEY", default_value = "response-seal")]
    pub(super) recipients: Vec<String>,
    /// What the envelope is for: respond, message or store.
    #[arg(long, default_value = "respond")]
    pub(super) purpose: String,
    /// What the text is; application/json is a chat request in OpenAI's form.
    #[arg(long, value_name = "TYPE", default_value = "text/plain")]
    pub(super) content_type: String,
    /// How long it may be opened.
    #[arg(long, value_name = "SPAN", default_value = "10m", value_parser = span)]
    pub(super) lifetime: chrono::Duration,
    /// Seal as a stream, which can be of any size and read from anywhere; so is
    /// sealed what is larger than 8 MiB in any case.
    #[arg(long)]
    pub(super) stream: bool,
    /// Where the envelope goes; - is standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(super) out: PathBuf,
    #[command(flatten)]
    pub(super) edge: EdgeArguments,
}

impl Seal {
    pub async fn run(self) -> Result<()> {
        let limit = Limits::default().content;
        let mut input = Input::open(&self.file)?;
        let large = match input.length() {
            Some(length) => length > limit as u64,
            None => !self.stream && input.peek(limit + 1)?.len() > limit,
        };
        if self.stream || large {
            return files::seal(self, input).await;
        }
        let mut plaintext = input.whole()?;
        let session = self.edge.session().await?;
        let own = OwnKeys::of(&session)?;
        let recipients = self.recipients(&session).await?;
        let letter = Letter {
            tenant: &session.profile.state.tenant,
            purpose: &self.purpose,
            content_type: &self.content_type,
            lifetime: self.lifetime,
            plaintext: std::mem::take(&mut *plaintext),
        };
        let envelope = sealing::seal(letter, &own.signing, &recipients)?;
        super::write(&self.out, &EnvelopeFile::write(&envelope)?)
    }

    pub(super) async fn recipients(&self, session: &Session) -> Result<Vec<PublicKey>> {
        let mut recipients = Vec::new();
        for name in &self.recipients {
            let key = sealing::key(&session.edge, &named("keys", name)).await?;
            recipients.push(sealing::primary(&key)?);
        }
        Ok(recipients)
    }
}

#[derive(clap::Args)]
pub struct Open {
    /// The envelope, or the sealed file; - is standard input.
    pub(super) file: PathBuf,
    /// The sender's key; default: found by its thumbprint among the tenant's.
    #[arg(long, value_name = "KEY")]
    from: Option<String>,
    /// Let the mesh open it, with a key that it keeps. A stream must be through
    /// within --timeout.
    #[arg(long, conflicts_with = "from")]
    pub(super) by_mesh: bool,
    /// Only these bytes of a stream's plaintext: START..END, each may be missing.
    /// Needs a file, and reads only what it must.
    #[arg(long, value_name = "START..END", conflicts_with = "by_mesh", value_parser = sealed_file::range)]
    pub(super) range: Option<Range>,
    /// Where the plaintext goes; - is standard output. A file appears only when
    /// all of it is verified. To standard output a stream goes piece by piece,
    /// each verified: whether all has come, the exit status says.
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(super) out: PathBuf,
    #[command(flatten)]
    pub(super) edge: EdgeArguments,
}

impl Open {
    pub async fn run(self) -> Result<()> {
        let mut input = Input::open(&self.file)?;
        if file::is_sealed(input.peek(file::PREAMBLE_LEN)?) {
            return files::open(self, input).await;
        }
        if self.range.is_some() {
            return Err(Problem::new("Only a stream can be opened in part.")
                .help("Seal with --stream, or open all of it."));
        }
        let envelope = EnvelopeFile::parse(&input.whole()?)?;
        let session = self.edge.session().await?;
        if self.by_mesh {
            let request = OpenRequest { envelope: Some(envelope), request_id: request_id() };
            let opened = session.edge.envelopes().open(request).await?.into_inner();
            return super::write(&self.out, &opened.plaintext);
        }
        let own = OwnKeys::of(&session)?;
        let signers = self.signers(&session, &envelope).await?;
        let opened = sealing::open_by(&envelope, &signers, &own.sealing)?;
        super::write(&self.out, &opened.plaintext)
    }

    /// Whose signatures count.
    pub(super) async fn signers(&self, session: &Session, envelope: &Envelope) -> Result<Vec<Key>> {
        match &self.from {
            Some(name) => Ok(vec![sealing::key(&session.edge, &named("keys", name)).await?]),
            None => signers::of(session, envelope).await,
        }
    }
}
