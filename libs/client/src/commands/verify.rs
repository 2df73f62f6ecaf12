//! `verify` and `evidence`: who has sealed what for whom, and what has happened to it.

use std::path::PathBuf;

use crypto::Limits;
use crypto::envelope::Content;
use evidence::{Anchors, Bundle, Event, Proved, Vouched};
use proto::audit::v1::Outcome;
use proto::envelope::v1::{Amendment, Manifest, VerifyRequest};
use serde_json::{Value, json};
use tlog::VerifierKey;

use super::{Problem, Result};
use crate::gathering;
use crate::proofs::parse_identity;
use crate::sealing::EnvelopeFile;
use crate::session::EdgeArguments;
use console::output::{time, word};
use console::terminal::say;
use console::tree::Node;

/// Everything in the bundle agrees, but nobody whom you trust has vouched for it.
const UNANCHORED: u8 = 3;

#[derive(clap::Args)]
pub struct Evidence {
    /// The envelope; - is standard input.
    file: PathBuf,
    /// Where the bundle goes; - is standard output.
    #[arg(long, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    #[command(flatten)]
    edge: EdgeArguments,
}

impl Evidence {
    pub async fn run(self) -> Result<()> {
        let envelope = EnvelopeFile::parse(&super::read(&self.file)?)?;
        let mut session = self.edge.session().await?;
        let bundle = gathering::gather(&mut session, &envelope).await?;
        super::write(&self.out, &bundle.to_json())
    }
}

#[derive(clap::Args)]
pub struct Verify {
    /// The envelope, or an evidence bundle, which needs no mesh; - is standard
    /// input. Status 0: proven. 1: not genuine. 3: a bundle that agrees with
    /// itself, but neither its log nor its sender is known to you.
    file: PathBuf,
    /// For a bundle: the log's verifier key, `name+hash+key`; default: the one
    /// that the profile has pinned.
    #[arg(long, value_name = "KEY")]
    log_key: Option<String>,
    /// For a bundle: who may have sealed it, a thumbprint or a file with a public
    /// JWK, once for each; default: whom the log vouches for.
    #[arg(long = "sender-key", value_name = "KEY")]
    sender_keys: Vec<String>,
    /// For a bundle: the envelope whose content is to be compared.
    #[arg(long, value_name = "FILE")]
    envelope: Option<PathBuf>,
    #[command(flatten)]
    edge: EdgeArguments,
}

impl Verify {
    pub async fn run(self) -> Result<()> {
        let bytes = super::read(&self.file)?;
        if Bundle::is_meant(&bytes) {
            return self.bundle(&bytes);
        }
        if self.log_key.is_some() || !self.sender_keys.is_empty() || self.envelope.is_some() {
            return Err(Problem::new("This is no evidence bundle.")
                .help("`signet evidence` makes one of an envelope."));
        }
        let envelope = EnvelopeFile::parse(&bytes)?;
        let session = self.edge.session().await?;
        let request = VerifyRequest { envelope: Some(envelope) };
        let answer = session.edge.envelopes().verify(request).await?.into_inner();
        session.out.object(&manifest_json(&answer.manifest.unwrap_or_default()));
        Ok(())
    }

    /// Needs nothing but the file and what was given.
    fn bundle(&self, bytes: &[u8]) -> Result<()> {
        let wrong =
            |error| Problem::new(format_args!("The evidence bundle proves nothing: {error}."));
        let bundle = Bundle::parse(bytes).map_err(wrong)?;
        let (log_key, pinned) = self.log_key()?;
        let senders = self.sender_keys.iter().map(|given| gathering::thumbprint(given));
        let anchors = Anchors { log_key, senders: senders.collect::<Result<_>>()? };
        let proved = bundle.verify(&anchors).map_err(wrong)?;
        let content = self.content(&proved)?;
        let told = Told::of(&proved, &bundle.log_key, pinned, content);
        match self.edge.output().json {
            true => say(serde_json::to_string_pretty(&told.json(&proved)).map_err(Problem::new)?),
            false => told.tree(&proved).lines().iter().for_each(say),
        }
        if proved.log_given && proved.sender != Vouched::Nobody {
            return Ok(());
        }
        let help = "Give --log-key (the mesh shows it at /log/vkey) and --sender-key.";
        Err(Problem::new("The bundle agrees with itself, but nobody you know vouches for it.")
            .help(help)
            .with_status(UNANCHORED))
    }

    /// The key given, or the one pinned.
    fn log_key(&self) -> Result<(Option<VerifierKey>, bool)> {
        let pinned = self.log_key.is_none();
        let text = match &self.log_key {
            Some(text) => Some(text.clone()),
            None => self.edge.profile()?.state.log_key,
        };
        let Some(text) = text else { return Ok((None, pinned)) };
        Ok((parse_identity(&text)?.keys.pop(), pinned))
    }

    /// Whether an envelope at hand has the content that was sealed.
    fn content(&self, proved: &Proved) -> Result<bool> {
        let Some(path) = &self.envelope else { return Ok(false) };
        let envelope = EnvelopeFile::parse(&super::read(path)?)?;
        let wrong = |error| Problem::file(path, format_args!("not the content sealed: {error}"));
        let content = Content::parse(&envelope.content, &Limits::default()).map_err(wrong)?;
        proved.manifest.check_content(&content).map_err(wrong)?;
        Ok(true)
    }
}

/// What is proven, by which key, and what is not.
struct Told {
    proven: Vec<String>,
    not_proven: Vec<String>,
}

