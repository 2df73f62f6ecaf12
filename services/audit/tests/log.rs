//! The service without its door: real databases, a real log directory.
#![allow(clippy::unwrap_used, clippy::unwrap_in_result, reason = "tests")]

use std::path::Path;
use std::sync::Arc;

use boot::Service as _;
use db::Db;
use kernel::{EventId, Result, Secret, TenantId};
use proto::Caller;
use proto::audit::v1::{Event, Outcome};
use tlog::{
    FsReader, Hash, LogIdentity, TreeHead, fsck, leaf_hash, verify_consistency, verify_inclusion,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use audit::application::append::Appender;
use audit::application::integrate::integrate;
use audit::application::ports::{Events, Head, Kind, Log, Query};
use audit::application::prove::Prove;
use audit::domain::{Accepted, entry_of};
use audit::infrastructure::{FileLog, Origin, SqlEvents};

const ORIGIN: &str = "audit.test/log";

fn event(tenant: TenantId, kind: &str) -> Event {
    Event {
        id: EventId::new().to_string(),
        r#type: format!("dev.signet.storage.{kind}"),
        source: "storage".into(),
        time: Some(prost_types::Timestamp { seconds: 1, nanos: 0 }),
        tenant: format!("tenants/{tenant}"),
        actor: "users/test".into(),
        subject: "prompts/1".into(),
        outcome: Outcome::Success.into(),
        request_id: "request-1".into(),
        ..Event::default()
    }
}

fn accepted(event: &Event) -> Accepted {
    Accepted::check(event, Caller::Storage, "event").unwrap()
}

fn open_log(folder: &Path, known: Option<TreeHead>) -> Result<Arc<dyn Log>> {
    let log =
        FileLog::open(folder.to_owned(), &Origin(ORIGIN.into()), &Secret::new([7; 32]), known)?;
    Ok(Arc::new(log))
}

/// The parts of the service that run, until they are stopped.
struct Running {
    events: Arc<dyn Events>,
    log: Arc<dyn Log>,
    appender: Appender,
    stop: CancellationToken,
    tasks: tokio::task::JoinSet<()>,
}

impl Running {
    fn start(db: &Db, folder: &Path) -> Self {
        let events: Arc<dyn Events> = Arc::new(SqlEvents(db.clone()));
        let log = open_log(folder, None).unwrap();
        let (appended, stop) = (Arc::new(Notify::new()), CancellationToken::new());
        let (appender, writer) = Appender::new(Arc::clone(&events), Arc::clone(&appended));
        let mut tasks = tokio::task::JoinSet::new();
        tasks.spawn(writer);
        tasks.spawn(integrate(Arc::clone(&events), Arc::clone(&log), appended, stop.clone()));
        Self { events, log, appender, stop, tasks }
    }

    /// Ends as the service does: what is stored comes under the checkpoint.
    async fn end(self) -> Arc<dyn Log> {
        drop(self.appender);
        self.stop.cancel();
        self.tasks.join_all().await;
        self.log
    }
}

db::both! { audit::Audit::migrations() =>
    async fn an_event_is_stored_once_and_found_only_by_its_tenant(db: Db) {
        let events = SqlEvents(db);
        let (ours, theirs) = (TenantId::new(), TenantId::new());
        let first = event(ours, "prompt.created");
        let salt = [1; 32];
        let twice = [(accepted(&first), salt), (accepted(&first), salt)];
        assert_eq!(events.append(&twice).await.unwrap(), [true, false]);
        assert_eq!(events.append(&twice).await.unwrap(), [false, false]);
        let id = first.id.parse().unwrap();
        let found = events.find(ours, id).await.unwrap().unwrap();
        assert_eq!((found.index, found.event().unwrap()), (0, first));
        assert!(events.find(theirs, id).await.unwrap().is_none());
        assert!(events.list(theirs, &Query { limit: 9, ..Query::default() }).await.unwrap().is_empty());
    }

    async fn lists_are_filtered_newest_first(db: Db) {
        let events = SqlEvents(db);
        let tenant = TenantId::new();
        for kind in ["prompt.created", "prompt.deleted", "blob.collected"] {
            events.append(&[(accepted(&event(tenant, kind)), [0; 32])]).await.unwrap();
        }
        let kinds = async |query: Query| {
            let rows = events.list(tenant, &query).await.unwrap();
            rows.iter().map(|row| row.event().unwrap().r#type.rsplit_once('.').unwrap().1.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(kinds(Query { limit: 9, ..Query::default() }).await, ["collected", "deleted", "created"]);
        assert_eq!(kinds(Query { limit: 1, before: Some(2), ..Query::default() }).await, ["deleted"]);
        let start = Kind::StartsWith("dev.signet.storage.prompt.".into());
        assert_eq!(kinds(Query { limit: 9, kind: Some(start), ..Query::default() }).await, ["deleted", "created"]);
        let exact = Kind::Exactly("dev.signet.storage.prompt.deleted".into());
        assert_eq!(kinds(Query { limit: 9, kind: Some(exact), ..Query::default() }).await, ["deleted"]);
        let other = Some("request-2".to_owned());
        assert!(kinds(Query { limit: 9, request_id: other, ..Query::default() }).await.is_empty());
    }

    async fn many_writers_get_indexes_without_gaps(db: Db) {
        let tenant = TenantId::new();
        let writers = (0..8).map(|_| {
            let events = SqlEvents(db.clone());
            tokio::spawn(async move {
                for _ in 0..10 {
                    let batch = [(); 3].map(|()| (accepted(&event(tenant, "prompt.read")), [0; 32]));
                    events.append(&batch).await.unwrap();
                }
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let all = SqlEvents(db).starting_at(0, 1_000).await.unwrap();
        assert_eq!(all.iter().map(|event| event.index).collect::<Vec<_>>(), (0..240).collect::<Vec<_>>());
    }

    async fn what_is_acknowledged_is_proved_also_after_a_restart(db: Db) {
        let folder = tempfile::tempdir().unwrap();
        let tenant = TenantId::new();
        let running = Running::start(&db, folder.path());
        let first: Vec<Event> = (0..300).map(|_| event(tenant, "prompt.read")).collect();
        let batches = first.chunks(50).map(|chunk| running.appender.append(chunk.iter().map(accepted).collect()));
        for batch in batches.collect::<Vec<_>>() {
            assert_eq!(batch.await.unwrap(), 50);
        }
        let Head { size, note: note_before, .. } = running.end().await.head();
        assert_eq!(size, 300);

        let running = Running::start(&db, folder.path());
        let last = event(tenant, "prompt.deleted");
        running.appender.append(vec![accepted(&last)]).await.unwrap();
        let prove = Prove { events: Arc::clone(&running.events), log: Arc::clone(&running.log) };
        let log = running.end().await;
        assert_eq!(log.head().size, 301);

        let identity = LogIdentity { origin: ORIGIN.into(), keys: vec![log.key().parse().unwrap()] };
        let proof = prove.inclusion(tenant, last.id.parse().unwrap()).await.unwrap();
        let checkpoint = identity.open(proof.checkpoint.as_bytes()).unwrap();
        let stored = prove.events.find(tenant, last.id.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!(proof.entry, entry_of(&stored.salt, &stored.encoded));
        let hashes: Vec<Hash> = proof.hashes.iter().map(|hash| hash_of(hash)).collect();
        let head = checkpoint.head();
        verify_inclusion(&leaf_hash(&proof.entry), proof.index, head.size, &hashes, &head.root).unwrap();

        let grown = prove.consistency(300, 0).await.unwrap();
        assert_eq!((grown.first, grown.second), (300, 301));
        let old = identity.open(note_before.as_bytes()).unwrap().head();
        let hashes: Vec<Hash> = grown.hashes.iter().map(|hash| hash_of(hash)).collect();
        verify_consistency(300, &old.root, 301, &checkpoint.head().root, &hashes).unwrap();
        assert!(prove.consistency(0, 0).await.is_err());
        assert!(prove.consistency(1, 302).await.is_err());
        fsck(&FsReader::new(folder.path()), &identity).unwrap();
    }

    async fn log_files_that_were_rolled_back_are_refused(db: Db) {
        let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let running = Running::start(&db, folder.path());
        running.appender.append(vec![accepted(&event(TenantId::new(), "prompt.read"))]).await.unwrap();
        drop(running.end().await);
        let known = SqlEvents(db).published().await.unwrap();
        assert_eq!(known.map(|head| head.size), Some(1));
        assert!(open_log(folder.path(), known).is_ok());
        assert!(open_log(other.path(), known).is_err(), "an empty folder is no continuation");
    }

    async fn an_event_that_is_not_integrated_has_no_proof_yet(db: Db) {
        let folder = tempfile::tempdir().unwrap();
        let events: Arc<dyn Events> = Arc::new(SqlEvents(db));
        let tenant = TenantId::new();
        let waiting = event(tenant, "prompt.read");
        events.append(&[(accepted(&waiting), [0; 32])]).await.unwrap();
        let prove = Prove { events, log: open_log(folder.path(), None).unwrap() };
        let fault = prove.inclusion(tenant, waiting.id.parse().unwrap()).await.err().unwrap();
        assert_eq!(fault.reason().code, "EVENT_NOT_INTEGRATED");
        let foreign = prove.inclusion(TenantId::new(), waiting.id.parse().unwrap()).await.err().unwrap();
        assert_eq!(foreign.reason().code, "RESOURCE_NOT_FOUND");
    }
}

fn hash_of(bytes: &[u8]) -> Hash {
    tlog::decode_hashes(bytes, 1).unwrap()[0]
}

#[tokio::test]
async fn a_log_of_another_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    drop(open_log(folder.path(), None).unwrap());
    let other = FileLog::open(
        folder.path().to_owned(),
        &Origin(ORIGIN.into()),
        &Secret::new([8; 32]),
        None,
    );
    assert!(other.is_err());
}
