//! Asking a model through the mesh: an envelope goes, an envelope comes back, and
//! what it says about itself is checked before it is believed.

use std::time::{Duration, Instant};

use crypto::envelope::{Manifest, ManifestClaims};
use crypto::{Limits, PrivateKey};
use kernel::EnvelopeId;
use proto::envelope::v1::{Envelope, Key};
use proto::response::v1::stream_respond_response::Part;
use proto::response::v1::{RespondRequest, StreamRespondRequest, StreamRespondResponse};
use serde_json::{Value, json};
use tonic::Streaming;

use super::connection::{Edge, request_id};
use super::sealing::{self, OwnKeys, RESPONSE_SIGN};
use super::session;
use console::problem::{Problem, Result};

const ANSWER: &str = "answer";
const ANSWER_STREAM: &str = "answer-stream";

/// A sealed request.
pub struct Question {
    pub envelope: Envelope,
    /// `tenants/{uuid}`.
    pub tenant: String,
    /// Same text, same placeholders; empty: none.
    pub conversation: String,
    /// Have the receipt say what the provider was sent.
    pub include_sent: bool,
}

/// An answer that has been verified and opened.
pub struct Answer {
    /// The completion in OpenAI's JSON; for a stream, all of its text.
    pub completion: Value,
    pub text: String,
    /// What was replaced and what was sent.
    pub receipt: Value,
    /// The edge's id of the request, by which its events are found.
    pub request_id: String,
    pub timing: Timing,
}

pub struct Timing {
    /// Until the first text was there.
    pub first: Duration,
    pub whole: Duration,
    /// Pieces with text.
    pub pieces: usize,
}

/// A chat request in OpenAI's form with one message.
pub fn chat(model: &str, text: &str) -> Value {
    json!({ "model": model, "messages": [{ "role": "user", "content": text }] })
}

/// Asks, and waits for the whole answer.
pub async fn respond(edge: &Edge, own: &OwnKeys, question: Question) -> Result<Answer> {
    let expected = Expected::of(&question, ANSWER)?;
    let request = RespondRequest {
        envelope: Some(question.envelope),
        recipients: vec![own.sealing_name.clone()],
        request_id: session::request_id(),
        conversation: question.conversation,
        include_sent: question.include_sent,
    };
    let started = Instant::now();
    let response = edge.responses().respond(request).await?;
    let request_id = request_id(&response);
    let envelope = response.into_inner().envelope.ok_or_else(|| nonsense("no envelope"))?;
    let sender = sender(edge).await?;
    let opened = sealing::open(&envelope, &sender, &own.sealing)?;
    expected.check(&opened.claims)?;
    let completion: Value =
        serde_json::from_slice(&opened.plaintext).map_err(|_| nonsense("no JSON"))?;
    let whole = started.elapsed();
    Ok(Answer {
        text: completion["choices"][0]["message"]["content"].as_str().unwrap_or_default().into(),
        receipt: completion["signet"].clone(),
        completion,
        request_id,
        timing: Timing { first: whole, whole, pieces: 1 },
    })
}

/// Who signs answers. Asked in another trace: one request is one tree.
async fn sender(edge: &Edge) -> Result<Key> {
    sealing::key(&edge.in_new_trace(), RESPONSE_SIGN).await
}

/// Asks, and shows each piece of text to `shown` as it comes. What has been shown
/// is genuine; that it is complete is known only when this returns.
pub async fn stream(
    edge: &Edge,
    own: &OwnKeys,
    question: Question,
    shown: impl FnMut(&str),
) -> Result<Answer> {
    // Not while the answer streams: its chunks would have to wait.
    let sender = sender(edge).await?;
    let limit = edge.timeout();
    let asked = streamed(edge, own, question, (&sender, shown));
    tokio::time::timeout(limit, asked).await.unwrap_or_else(|_| {
        Err(Problem::new("The answer took longer than allowed.").help("Give a longer --timeout."))
    })
}

async fn streamed(
    edge: &Edge,
    own: &OwnKeys,
    question: Question,
    (sender, shown): (&Key, impl FnMut(&str)),
) -> Result<Answer> {
    let expected = Expected::of(&question, ANSWER_STREAM)?;
    let request = StreamRespondRequest {
        envelope: Some(question.envelope),
        recipients: vec![own.sealing_name.clone()],
        request_id: session::request_id(),
        conversation: question.conversation,
        include_sent: question.include_sent,
    };
    let mut pieces =
        Pieces { shown, started: Instant::now(), first: None, count: 0, text: String::new() };
    let response = edge.responses().stream_respond(request).await?;
    let request_id = request_id(&response);
    let receipt =
        read(response.into_inner(), (sender, &own.sealing), &expected, &mut pieces).await?;
    let whole = pieces.started.elapsed();
    Ok(Answer {
        completion: json!({ "text": pieces.text, "signet": receipt }),
        text: pieces.text,
        receipt,
        request_id,
        timing: Timing { first: pieces.first.unwrap_or(whole), whole, pieces: pieces.count },
    })
}

