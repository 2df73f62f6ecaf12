//! What an envelope says of itself, for a person and without any key. Nothing
//! here is believed, and nothing here can show content.

mod words;

#[cfg(test)]
mod tests;

use crypto::envelope::{Content, Manifest, VerifiedManifest};
use crypto::stream::file::{Header, Layout};
use crypto::{Limits, OpenError};
use evidence::{Anchors, Bundle};
use kernel::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::sealing::EnvelopeFile;
use console::measures::{Moment, moment, size, utc};
use console::problem::{Problem, Result};
use console::tree::Node;
use words::{algorithm, missing, tokens, wrapping};

/// All of it, in the order in which a person asks.
#[derive(Serialize)]
pub struct Explained {
    kind: &'static str,
    id: String,
    tenant: String,
    sender: Signer,
    purpose: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    in_reply_to: Option<String>,
    sealed: Moment,
    expires: Moment,
    recipients: Vec<Recipient>,
    amendments: Vec<Changed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<Inside>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<Stream>,
    events: Vec<Logged>,
    manifest_bytes: usize,
    checked: Vec<String>,
    not_checked: Vec<String>,
}

#[derive(Serialize)]
struct Signer {
    thumbprint: String,
    algorithm: String,
}

#[derive(Serialize)]
struct Recipient {
    thumbprint: String,
    /// How the content key is wrapped for it; empty without content.
    wrapping: String,
}

#[derive(Serialize)]
struct Changed {
    by: Signer,
    at: Moment,
    added: Vec<String>,
    removed: Vec<String>,
}

#[derive(Serialize)]
struct Inside {
    media_type: String,
    encryption: &'static str,
    stream_key: bool,
    ciphertext_bytes: usize,
    file_bytes: usize,
    digest: String,
}

/// What follows the envelope in a sealed file.
#[derive(Serialize)]
struct Stream {
    chunks: u64,
    plaintext_bytes: u64,
    sealed_bytes: u64,
}

#[derive(Serialize)]
struct Logged {
    index: u64,
    time: String,
    kind: String,
    actor: String,
    log_size: u64,
}

const KEYS_NOT_CHECKED: &str = "the signatures: that takes the signers' public keys";
const OPENING_NOT_CHECKED: &str =
    "who can open it, and that it opens the same for all: that takes a recipient's key";

impl Explained {
    /// Explains an envelope or an evidence bundle.
    pub fn read(bytes: &[u8], now: Timestamp) -> Result<Self> {
        if Bundle::is_meant(bytes) {
            return Self::bundle(bytes, now);
        }
        let file = EnvelopeFile::parse(bytes)?;
        Self::envelope("envelope", (&file.manifest, &file.content), now)
    }

    /// Explains a sealed file by its header, and by how many bytes follow it.
    pub fn sealed_file(header: &Header, body: u64, now: Timestamp) -> Result<Self> {
        let layout = Layout::of(body).map_err(|_| {
            Problem::new("The file was cut: no sealed file ends where this one does.")
        })?;
        let mut told = Self::envelope("sealed file", (&header.manifest, &header.content), now)?;
        told.stream = Some(Stream {
            chunks: layout.chunks(),
            plaintext_bytes: layout.plaintext(),
            sealed_bytes: body,
        });
        told.not_checked.push("that no chunk was altered: that takes the key as well".to_owned());
        Ok(told)
    }

    fn envelope(kind: &'static str, (token, json): (&str, &str), now: Timestamp) -> Result<Self> {
        let manifest = parsed(token)?;
        let content = Content::parse(json, &Limits::default()).map_err(unreadable)?;
        let mut told = Self::manifest(kind, &manifest, now);
        let as_signed = manifest.check_content(&content).is_ok();
        let wrapped: Value = serde_json::from_str(json).map_err(Problem::new)?;
        for recipient in &mut told.recipients {
            recipient.wrapping = wrapping(&wrapped, &recipient.thumbprint);
        }
        let others = content.wrapped_keys().recipients();
        let named = |kid: &&str| !manifest.claims().recipients.iter().any(|one| one == kid);
        told.recipients.extend(others.filter(named).map(|kid| Recipient {
            thumbprint: kid.to_owned(),
            wrapping: format!("{}; in the place of one named", wrapping(&wrapped, kid)),
        }));
        told.content = Some(inside(&manifest, &content, &wrapped, json.len()));
        if as_signed {
            told.checked.push("the content is the one that the manifest describes".to_owned());
        } else {
            let what = "BUT the content is not the one that the manifest describes";
            told.checked.push(what.to_owned());
        }
        told.not_checked = vec![KEYS_NOT_CHECKED.to_owned(), OPENING_NOT_CHECKED.to_owned()];
        Ok(told)
    }

    fn bundle(bytes: &[u8], now: Timestamp) -> Result<Self> {
        let wrong =
            |error| Problem::new(format_args!("The evidence bundle proves nothing: {error}."));
        let bundle = Bundle::parse(bytes).map_err(wrong)?;
        let proved = bundle.verify(&Anchors::default()).map_err(wrong)?;
        let mut told = Self::manifest("evidence bundle", &proved.manifest, now);
        told.events = proved
            .events
            .iter()
            .map(|one| Logged {
                index: one.index,
                time: one.event.time.map_or_else(String::new, |at| utc(at.seconds)),
                kind: one.event.kind.clone(),
                actor: one.event.actor.clone(),
                log_size: one.head.size,
            })
            .collect();
        told.checked.push("the signatures, by the keys that the bundle brings".to_owned());
        told.checked
            .push(format!("the events are in the log {}, by its key in the bundle", proved.log));
        told.not_checked =
            vec!["whose these keys are: `signet verify` does, given the log's".to_owned()];
        Ok(told)
    }