impl Told {
    fn of(proved: &Proved, log_key: &str, pinned: bool, content: bool) -> Self {
        let claims = proved.manifest.claims();
        let (mut proven, mut not_proven) = (Vec::new(), Vec::new());
        let sender = &claims.sender;
        proven.push(format!("the manifest is signed by the key {sender}"));
        for one in proved.manifest.amendments() {
            proven.push(format!("a change of the recipients is signed by the key {}", one.amender));
        }
        match proved.sender {
            Vouched::Given => proven.push("the sender's key is the one given".to_owned()),
            Vouched::ByLog => proven.push(format!(
                "the mesh has acted on this manifest and taken {sender} for a key of the tenant: \
                 by the log"
            )),
            Vouched::Nobody => not_proven.push("whose key the sender's is".to_owned()),
        }
        let count = proved.events.len();
        proven.push(format!("{count} events about it are in the log: by the key {log_key}"));
        match (proved.log_given, pinned) {
            (true, true) => {
                proven.push("this key is the one that your profile has pinned".to_owned())
            }
            (true, false) => proven.push("this key is the one given".to_owned()),
            (false, _) => not_proven.push("that this is the key of your mesh's log".to_owned()),
        }
        match content {
            true => proven.push("the content at hand is what was sealed".to_owned()),
            false => not_proven.push("anything about the content but its digest".to_owned()),
        }
        for limit in [
            "that nothing else has happened to the envelope: other events may be in the log",
            "the times: they are what the clocks of signers and mesh have said",
            "that amenders had the content key: that takes a recipient's key",
            "that the log shows the same to everybody: compare checkpoints",
        ] {
            not_proven.push(limit.to_owned());
        }
        Self { proven, not_proven }
    }

    fn json(&self, proved: &Proved) -> Value {
        let claims = proved.manifest.claims();
        let amendments = proved.manifest.amendments().iter().map(|one| {
            json!({"amender": one.amender, "recipients": one.recipients, "time": one.amended_at})
        });
        json!({
            "envelope": claims.id,
            "tenant": claims.tenant,
            "sender": claims.sender,
            "sealed_for": proved.manifest.sealed_for(),
            "recipients": claims.recipients,
            "amendments": amendments.collect::<Vec<_>>(),
            "purpose": claims.purpose,
            "issue_time": seconds(claims.issued_at),
            "expire_time": seconds(claims.expires_at),
            "content_digest": claims.digest,
            "log": proved.log,
            "events": proved.events.iter().map(event_json).collect::<Vec<_>>(),
            "proven": self.proven,
            "not_proven": self.not_proven,
        })
    }

    fn tree(&self, proved: &Proved) -> Node {
        let claims = proved.manifest.claims();
        let events = proved.events.iter().map(|one| {
            let event = event_json(one);
            let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
            let what = format!("{} {} by {}", text("time"), text("type"), text("actor"));
            Node::leaf(format!("{} of {}", one.index, one.head.size), what)
        });
        let lines = |lines: &[String]| lines.iter().map(|line| Node::leaf(line, "")).collect();
        Node::leaf("envelope", claims.id.to_string()).with(vec![
            Node::leaf("sealed by", &claims.sender),
            Node::leaf("tenant", claims.tenant.to_string()),
            Node::leaf("purpose", &claims.purpose),
            Node::leaf("sealed", seconds(claims.issued_at).as_str().unwrap_or_default()),
            Node::leaf("expires", seconds(claims.expires_at).as_str().unwrap_or_default()),
            Node::branch("recipients", lines(&claims.recipients)),
            Node::branch(format!("in the log {}", proved.log), events.collect()),
            Node::branch("proven", lines(&self.proven)),
            Node::branch("not proven", lines(&self.not_proven)),
        ])
    }
}

fn seconds(seconds: i64) -> Value {
    time(Some(&prost_types::Timestamp { seconds, nanos: 0 }))
}

fn event_json(one: &evidence::ProvedEvent) -> Value {
    let event = &one.event;
    let attributes: Vec<_> =
        event.attributes.iter().map(|pair| format!("{}={}", pair.key, pair.value)).collect();
    json!({
        "index": one.index,
        "log_size": one.head.size,
        "type": event.kind,
        "time": when(event),
        "actor": event.actor,
        "outcome": outcome(event),
        "of_this_manifest": one.is_of_this_manifest,
        "attributes": attributes,
    })
}

fn when(event: &Event) -> Value {
    let stamp =
        event.time.map(|at| prost_types::Timestamp { seconds: at.seconds, nanos: at.nanos });
    time(stamp.as_ref())
}

fn outcome(event: &Event) -> String {
    let known = Outcome::try_from(event.outcome).unwrap_or_default();
    word(known.as_str_name(), "OUTCOME_")
}

fn manifest_json(manifest: &Manifest) -> Value {
    let amendment = |one: &Amendment| {
        json!({
            "amender": one.amender,
            "amender_version": one.amender_version,
            "time": time(one.amend_time.as_ref()),
            "added": one.added,
            "removed": one.removed,
        })
    };
    json!({
        "id": manifest.id,
        "sender": manifest.sender,
        "sender_version": manifest.sender_version,
        "recipients": manifest.recipients,
        "unknown_recipients": manifest.unknown_recipients,
        "amendments": manifest.amendments.iter().map(amendment).collect::<Vec<_>>(),
        "purpose": manifest.purpose,
        "content_type": manifest.content_type,
        "content_digest": crypto::encoding::encode(&manifest.content_digest),
        "in_reply_to": manifest.in_reply_to,
        "stream": manifest.stream,
        "issue_time": time(manifest.issue_time.as_ref()),
        "expire_time": time(manifest.expire_time.as_ref()),
    })
}
