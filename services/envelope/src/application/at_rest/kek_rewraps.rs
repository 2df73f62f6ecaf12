//! Rewrapping, as the services that hold data keys see it.

use std::sync::Arc;

use kernel::{Fault, Kind, Result, SharedClock, Timestamp};
use keys::{Context, Kms, WrappedKey};
use reasons::envelope::KEK_ROTATION_NOT_OPEN;
use rpc::Cx;
use tracing::Instrument as _;
use uuid::Uuid;

use super::data_keys::{Pairs, context_of};
use crate::application::keys::custody::{kms_span, of_kms};
use crate::application::ports::{Report, Rotations};
use crate::domain::{Count, HOLDERS, Progress, RETRY, Rotation};

#[derive(Clone)]
pub struct KekRewraps {
    pub kms: Arc<dyn Kms>,
    pub rotations: Arc<dyn Rotations>,
    pub clock: SharedClock,
}

/// A job, and what the caller has done for it.
pub struct Task {
    pub rotation: Rotation,
    pub position: Vec<u8>,
}

impl KekRewraps {
    /// Makes sure that the next job will ask the calling service: before it is
    /// given keys that nobody would look for.
    pub async fn remember(&self, cx: &Cx) -> Result<()> {
        let holder = cx.caller().name();
        if HOLDERS.contains(&holder) {
            return Ok(());
        }
        self.rotations.remember(cx.tenant(), holder, self.clock.now()).await
    }

    /// What the calling service has to do, by this instance of it.
    pub async fn list(&self, cx: &Cx, worker: Uuid) -> Result<(Vec<Task>, Timestamp)> {
        let (holder, now) = (cx.caller().name(), self.clock.now());
        let mut tasks = Vec::new();
        for rotation in self.rotations.open().await? {
            let Some(own) = rotation.holders.iter().find(|one| one.holder == holder) else {
                continue;
            };
            let position = own.position.clone();
            if is_due(&rotation, own, now)
                && self.rotations.lease(rotation.id, holder, worker, now).await?
            {
                tasks.push(Task { rotation, position });
            }
        }
        Ok((tasks, now))
    }

    /// The same keys under the newest version; None for one that is damaged.
    pub async fn rewrap(
        &self,
        cx: &Cx,
        id: Uuid,
        keys: Vec<(Vec<u8>, Pairs)>,
    ) -> Result<Vec<Option<Vec<u8>>>> {
        let rotation = self.rotations.find_open(id).await?;
        let rotation = rotation.ok_or_else(|| Fault::new(&KEK_ROTATION_NOT_OPEN))?;
        let mut answers = vec![None; keys.len()];
        let mut asked = Vec::with_capacity(keys.len());
        for (at, (wrapped, pairs)) in keys.into_iter().enumerate() {
            if let Ok(wrapped) = WrappedKey::parse(&wrapped) {
                asked.push((at, (wrapped, context_of(cx, pairs)?)));
            }
        }
        let (places, asked): (Vec<usize>, Vec<_>) = asked.into_iter().unzip();
        let rewrapped = rewrap(self.kms.as_ref(), &rotation, &asked).await?;
        for (place, wrapped) in places.into_iter().zip(rewrapped) {
            answers[place] = wrapped;
        }
        let count = |outcome: &'static str, number: usize| {
            let labels = [("holder", cx.caller().name()), ("outcome", outcome)];
            metrics::counter!("signet_envelope_rewraps_total", &labels).increment(number as u64);
        };
        let failed = answers.iter().filter(|answer| answer.is_none()).count();
        count("rewrapped", answers.len() - failed);
        count("rejected", failed);
        Ok(answers)
    }

    /// What the calling service says; the job, if it is to go on.
    pub async fn report(
        &self,
        cx: &Cx,
        id: Uuid,
        report: &Report,
    ) -> Result<(Option<Rotation>, Timestamp)> {
        let now = self.clock.now();
        let Some(rotation) = self.rotations.find_open(id).await? else { return Ok((None, now)) };
        self.rotations.report(id, cx.caller().name(), report).await?;
        Ok((Some(rotation), now))
    }
}

/// Whether there is something to rewrap, or to count.
pub(super) fn is_due(rotation: &Rotation, own: &Progress, now: Timestamp) -> bool {
    match own.count {
        None => true,
        Some(Count { remaining: 1.., at, .. }) => now >= at + RETRY,
        Some(count) => !rotation.is_proof(&count) && now >= rotation.settled,
    }
}

/// None for keys that the KMS refuses: damaged, or made for something else.
pub(super) async fn rewrap(
    kms: &dyn Kms,
    rotation: &Rotation,
    keys: &[(WrappedKey, Context)],
) -> Result<Vec<Option<Vec<u8>>>> {
    let asked = kms.rewrap(rotation.tenant, keys).instrument(kms_span("rewrap"));
    let one = |outcome: Result<WrappedKey>| match outcome {
        Ok(wrapped) => Ok(Some(wrapped.to_bytes())),
        Err(fault) => match fault.kind() {
            Kind::DataLoss | Kind::FailedPrecondition | Kind::InvalidArgument => Ok(None),
            _ => Err(of_kms(fault)),
        },
    };
    asked.await.map_err(of_kms)?.into_iter().map(one).collect()
}