    fn manifest(kind: &'static str, manifest: &VerifiedManifest, now: Timestamp) -> Self {
        let claims = manifest.claims();
        let tokens = tokens(manifest.token());
        let signer = |at: usize, thumbprint: &str| Signer {
            thumbprint: thumbprint.to_owned(),
            algorithm: tokens.get(at).map_or_else(String::new, |token| algorithm(token)),
        };
        let mut before = manifest.sealed_for();
        let mut amendments = Vec::new();
        for (at, one) in manifest.amendments().iter().enumerate() {
            amendments.push(Changed {
                by: signer(at + 1, &one.amender),
                at: moment(one.amended_at, now, ("", "ago")),
                added: missing(&one.recipients, before),
                removed: missing(before, &one.recipients),
            });
            before = &one.recipients;
        }
        let recipients = claims.recipients.iter();
        Self {
            kind,
            id: claims.id.to_string(),
            tenant: claims.tenant.to_string(),
            sender: signer(0, &claims.sender),
            purpose: claims.purpose.clone(),
            in_reply_to: claims.in_reply_to.map(|id| id.to_string()),
            sealed: moment(claims.issued_at, now, ("", "ago")),
            expires: moment(claims.expires_at, now, ("expired", "ago")),
            recipients: recipients
                .map(|kid| Recipient { thumbprint: kid.clone(), wrapping: String::new() })
                .collect(),
            amendments,
            content: None,
            stream: None,
            events: Vec::new(),
            manifest_bytes: manifest.token().len(),
            checked: vec!["the form, and every size".to_owned()],
            not_checked: Vec::new(),
        }
    }

    /// As a picture.
    pub fn tree(&self) -> Node {
        let at = |moment: &Moment| format!("{} ({})", moment.time, moment.relative);
        let by = |signer: &Signer| format!("{} ({})", signer.thumbprint, signer.algorithm);
        let mut below = vec![
            Node::leaf("sealed by", by(&self.sender)),
            Node::leaf("tenant", &self.tenant),
            Node::leaf("purpose", &self.purpose),
        ];
        below.extend(self.in_reply_to.as_ref().map(|id| Node::leaf("answers", id)));
        below.push(Node::leaf("sealed", at(&self.sealed)));
        below.push(Node::leaf("expires", at(&self.expires)));
        let recipients = self.recipients.iter();
        let recipients = recipients.map(|one| Node::leaf(&one.thumbprint, &one.wrapping));
        below.push(Node::branch("recipients", recipients.collect()));
        let changes = self.amendments.iter().map(|one| {
            let added = one.added.iter().map(|kid| Node::leaf("added", kid));
            let removed = one.removed.iter().map(|kid| Node::leaf("removed", kid));
            let by = Node::leaf("by", by(&one.by));
            Node::branch(at(&one.at), std::iter::once(by).chain(added).chain(removed).collect())
        });
        let changes: Vec<_> = changes.collect();
        if !changes.is_empty() {
            below.push(Node::branch("recipients changed", changes));
        }
        below.extend(self.content.as_ref().map(Inside::node));
        below.extend(self.stream.as_ref().map(|stream| {
            let what =
                format!("{} of plaintext in {} chunks", stream.plaintext_bytes, stream.chunks);
            Node::leaf("stream", what.replacen(" of", " bytes of", 1))
        }));
        let events = self.events.iter().map(|one| {
            let what = format!("{} by {}, {}", one.kind, one.actor, one.time);
            Node::leaf(format!("{} of {}", one.index, one.log_size), what)
        });
        let events: Vec<_> = events.collect();
        if !events.is_empty() {
            below.push(Node::branch("in the log", events));
        }
        below.push(Node::leaf("manifest", size(self.manifest_bytes)));
        let lines = |lines: &[String]| lines.iter().map(|line| Node::leaf(line, "")).collect();
        below.push(Node::branch("checked here", lines(&self.checked)));
        below.push(Node::branch("not checked", lines(&self.not_checked)));
        Node::leaf(self.kind, &self.id).with(below)
    }
}

impl Inside {
    fn node(&self) -> Node {
        let what = if self.stream_key { "the key of a sealed stream" } else { "" };
        Node::leaf("content", what).with(vec![
            Node::leaf("media type", &self.media_type),
            Node::leaf(
                "encryption",
                format!("{}, {} of ciphertext", self.encryption, size(self.ciphertext_bytes)),
            ),
            Node::leaf("SHA-256", &self.digest),
            Node::leaf("in the file", size(self.file_bytes)),
        ])
    }
}

fn inside(
    manifest: &VerifiedManifest,
    content: &Content<'_>,
    json: &Value,
    file_bytes: usize,
) -> Inside {
    let letters = json["ciphertext"].as_str().map_or(0, str::len);
    Inside {
        media_type: content.media_type().unwrap_or("not said").to_owned(),
        encryption: "A256GCM",
        stream_key: content.is_stream(),
        ciphertext_bytes: letters * 3 / 4,
        file_bytes,
        digest: manifest.claims().digest.clone(),
    }
}

fn parsed(token: &str) -> Result<VerifiedManifest> {
    let manifest = Manifest::parse(token, &Limits::default()).map_err(unreadable)?;
    Ok(manifest.verified_by_peer())
}

fn unreadable(error: OpenError) -> Problem {
    Problem::new(format_args!("This is no envelope that can be read: {error}."))
        .help("Ask the sender for the file again, as `signet seal` has written it.")
}
