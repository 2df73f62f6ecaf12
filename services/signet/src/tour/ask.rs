//! Steps 3 to 6: sealed on the client, opened and anonymized by the response
//! service, asked of the provider, restored, sealed for the client, opened there.

use chrono::Duration;
use proto::envelope::v1::{CreateKeyRequest, Envelope, KeyAlgorithm, KeyPurpose};
use proto::storage::v1::SealPromptRequest;
use serde_json::Value;

use super::store::Stored;
use super::{Tour, count, texts, timed, unexpected};
use client::asking::{self, Answer, Question};
use client::sealing::{self, Letter, OwnKeys, RESPONSE_SEAL};
use client::session::request_id;
use console::problem::{Problem, Result};

/// The built-in model, which answers with what it received.
const MODEL: &str = "echo";
/// Signs where the client does not: kept by the mesh.
const SIGN: &str = "tour-sign";
const LIFETIME: Duration = Duration::minutes(10);

/// Both ways of asking, and what came back.
pub(super) struct Asked {
    /// Sealed on the client, streamed.
    pub(super) letter: Answer,
    /// Sealed by the mesh from the stored prompt.
    pub(super) thread: Answer,
    /// The trace of the first.
    pub(super) trace: String,
}

impl Tour<'_> {
    pub(super) async fn ask(&mut self, own: &OwnKeys, stored: &Stored) -> Result<Asked> {
        self.screen.step("A prompt is sealed and signed on the client, and sent as an envelope");
        let envelope = self.seal_here(own).await?;
        let sealed = self.seal_there(stored).await?;
        // Each request is a trace of its own.
        let edge = self.session.edge.in_new_trace();
        let (letter, took) =
            timed(asking::stream(&edge, own, self.question(envelope), |_| {})).await?;
        self.screen.act(
            "edge",
            "took the client's envelope to the response service, which streams",
            took,
        );
        let other = self.session.edge.in_new_trace();
        let (thread, took) = timed(asking::respond(&other, own, self.question(sealed))).await?;
        self.screen.act(
            "edge",
            "took the mesh's own envelope there too; that answer comes whole",
            took,
        );
        self.screen.note(
            "who saw what",
            "edge, network: sender, recipient, times, sizes; ciphertext. Storage and envelope, \
             for the prompt sealed by id: the stored text, in memory.",
        );
        Ok(Asked { letter, thread, trace: edge.trace().to_string() })
    }

    fn question(&self, envelope: Envelope) -> Question {
        Question {
            envelope,
            tenant: self.session.profile.state.tenant.clone(),
            conversation: String::new(),
            include_sent: true,
        }
    }

    async fn seal_here(&mut self, own: &OwnKeys) -> Result<Envelope> {
        let (key, took) = timed(sealing::key(&self.session.edge, RESPONSE_SEAL)).await?;
        let recipient = sealing::primary(&key)?;
        let algorithm = recipient.algorithm().jose();
        self.screen.act("envelope", format_args!("gave the public half of {RESPONSE_SEAL}"), took);
        let plaintext = asking::chat(MODEL, &prompt()).to_string().into_bytes();
        let letter = Letter {
            tenant: &self.session.profile.state.tenant,
            purpose: "respond",
            content_type: "application/json",
            lifetime: LIFETIME,
            plaintext,
        };
        let seal = async { sealing::seal(letter, &own.signing, &[recipient]) };
        let (envelope, took) = timed(seal).await?;
        let sizes = (count(envelope.content.len()), count(envelope.manifest.len()));
        let what = format!(
            "sealed the letter ({algorithm}, A256GCM): {} bytes; signed its manifest (EdDSA): {} bytes",
            sizes.0, sizes.1
        );
        self.screen.act("client", what, took);
        let start: String = envelope.content.chars().rev().take(60).collect();
        let end: String = start.chars().rev().collect();
        self.screen.note("sent", format_args!("…{end}"));
        let sent = format!("{}{}", envelope.manifest, envelope.content);
        let left = texts::found(&sent, texts::IN_LETTER);
        self.screen.check("the envelope shows none of the letter's values", left.is_empty());
        Ok(envelope)
    }

    /// The other way: the mesh seals the stored prompt by its id.
    async fn seal_there(&mut self, stored: &Stored) -> Result<Envelope> {
        let name = format!("keys/{SIGN}");
        let sender = match sealing::key(&self.session.edge, &name).await {
            Err(problem) if problem.is(&kernel::common::RESOURCE_NOT_FOUND) => {
                self.make_signing_key().await?;
                sealing::key(&self.session.edge, &name).await?
            }
            found => found?,
        };
        let request = SealPromptRequest {
            name: stored.thread.clone(),
            revision: 0,
            recipients: vec![RESPONSE_SEAL.to_owned()],
            signing_key: name.clone(),
            purpose: "respond".to_owned(),
            ttl: Some(prost_types::Duration { seconds: LIFETIME.num_seconds(), nanos: 0 }),
        };
        let mut prompts = self.session.edge.prompts();
        let seal =
            async { Ok(prompts.seal_prompt(request).await.map_err(Problem::from)?.into_inner()) };
        let (answer, took) = timed(seal).await?;
        let envelope = answer.envelope.ok_or_else(|| unexpected("no envelope"))?;
        let what =
            format!("sealed the stored e-mail thread by its id, signed by {name}: the other way");
        self.screen.act("storage", what, took);
        let verified = sealing::verify(&envelope, &sender);
        let right = verified.is_ok_and(|manifest| manifest.claims().purpose == "respond");
        let claim = format!("the client verifies that envelope's manifest against {name}");
        self.screen.check(claim, right);
        Ok(envelope)
    }

    async fn make_signing_key(&self) -> Result<()> {
        let request = CreateKeyRequest {
            key_id: SIGN.to_owned(),
            purpose: KeyPurpose::Sign.into(),
            algorithm: KeyAlgorithm::EddsaEd25519.into(),
            request_id: request_id(),
            ..CreateKeyRequest::default()
        };
        self.session.edge.keys().create_key(request).await?;
        Ok(())
    }

    /// Step 5: what the provider received.
    pub(super) fn show_sent(&mut self, asked: &Asked) {
        self.screen.step("What the model provider received");
        let pairs = [
            (&asked.letter, texts::IN_LETTER, "letter"),
            (&asked.thread, texts::IN_THREAD, "thread"),
        ];
        let sent = sent_text(&asked.letter.receipt);
        self.screen.quote(&sent, 11);
        self.screen.note("who saw what", "provider: this, and nothing else of the letter.");
        for (answer, values, name) in pairs {
            let whole = answer.receipt["sent"].to_string();
            let left = texts::found(&whole, values);
            for value in &left {
                self.screen.note("", format_args!("{value:?} was sent"));
            }
            let claim =
                format!("none of the {name}'s {} listed values is in what was sent", values.len());
            self.screen.check(claim, left.is_empty() && !sent_text(&answer.receipt).is_empty());
        }
    }

    /// Step 6: the answers.
    pub(super) fn show_answers(&mut self, asked: &Asked) {
        self.screen.step("The answer streams back, restored, sealed and signed for the client");
        let timing = &asked.letter.timing;
        let what = format!("opened the first of {} pieces, each sealed", count(timing.pieces));
        self.screen.act("client", what, timing.first);
        let what = "opened the last; verified keys/response-sign, purpose, tenant, what it answers";
        self.screen.act("client", what, timing.whole);
        self.screen.quote(&asked.letter.text, 5);
        self.screen.note(
            "who saw what",
            "response service: the answer, in memory. Edge, network: chunks of ciphertext.",
        );
        let restored = asked.letter.text.contains(texts::LETTER.trim_end());
        self.screen.check("the streamed answer has the letter back, letter by letter", restored);
        if asked.thread.receipt["provider"] == MODEL {
            let restored = asked.thread.text.contains(texts::THREAD.trim_end());
            self.screen.check("the whole answer has the e-mail thread back", restored);
        } else {
            let provider = asked.thread.receipt["provider"].as_str().unwrap_or_default();
            let said = count(asked.thread.text.len());
            self.screen.note("", format_args!("{provider} answered the thread with {said} bytes"));
            self.screen.check("the model has answered the thread", !asked.thread.text.is_empty());
        }
    }
}

fn prompt() -> String {
    format!("Explain this letter to the patient in plain words.\n\n{}", texts::LETTER)
}

/// The messages that were sent, as text.
fn sent_text(receipt: &Value) -> String {
    let messages = receipt["sent"]["messages"].as_array().into_iter().flatten();
    messages.filter_map(|message| message["content"].as_str()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_sent_is_found_in_the_receipt() {
        let receipt = json!({"sent": {"messages": [{"content": "a"}, {"content": "b"}]}});
        assert_eq!(sent_text(&receipt), "a\nb");
        assert_eq!(sent_text(&Value::Null), "");
    }
}