/// Reads the stream to its end and gives the receipt.
async fn read<F: FnMut(&str)>(
    mut parts: Streaming<StreamRespondResponse>,
    (sender, own): (&Key, &PrivateKey),
    expected: &Expected,
    pieces: &mut Pieces<F>,
) -> Result<Value> {
    let Some(Part::Envelope(head)) = parts.message().await?.and_then(|message| message.part) else {
        return Err(nonsense("the stream does not begin with an envelope"));
    };
    let (mut opener, claims) = sealing::open_stream(&head, sender, own)?;
    expected.check(&claims)?;
    let mut receipt = Value::Null;
    while let Some(message) = parts.message().await? {
        let Some(Part::Chunk(chunk)) = message.part else {
            return Err(nonsense("an envelope amid the chunks"));
        };
        let chunk = opener.next(&chunk).map_err(sealing::unopenable)?;
        if chunk.data.is_empty() {
            continue;
        }
        let mut chunk: Value =
            serde_json::from_slice(&chunk.data).map_err(|_| nonsense("a chunk without JSON"))?;
        pieces.take(chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default());
        if let Some(found) = chunk.get_mut("signet") {
            receipt = found.take();
        }
    }
    opener.finish().map_err(sealing::unopenable)?;
    Ok(receipt)
}

struct Pieces<F> {
    shown: F,
    started: Instant,
    first: Option<Duration>,
    count: usize,
    text: String,
}

impl<F: FnMut(&str)> Pieces<F> {
    fn take(&mut self, piece: &str) {
        if piece.is_empty() {
            return;
        }
        self.first.get_or_insert_with(|| self.started.elapsed());
        self.count += 1;
        self.text.push_str(piece);
        (self.shown)(piece);
    }
}

/// What an answer to this question must say about itself.
struct Expected {
    purpose: &'static str,
    tenant: String,
    in_reply_to: EnvelopeId,
}

impl Expected {
    fn of(question: &Question, purpose: &'static str) -> Result<Self> {
        let manifest = Manifest::parse(&question.envelope.manifest, &Limits::default());
        // Our own envelope, or one that the mesh has sealed for us: only its id counts here.
        let sent = manifest.map_err(sealing::unopenable)?.verified_by_peer();
        Ok(Self { purpose, tenant: question.tenant.clone(), in_reply_to: sent.claims().id })
    }

    fn check(&self, claims: &ManifestClaims) -> Result<()> {
        if claims.purpose != self.purpose {
            return Err(nonsense("the envelope is for another purpose"));
        }
        if self.tenant != format!("tenants/{}", claims.tenant) {
            return Err(nonsense("the envelope is another tenant's"));
        }
        if claims.in_reply_to != Some(self.in_reply_to) {
            return Err(nonsense("the envelope answers another question"));
        }
        Ok(())
    }
}

fn nonsense(what: &str) -> Problem {
    Problem::new(format_args!("The answer is not what was asked for: {what}."))
}

#[cfg(test)]
mod tests {
    use kernel::TenantId;

    use super::*;

    fn claims(expected: &Expected) -> ManifestClaims {
        ManifestClaims {
            suite: None,
            version: 1,
            id: EnvelopeId::new(),
            tenant: expected.tenant.strip_prefix("tenants/").unwrap().parse().unwrap(),
            sender: String::new(),
            recipients: Vec::new(),
            protected: String::new(),
            commitment: String::new(),
            digest: String::new(),
            purpose: expected.purpose.into(),
            in_reply_to: Some(expected.in_reply_to),
            issued_at: 0,
            expires_at: 1,
        }
    }

    #[test]
    fn an_answer_to_something_else_is_refused() {
        let expected = Expected {
            purpose: ANSWER,
            tenant: format!("tenants/{}", TenantId::new()),
            in_reply_to: EnvelopeId::new(),
        };
        assert!(expected.check(&claims(&expected)).is_ok());
        let changes: [fn(&mut ManifestClaims); 4] = [
            |claims| claims.purpose = ANSWER_STREAM.into(),
            |claims| claims.tenant = TenantId::new(),
            |claims| claims.in_reply_to = None,
            |claims| claims.in_reply_to = Some(EnvelopeId::new()),
        ];
        for change in changes {
            let mut changed = claims(&expected);
            change(&mut changed);
            assert!(expected.check(&changed).is_err());
        }
    }

    #[test]
    fn pieces_are_shown_counted_and_kept() {
        let mut seen = Vec::new();
        let mut pieces = Pieces {
            shown: |piece: &str| seen.push(piece.to_owned()),
            started: Instant::now(),
            first: None,
            count: 0,
            text: String::new(),
        };
        ["", "a", "", "b"].into_iter().for_each(|piece| pieces.take(piece));
        assert_eq!((pieces.count, pieces.text.as_str(), pieces.first.is_some()), (2, "ab", true));
        assert_eq!(seen, ["a", "b"]);
    }
}
