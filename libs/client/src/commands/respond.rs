//! `respond`: the main job in one command.

use std::path::PathBuf;

use proto::envelope::v1::Envelope;

use super::{Problem, Result};
use crate::asking::{self, Answer, Question};
use crate::sealing::{self, EnvelopeFile, Letter, OwnKeys, RESPONSE_SEAL};
use crate::session::{EdgeArguments, Session};
use console::output::raw;
use console::terminal::complain;

#[derive(clap::Args)]
pub struct Respond {
    /// The message; - is standard input.
    file: PathBuf,
    /// The model; default: the mesh's.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["chat", "sealed"])]
    model: Option<String>,
    /// The file is a chat request in OpenAI's JSON.
    #[arg(long)]
    chat: bool,
    /// The file is an envelope, sealed before for response-seal.
    #[arg(long, conflicts_with = "chat")]
    sealed: bool,
    /// Print the answer while it comes.
    #[arg(long)]
    stream: bool,
    /// Requests with the same conversation get the same placeholders.
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    conversation: String,
    /// Print to standard error what was replaced and what the provider was sent.
    #[arg(long)]
    receipt: bool,
    #[command(flatten)]
    edge: EdgeArguments,
}

impl Respond {
    pub async fn run(self) -> Result<()> {
        let session = self.edge.session().await?;
        let own = OwnKeys::of(&session)?;
        let question = Question {
            envelope: self.envelope(&session, &own).await?,
            tenant: session.profile.state.tenant.clone(),
            conversation: self.conversation.clone(),
            include_sent: self.receipt,
        };
        let answer = if self.stream && !session.out.json {
            let answer = asking::stream(&session.edge, &own, question, |piece| {
                // A reader that has gone away does not end the exchange.
                let _ = raw(piece.as_bytes());
            });
            let answer = answer.await?;
            raw(b"\n")?;
            answer
        } else {
            let answer = asking::respond(&session.edge, &own, question).await?;
            if session.out.json {
                session.out.object(&answer.completion);
            } else {
                raw(format!("{}\n", answer.text).as_bytes())?;
            }
            answer
        };
        if self.receipt {
            tell(&session, &answer);
        }
        Ok(())
    }

    async fn envelope(&self, session: &Session, own: &OwnKeys) -> Result<Envelope> {
        let mut plaintext = super::read(&self.file)?;
        if self.sealed {
            return EnvelopeFile::parse(&plaintext);
        }
        if let Some(model) = &self.model {
            let text = std::str::from_utf8(&plaintext);
            let text = text.map_err(|_| Problem::file(&self.file, "the text is not UTF-8"))?;
            *plaintext = asking::chat(model, text).to_string().into_bytes();
        }
        let json = self.chat || self.model.is_some();
        let recipient = sealing::primary(&sealing::key(&session.edge, RESPONSE_SEAL).await?)?;
        let letter = Letter {
            tenant: &session.profile.state.tenant,
            purpose: "respond",
            content_type: if json { "application/json" } else { "text/plain" },
            lifetime: chrono::Duration::minutes(10),
            plaintext: std::mem::take(&mut *plaintext),
        };
        sealing::seal(letter, &own.signing, &[recipient])
    }
}

fn tell(session: &Session, answer: &Answer) {
    let receipt = serde_json::to_string_pretty(&answer.receipt).unwrap_or_default();
    complain(format_args!("receipt: {receipt}"));
    complain(format_args!("request {}, trace {}", answer.request_id, session.edge.trace()));
}
