//! `seal`, `open`, `verify`.

use std::path::PathBuf;

use crypto::Limits;
use crypto::envelope::Manifest;
use proto::envelope::v1::{Envelope, Key, KeyPurpose, OpenRequest, VerifyRequest};
use serde_json::json;

use super::{Problem, Result, keys, named, span};
use crate::output::time;
use crate::sealing::{self, EnvelopeFile, Letter, OwnKeys, RESPONSE_SIGN};
use crate::session::{EdgeArguments, Session, request_id};

#[derive(clap::Args)]
pub struct Seal {
    /// The text; - is standard input.
    file: PathBuf,
    /// A recipient's key, once for each.
    #[arg(long = "to", value_name = "KEY", default_value = "response-seal")]
    recipients: Vec<String>,
    /// What the envelope is for: respond, message or store.
    #[arg(long, default_value = "respond")]
    purpose: String,
    /// What the text is; application/json is a chat request in OpenAI's form.
    #[arg(long, value_name = "TYPE", default_value = "text/plain")]
    content_type: String,
    /// How long it may be opened.
    #[arg(long, value_name = "SPAN", default_value = "10m", value_parser = span)]
    lifetime: chrono::Duration,
    /// Where the envelope goes; - is standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    #[command(flatten)]
    edge: EdgeArguments,
}

impl Seal {
    pub async fn run(self) -> Result<()> {
        let mut plaintext = super::read(&self.file)?;
        let session = self.edge.session().await?;
        let own = OwnKeys::of(&session)?;
        let mut recipients = Vec::new();
        for name in &self.recipients {
            let key = sealing::key(&session.edge, &named("keys", name)).await?;
            recipients.push(sealing::primary(&key)?);
        }
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
}

#[derive(clap::Args)]
pub struct Open {
    /// The envelope; - is standard input.
    file: PathBuf,
    /// The sender's key; default: found by its thumbprint among the tenant's.
    #[arg(long, value_name = "KEY")]
    from: Option<String>,
    /// Let the mesh open it, with a key that it keeps.
    #[arg(long, conflicts_with = "from")]
    by_mesh: bool,
    /// Where the plaintext goes; - is standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    #[command(flatten)]
    edge: EdgeArguments,
}

impl Open {
    pub async fn run(self) -> Result<()> {
        let envelope = EnvelopeFile::parse(&super::read(&self.file)?)?;
        let session = self.edge.session().await?;
        if self.by_mesh {
            let request = OpenRequest { envelope: Some(envelope), request_id: request_id() };
            let opened = session.edge.envelopes().open(request).await?.into_inner();
            return super::write(&self.out, &opened.plaintext);
        }
        let own = OwnKeys::of(&session)?;
        let sender = match &self.from {
            Some(name) => sealing::key(&session.edge, &named("keys", name)).await?,
            None => sender(&session, &envelope).await?,
        };
        let opened = sealing::open(&envelope, &sender, &own.sealing)?;
        super::write(&self.out, &opened.plaintext)
    }
}

/// The key of the tenant that the manifest names.
async fn sender(session: &Session, envelope: &Envelope) -> Result<Key> {
    let manifest = Manifest::parse(&envelope.manifest, &Limits::default());
    let claimed = manifest.map_err(sealing::unopenable)?.claimed_sender().to_owned();
    let has = |key: &Key| key.versions.iter().any(|version| version.thumbprint == claimed);
    let response = sealing::key(&session.edge, RESPONSE_SIGN).await?;
    if has(&response) {
        return Ok(response);
    }
    let known = keys::all(session, KeyPurpose::Sign).await?;
    known.into_iter().find(has).ok_or_else(|| {
        Problem::new("The envelope was sealed by somebody whom your tenant does not know.")
    })
}

#[derive(clap::Args)]
pub struct Verify {
    /// The envelope; - is standard input.
    file: PathBuf,
    #[command(flatten)]
    edge: EdgeArguments,
}

impl Verify {
    pub async fn run(self) -> Result<()> {
        let envelope = EnvelopeFile::parse(&super::read(&self.file)?)?;
        let session = self.edge.session().await?;
        let request = VerifyRequest { envelope: Some(envelope) };
        let answer = session.edge.envelopes().verify(request).await?.into_inner();
        let manifest = answer.manifest.unwrap_or_default();
        session.out.object(&json!({
            "id": manifest.id,
            "sender": manifest.sender,
            "sender_version": manifest.sender_version,
            "recipients": manifest.recipients,
            "purpose": manifest.purpose,
            "issue_time": time(manifest.issue_time.as_ref()),
            "expire_time": time(manifest.expire_time.as_ref()),
        }));
        Ok(())
    }
}
