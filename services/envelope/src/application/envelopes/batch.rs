//! Many envelopes in one call: each has an outcome of its own, all share one record.

use std::collections::HashSet;

use futures::stream::{self, StreamExt as _};
use kernel::{EnvelopeId, Fault, Result};
use rpc::Cx;

use super::open::{OpenEnvelope, Opened, Request as OpenRequest, whole};
use super::seal::{Envelope, Request as SealRequest, SealEnvelope};
use super::verify::Refused;
use crate::application::keys::known_keys::{Reading, decide_again};
use crate::application::record::{Decision, Outcome, Withheld};
use crate::domain::Cause;

/// What has become of each, in the order asked. A fault of ours is none of these: it fails the
/// call, and nothing leaves.
pub type Outcomes<T> = Vec<Result<T>>;

/// Worked on at once, for one call.
const AT_ONCE: usize = 4;

#[derive(Clone)]
pub struct Batch {
    pub seal: SealEnvelope,
    pub open: OpenEnvelope,
}

/// An envelope of a batch before the record.
enum Item {
    Ready(Box<Ready>),
    /// What is known of its keys was behind: to be decided anew, alone.
    Again(OpenRequest),
    Refused(Fault),
}

/// Decrypted here, and not released yet.
struct Ready {
    request: OpenRequest,
    id: EnvelopeId,
    opened: Withheld<Opened>,
    decision: Decision,
}

impl Batch {
    /// Requests that are refused already stay so.
    pub async fn seal(
        &self,
        cx: &Cx,
        requests: Outcomes<SealRequest>,
    ) -> Result<Outcomes<Envelope>> {
        let sealed = stream::iter(requests).map(async |request| match request {
            Ok(request) => self.seal.seal(cx, request).await,
            Err(fault) => Err(fault),
        });
        of_the_caller(sealed.buffered(AT_ONCE).collect().await)
    }

    /// Decrypts all first, then records all releases together; only then anything leaves.
    /// Requests that are refused already stay so.
    pub async fn open(&self, cx: &Cx, requests: Outcomes<OpenRequest>) -> Result<Outcomes<Opened>> {
        let items = stream::iter(requests).map(|request| self.item(cx, request));
        let mut items: Vec<Item> = items.buffered(AT_ONCE).collect().await;
        let mut seen = HashSet::new();
        for item in &mut items {
            // A retry may come again, but not beside itself.
            if let Item::Ready(ready) = item
                && !seen.insert(ready.id)
            {
                *item = Item::Refused(self.replay(cx, ready.id).await);
            }
        }
        of_the_caller(self.released(cx, items).await?)
    }

    async fn item(&self, cx: &Cx, request: Result<OpenRequest>) -> Item {
        let request = match request {
            Ok(request) => request,
            Err(fault) => return Item::Refused(fault),
        };
        match self.open.withheld(cx, &request, Reading::Known, whole).await {
            Ok((id, opened, decision)) => {
                Item::Ready(Box::new(Ready { request, id, opened, decision }))
            }
            Err(Refused(_, refusal)) if decide_again(Reading::Known, &refusal) => {
                Item::Again(request)
            }
            Err(Refused(id, refusal)) => {
                Item::Refused(self.open.release.refuse.answer(cx, id, refusal).await)
            }
        }
    }

    async fn released(&self, cx: &Cx, items: Vec<Item>) -> Result<Outcomes<Opened>> {
        let (mut withheld, mut waiting) = (Vec::new(), Vec::with_capacity(items.len()));
        for item in items {
            waiting.push(match item {
                Item::Ready(ready) => {
                    let Ready { request, id, opened, decision } = *ready;
                    withheld.push((opened, decision));
                    Ok((request, Some(id)))
                }
                Item::Again(request) => Ok((request, None)),
                Item::Refused(fault) => Err(fault),
            });
        }
        let recorded = self.open.release.recorder.release_all(withheld).await?;
        let (mut recorded, mut outcomes) =
            (recorded.into_iter(), Vec::with_capacity(waiting.len()));
        for one in waiting {
            outcomes.push(match one {
                Err(fault) => Err(fault),
                Ok((request, None)) => self.open.open(cx, &request).await,
                Ok((request, Some(id))) => match recorded.next() {
                    Some(Outcome::Released(opened)) => {
                        metrics::counter!("signet_envelope_released_total").increment(1);
                        Ok(opened)
                    }
                    Some(Outcome::Replay) => Err(self.replay(cx, id).await),
                    Some(Outcome::Overtaken) | None => self.open.open(cx, &request).await,
                },
            });
        }
        Ok(outcomes)
    }

    async fn replay(&self, cx: &Cx, id: EnvelopeId) -> Fault {
        self.open.release.refuse.answer(cx, Some(id), Cause::Replay.into()).await
    }
}

/// What the caller can mend is an outcome; what it cannot ends the call.
fn of_the_caller<T>(outcomes: Outcomes<T>) -> Result<Outcomes<T>> {
    let mut told = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        match outcome {
            Err(fault) if fault.kind().is_server_side() => return Err(fault),
            outcome => told.push(outcome),
        }
    }
    Ok(told)
}
