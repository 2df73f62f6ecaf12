//! Delivers a service's outbox to audit: at least once, oldest first, for as
//! long as the service runs. Audit being down delays events, never loses them.

use std::time::Duration;

use db::Db;
use db::outbox::{self, OutboxEvent};
use kernel::{Fault, Result};
use prost::Message as _;
use proto::audit::v1::ingest_service_client::IngestServiceClient;
use proto::audit::v1::{Event, RecordEventsRequest};
use rpc::Peers;
use tokio_util::sync::CancellationToken;

const BATCH: u32 = 500;
/// Events of other processes, and failed deliveries, are looked for this often.
const IDLE: Duration = Duration::from_secs(2);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Runs until `stop`, then makes one last attempt to deliver what is there.
pub async fn relay(db: Db, peers: Peers, stop: CancellationToken) {
    let mut pause = Duration::from_millis(100);
    while !stop.is_cancelled() {
        let wait = match deliver(&db, &peers).await {
            Ok(0) => {
                pause = Duration::from_millis(100);
                stop.run_until_cancelled(outbox::wait(&db, IDLE)).await;
                continue;
            }
            Ok(_) => continue,
            Err(fault) => {
                metrics::counter!("signet_outbox_failures_total", "db" => db.name()).increment(1);
                tracing::warn!(db = db.name(), cause = ?fault, "events not delivered, will retry");
                pause
            }
        };
        stop.run_until_cancelled(tokio::time::sleep(wait)).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
    if let Err(fault) = deliver(&db, &peers).await {
        tracing::info!(db = db.name(), cause = ?fault, "events stay in the outbox until the next start");
    }
}

/// Delivers one batch; returns how many events left the outbox.
async fn deliver(db: &Db, peers: &Peers) -> Result<usize> {
    let batch = outbox::next(db, BATCH).await?;
    metrics::gauge!("signet_outbox_batch", "db" => db.name()).set(batch.len() as f64);
    if batch.is_empty() {
        return Ok(0);
    }
    let events = batch.iter().map(decode).collect::<Result<Vec<_>>>()?;
    let mut client = IngestServiceClient::new(peers.for_self());
    client
        .record_events(RecordEventsRequest { events })
        .await
        .map_err(|status| rpc::fault_of(&status))?;
    let ids: Vec<_> = batch.iter().map(|event| event.id).collect();
    outbox::done(db, &ids).await?;
    metrics::counter!("signet_outbox_delivered_total", "db" => db.name())
        .increment(ids.len() as u64);
    Ok(ids.len())
}

fn decode(stored: &OutboxEvent) -> Result<Event> {
    Event::decode(stored.bytes.as_slice()).map_err(Fault::internal)
}
