//! Records of decisions: those that come while one transaction is under way
//! share the next one, so that many releases at once cost one commit. Each is
//! answered after that commit, which is as durable as one of its own.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use db::{Db, Error};
use events::Draft;
use kernel::{Fault, Kind, Result, SharedClock, Timestamp};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use super::record_writes::write;
use crate::application::ports::{Journal, Kept, Record, Records};

/// Records of one transaction: their binds stay far below both databases' limits.
const BATCH: usize = 64;

/// A clone is the same queue.
#[derive(Clone)]
pub struct SqlRecords {
    shared: Arc<Shared>,
    clock: SharedClock,
}

struct Shared {
    db: Db,
    queue: Mutex<Queue>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// Whether a task is writing. It ends when nothing waits.
    writing: bool,
}

struct Waiting {
    record: Record,
    answer: oneshot::Sender<Result<Kept>>,
    span: Span,
}

impl SqlRecords {
    pub fn new(db: Db, clock: SharedClock) -> Self {
        Self { shared: Arc::new(Shared { db, queue: Mutex::default() }), clock }
    }
}

#[async_trait]
impl Records for SqlRecords {
    async fn keep(&self, record: Record) -> Result<Kept> {
        let (answer, answered) = oneshot::channel();
        let idle = {
            let mut queue = self.shared.queue();
            queue.waiting.push_back(Waiting { record, answer, span: Span::current() });
            !std::mem::replace(&mut queue.writing, true)
        };
        if idle {
            // Its own task: a caller who goes away must not undo the others' records.
            tokio::spawn(write_waiting(Writing(Arc::clone(&self.shared))));
        }
        answered.await.map_err(|_| Fault::unavailable("the writer of records has ended"))?
    }

    async fn keep_all(&self, records: Vec<Record>) -> Result<Vec<Kept>> {
        if records.is_empty() {
            return Ok(Vec::new());
        }
        db::retry!(write(&self.shared.db, &records))
    }

    async fn purge(&self, before: Timestamp) -> Result<u64> {
        const PURGE: &str = "DELETE FROM releases WHERE expires_at < $1";
        let purged = db::sql!(self.shared.db.write(), |c| sqlx::query(PURGE)
            .bind(before)
            .execute(c)
            .await
            .map(|done| done.rows_affected()))
        .map_err(Error::from)?;
        Ok(purged)
    }
}

#[async_trait]
impl Journal for SqlRecords {
    async fn record(&self, event: Draft) -> Result<()> {
        let tenant = event.tenant();
        let event = event.finish(self.clock.now())?;
        let record = Record { tenant, event, basis: Vec::new(), once: None };
        self.keep(record).await.map(drop)
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Empty: the writing has ended.
    fn next(&self) -> Vec<Waiting> {
        let mut queue = self.queue();
        let most = queue.waiting.len().min(BATCH);
        queue.writing = most > 0;
        queue.waiting.drain(..most).collect()
    }
}

/// Should the task end in any other way, those who wait hear it, and the next
/// record starts another one.
struct Writing(Arc<Shared>);

impl Drop for Writing {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut queue = self.0.queue();
            queue.writing = false;
            queue.waiting.clear();
        }
    }
}

async fn write_waiting(writing: Writing) {
    let shared = &writing.0;
    loop {
        let batch = shared.next();
        let Some(first) = batch.first() else { return };
        metrics::histogram!("signet_envelope_records_at_once").record(batch.len() as f64);
        let span = first.span.clone();
        let (records, answers): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|waiting| (waiting.record, waiting.answer)).unzip();
        let outcomes = keep_all(&shared.db, &records).instrument(span).await;
        for (answer, outcome) in answers.into_iter().zip(outcomes) {
            // Who does not wait any more does not get what was withheld.
            let _gone = answer.send(outcome);
        }
    }
}

/// One record that the database refuses must not take the others with it.
async fn keep_all(db: &Db, records: &[Record]) -> Vec<Result<Kept>> {
    let fault = match db::retry!(write(db, records)) {
        Ok(kept) => return kept.into_iter().map(Ok).collect(),
        Err(fault) => fault,
    };
    if records.len() > 1 && fault.kind() == Kind::Internal {
        let mut outcomes = Vec::with_capacity(records.len());
        for record in records {
            let alone = db::retry!(write(db, std::slice::from_ref(record)));
            let kept = |kept: Vec<Kept>| kept.first().copied();
            outcomes.push(alone.and_then(|done| {
                kept(done).ok_or_else(|| Fault::internal("a record without an outcome"))
            }));
        }
        return outcomes;
    }
    let reason = fault.reason();
    let others = (1..records.len())
        .map(|_| Err(Fault::new(reason).with_note("as for another record of the transaction")));
    std::iter::once(Err(fault)).chain(others).collect()
}

const EVERY: Duration = Duration::from_secs(600);
/// Kept for longer than needed, in case this clock is ahead of another instance's.
const GRACE: chrono::Duration = chrono::Duration::hours(1);

/// Purges until `stop`.
pub async fn purge_every(records: Arc<dyn Records>, clock: SharedClock, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        if let Err(fault) = records.purge(clock.now() - GRACE).await {
            tracing::warn!(cause = ?fault, "releases not purged, will retry");
        }
    }
}
