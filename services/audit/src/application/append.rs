//! Group commit: events that arrive at the same time share one transaction.
//! An event is acknowledged only after it is durable.

use std::sync::Arc;
use std::time::Instant;

use kernel::{Fault, Result};
use tokio::sync::{Notify, mpsc, oneshot};

use super::ports::Events;
use crate::domain::{Accepted, Salt, salt_for};

/// Requests that share a transaction, and that wait for one.
const GROUP: usize = 256;
const WAITING: usize = 1_024;

struct Job {
    events: Vec<Accepted>,
    done: oneshot::Sender<Result<usize>>,
}

/// Where requests hand in their events.
#[derive(Clone)]
pub struct Appender(mpsc::Sender<Job>);

impl Appender {
    /// The appender, and the task that writes for it until the last clone is
    /// gone. `appended` wakes the integrator.
    pub fn new(
        events: Arc<dyn Events>,
        appended: Arc<Notify>,
    ) -> (Self, impl Future<Output = ()> + Send) {
        let (sender, receiver) = mpsc::channel(WAITING);
        (Self(sender), write(events, appended, receiver))
    }

    /// Returns how many of the events were new, once all are durable.
    pub async fn append(&self, events: Vec<Accepted>) -> Result<usize> {
        let (done, outcome) = oneshot::channel();
        self.0
            .send(Job { events, done })
            .await
            .map_err(|_| Fault::unavailable("the writer has ended"))?;
        outcome.await.map_err(|_| Fault::unavailable("the writer has ended"))?
    }
}

async fn write(events: Arc<dyn Events>, appended: Arc<Notify>, mut receiver: mpsc::Receiver<Job>) {
    let mut jobs = Vec::with_capacity(GROUP);
    while receiver.recv_many(&mut jobs, GROUP).await > 0 {
        let started = Instant::now();
        let (counts, all): (Vec<usize>, Vec<Vec<Accepted>>) =
            jobs.iter_mut().map(|job| (job.events.len(), std::mem::take(&mut job.events))).unzip();
        let outcome = write_group(events.as_ref(), all.into_iter().flatten()).await;
        metrics::histogram!("signet_audit_append_seconds").record(started.elapsed().as_secs_f64());
        answer(jobs.drain(..), &counts, outcome);
        appended.notify_one();
    }
}

async fn write_group(
    events: &dyn Events,
    group: impl Iterator<Item = Accepted>,
) -> Result<Vec<bool>> {
    let salted =
        group.map(|event| Ok((event, salt_for()?))).collect::<Result<Vec<(Accepted, Salt)>>>()?;
    let new = events.append(&salted).await?;
    metrics::counter!("signet_audit_events_total")
        .increment(new.iter().filter(|new| **new).count() as u64);
    Ok(new)
}

/// A requester that has gone away is no loss: its events are stored.
fn answer(jobs: impl Iterator<Item = Job>, counts: &[usize], outcome: Result<Vec<bool>>) {
    match outcome {
        Ok(new) => {
            let mut new = new.into_iter();
            for (job, count) in jobs.zip(counts) {
                let recorded = new.by_ref().take(*count).filter(|new| *new).count();
                let _ = job.done.send(Ok(recorded));
            }
        }
        Err(fault) => {
            tracing::error!(cause = ?fault, "events not stored");
            for job in jobs {
                let _ = job.done.send(Err(Fault::unavailable("the group was not stored")));
            }
        }
    }
}
