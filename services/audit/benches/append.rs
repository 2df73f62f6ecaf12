//! Durable appends to the audit log against a raw group commit of rows of the
//! same size, on the same database settings: what indexes, deduplication, the
//! order of the log and the hand-over between tasks cost. Prints the ratio.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark: prints, and ends where it fails"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use boot::Service as _;
use db::{Db, Of};
use kernel::{EventId, TenantId};
use proto::Caller;
use proto::audit::v1::{Event, Outcome};
use sqlx::{QueryBuilder, SqlitePool};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use audit::Audit;
use audit::application::append::Appender;
use audit::domain::Accepted;
use audit::infrastructure::SqlEvents;

/// Requests at a time, each with one event; as many rows has a raw commit.
const PRODUCERS: usize = 256;
/// Events that a producer appends in a turn, one after the other.
const EACH: usize = 8;
const TURNS: usize = 9;

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure());
}

async fn measure() {
    // Not in the system's temporary directory, which may be in memory, where
    // nothing is durable.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let ours = open(&folder.path().join("ours.db")).await;
    let raw = open(&folder.path().join("raw.db")).await;
    let Of::Sqlite(raw) = raw.write() else { panic!("not SQLite") };
    sqlx::query("CREATE TABLE rows (body BLOB NOT NULL)").execute(raw).await.unwrap();
    let (appender, writer) = Appender::new(Arc::new(SqlEvents(ours)), Arc::new(Notify::new()));
    let writer = tokio::spawn(writer);

    let tenant = TenantId::new();
    let body = vec![7; size(&accepted(tenant))];
    let (mut appends, mut commits) = (Vec::new(), Vec::new());
    // In turns, so that both meet the same machine.
    for _ in 0..TURNS {
        appends.push(append(&appender, tenant).await);
        commits.push(commit(raw, &body).await);
    }
    drop(appender);
    writer.await.unwrap();

    let (appends, commits) = (per_second(appends), per_second(commits));
    let ratio = appends / commits;
    println!(
        "durable audit appends, SQLite FULL, {PRODUCERS} producers: {appends:.0} events/s / \
         raw group commit of {} bytes a row, {PRODUCERS} rows: {commits:.0} rows/s = {ratio:.2}",
        body.len()
    );
}

async fn open(file: &Path) -> Db {
    Db::open(&db::Settings::sqlite(file), Audit::migrations()).await.unwrap()
}

/// Every producer hands in one event and waits until it is durable.
async fn append(appender: &Appender, tenant: TenantId) -> Duration {
    let batches: Vec<Vec<Accepted>> =
        (0..PRODUCERS).map(|_| (0..EACH).map(|_| accepted(tenant)).collect()).collect();
    let mut producers = JoinSet::new();
    let start = Instant::now();
    for batch in batches {
        let appender = appender.clone();
        producers.spawn(async move {
            for event in batch {
                assert_eq!(appender.append(vec![event]).await.unwrap(), 1);
            }
        });
    }
    producers.join_all().await;
    start.elapsed()
}

/// As many rows, as many to a transaction, and nothing else.
async fn commit(raw: &SqlitePool, body: &[u8]) -> Duration {
    let start = Instant::now();
    for _ in 0..EACH {
        let mut tx = raw.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let mut sql = QueryBuilder::new("INSERT INTO rows (body) ");
        sql.push_values(0..PRODUCERS, |mut row, _| {
            row.push_bind(body);
        });
        sql.build().execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
    start.elapsed()
}

/// The median turn's.
fn per_second(mut times: Vec<Duration>) -> f64 {
    times.sort();
    (PRODUCERS * EACH) as f64 / times[times.len() / 2].as_secs_f64()
}

fn accepted(tenant: TenantId) -> Accepted {
    let event = Event {
        id: EventId::new().to_string(),
        r#type: "dev.signet.storage.prompt.created".into(),
        source: "storage".into(),
        time: Some(prost_types::Timestamp { seconds: 1_790_000_000, nanos: 0 }),
        tenant: format!("tenants/{tenant}"),
        actor: format!("users/{tenant}"),
        subject: format!("prompts/{tenant}"),
        outcome: Outcome::Success.into(),
        request_id: tenant.to_string(),
        ..Event::default()
    };
    Accepted::check(&event, Caller::Storage, "event").unwrap()
}

/// What a row of the event holds: id, index, tenant, salt, and the rest.
fn size(event: &Accepted) -> usize {
    let texts = event.kind.len() + event.subject.len() + event.request_id.len();
    16 + 8 + 16 + 32 + texts + event.encoded.len()
}
