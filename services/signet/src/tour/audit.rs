//! Steps 4, 7 and 8: the same request in the log, with proofs, and in its trace.

use std::time::Duration;

use proto::audit::v1::{Event, ListEventsRequest, LoggedEvent, Outcome};
use tokio::time::Instant;

use super::ask::Asked;
use super::{Tour, count, grouped};
use client::commands::events;
use client::proofs::{self, Proved};
use console::problem::{Problem, Result};

/// Relays deliver within a second, and so does the log integrate.
const IN_LOG_WITHIN: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(50);

/// What a streamed exchange leaves in the log, and what each means.
const EXPECTED: [(&str, &str, &str); 4] = [
    (
        "dev.signet.envelope.content_key.released",
        "envelope",
        "verified signature, sender, recipient, purpose, times, unique id; released the content key",
    ),
    (
        "dev.signet.response.exchange.started",
        "response",
        "decrypted, had the anonymizer replace what is personal, called the model provider",
    ),
    (
        "dev.signet.envelope.manifest.signed",
        "envelope",
        "signed the answer's manifest with keys/response-sign, without its content",
    ),
    (
        "dev.signet.response.exchange.completed",
        "response",
        "restored the answer piece by piece and sealed each for the client",
    ),
];

impl Tour<'_> {
    /// Step 4: what the response service did, as the log has it.
    pub(super) async fn show_work(&mut self, asked: &Asked) -> Result<()> {
        self.screen.step("The response service verifies, gets the key, decrypts, anonymizes, asks");
        let logged = self.logged(asked).await?;
        let began = logged.iter().filter_map(moment).min().unwrap_or_default();
        for (kind, service, meaning) in EXPECTED {
            if let Some(event) = logged.iter().find(|logged| is_a(logged, kind)) {
                let after = moment(event).unwrap_or_default().saturating_sub(began);
                self.screen.at(service, meaning, Duration::from_micros(after));
            }
        }
        let replaced = asked.letter.receipt["replaced"].as_object();
        let replaced: Vec<_> = replaced
            .into_iter()
            .flatten()
            .filter_map(|(kind, count)| Some(format!("{} {kind}", count.as_u64()?)))
            .collect();
        self.screen.note("anonymizer", format_args!("replaced {}", replaced.join(", ")));
        self.screen.note(
            "who saw what",
            "response and anonymizer: the text, in memory only. Envelope: manifest and wrapped key, \
             never the content.",
        );
        let there =
            EXPECTED.iter().all(|(kind, ..)| logged.iter().any(|logged| is_a(logged, kind)));
        self.screen.check("the log has each of these events, and each succeeded", there);
        self.screen.check("something was replaced", !replaced.is_empty());
        Ok(())
    }

    /// The events of the streamed request; waits until the last has arrived.
    async fn logged(&self, asked: &Asked) -> Result<Vec<LoggedEvent>> {
        let filter = ListEventsRequest {
            request_id: asked.letter.request_id.clone(),
            ..ListEventsRequest::default()
        };
        let late = Instant::now() + IN_LOG_WITHIN;
        loop {
            let logged = events::list(&self.session, filter.clone(), 1_000).await?;
            let complete =
                EXPECTED.iter().all(|(kind, ..)| logged.iter().any(|logged| is_a(logged, kind)));
            if complete || Instant::now() > late {
                return Ok(logged);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Step 7: every event of the request is proved to be in the log.
    pub(super) async fn prove(&mut self, asked: &Asked) -> Result<()> {
        self.screen.step("Every step is in the log; the client verifies that itself, offline");
        let logged = self.logged(asked).await?;
        let started = Instant::now();
        let late = started + IN_LOG_WITHIN;
        let mut proved = Vec::new();
        let mut continues = None;
        for event in logged.iter().rev() {
            let proof = self.proof(&event.name, late).await?;
            // From the second on it is this tour's own checkpoint.
            if proved.is_empty() {
                continues = proof.continues;
            }
            proved.push(proof);
        }
        self.session.profile.save()?;
        let what = format!(
            "gave {} events of request {}, with proofs",
            logged.len(),
            asked.letter.request_id
        );
        self.screen.act("audit", what, started.elapsed());
        for proof in &proved {
            let Event { r#type: kind, .. } = &proof.event;
            let kind = kind.strip_prefix("dev.signet.").unwrap_or(kind);
            let what =
                format!("entry {:<6} {kind:32} proof of {} hashes", proof.index, proof.hashes);
            self.screen.row("verified", what);
        }
        let Some(last) = proved.last() else { return Ok(()) };
        self.tell_log(last, continues);
        self.screen.note(
            "who saw what",
            "everybody: the log, which holds salted commitments, no content.",
        );
        self.screen.check(
            format_args!(
                "all {} inclusion proofs and the checkpoint's signature verify here",
                proved.len()
            ),
            proved.len() >= EXPECTED.len(),
        );
        let digest = asked.letter.receipt["sent_sha256"].as_str().unwrap_or_default();
        let bound = proved.iter().flat_map(|proof| &proof.event.attributes);
        let bound = bound.filter(|pair| pair.key == "sent_sha256").any(|pair| pair.value == digest);
        self.screen.check("the log holds the digest of what the provider was sent", bound);
        Ok(())
    }

    fn tell_log(&self, last: &Proved, continues: Option<u64>) {
        let head = last.checkpoint.head();
        let origin = last.checkpoint.checkpoint().origin();
        let root = head.root.to_base64();
        self.screen.note(
            "checkpoint",
            format_args!("{origin}, {} entries, root {root}", grouped(head.size)),
        );
        if let Some(size) = continues.filter(|size| *size > 0) {
            let what =
                format!("it continues the log of {} entries that was seen before", grouped(size));
            self.screen.note("", what);
        }
    }

    /// Proves one event; waits until it is under a checkpoint.
    async fn proof(&mut self, name: &str, late: Instant) -> Result<Proved> {
        loop {
            let state = &mut self.session.profile.state;
            match proofs::prove(&self.session.edge, state, name).await {
                Err(problem) if early(&problem) && Instant::now() < late => {
                    tokio::time::sleep(PAUSE).await;
                }
                outcome => return outcome,
            }
        }
    }

    /// Step 8: the trace.
    pub(super) async fn trace(&mut self, asked: &Asked) -> Result<()> {
        self.screen.step("The whole request is one trace");
        self.screen.note("trace id", &asked.trace);
        match &self.settings.otlp {
            Some(collector) => {
                let what = format!("spans of edge, sidecars and services are sent to {collector}; search there for the id");
                self.screen.note("collector", what);
            }
            None => self.screen.note(
                "collector",
                "none is configured; start with --otlp HOST:PORT (OTLP over gRPC), such as Jaeger's \
                 127.0.0.1:4317",
            ),
        }
        self.screen.note("who saw what", "collector: names, times and ids of calls; no content.");
        let logged = self.logged(asked).await?;
        let traced = logged.iter().filter_map(|logged| logged.event.as_ref());
        let same = traced.map(|event| event.trace_id.as_str()).all(|id| id == asked.trace);
        let claim = format!("each of the {} events names this trace", count(logged.len()));
        self.screen.check(claim, same && !logged.is_empty());
        Ok(())
    }
}

fn early(problem: &Problem) -> bool {
    problem.is(&reasons::audit::EVENT_NOT_INTEGRATED)
}

fn is_a(logged: &LoggedEvent, kind: &str) -> bool {
    let event = logged.event.as_ref();
    event.is_some_and(|event| event.r#type == kind && event.outcome() == Outcome::Success)
}

/// Microseconds since 1970.
fn moment(logged: &LoggedEvent) -> Option<u64> {
    let time = logged.event.as_ref()?.time?;
    let (seconds, nanos) = (u64::try_from(time.seconds).ok()?, u64::try_from(time.nanos).ok()?);
    Some(seconds * 1_000_000 + nanos / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_success_counts() {
        let mut event = Event { r#type: EXPECTED[0].0.into(), ..Event::default() };
        let logged =
            |event: &Event| LoggedEvent { event: Some(event.clone()), ..Default::default() };
        event.set_outcome(Outcome::Success);
        assert!(is_a(&logged(&event), EXPECTED[0].0));
        assert!(!is_a(&logged(&event), EXPECTED[1].0));
        event.set_outcome(Outcome::Denied);
        assert!(!is_a(&logged(&event), EXPECTED[0].0));
    }

    #[test]
    fn moments_are_microseconds() {
        let time = Some(prost_types::Timestamp { seconds: 1, nanos: 2_500 });
        let event = Event { time, ..Event::default() };
        let logged = LoggedEvent { event: Some(event), ..Default::default() };
        assert_eq!(moment(&logged), Some(1_000_002));
        assert_eq!(moment(&LoggedEvent::default()), None);
    }
}
