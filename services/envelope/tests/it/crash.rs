//! `kill -9` of the service while it releases keys. The test runs itself once more
//! as the process that gets killed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use boot::Service as _;
use crypto::KeyAlgorithm as Algorithm;
use db::testing::run;
use db::{Db, Settings};
use envelope::Envelope;
use kernel::TenantId;
use prost::Message as _;
use proto::Role;
use proto::envelope::v1::UnwrapContentKeyRequest;

use crate::client::{Client, code};
use crate::server::{Server, User, uuid};

const NAME: &str = "crash::a_kill_between_record_and_answer_loses_nothing";
const FOLDER: &str = "SIGNET_ENVELOPE_CRASHES_IN";
const ROUNDS: u64 = 3;
const ENVELOPES: usize = 160;
const ANSWERS: usize = 30;
const AT_ONCE: usize = 8;

#[test]
fn a_kill_between_record_and_answer_loses_nothing() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        run(release_all(Path::new(&folder)));
        return;
    }
    for round in 1..=ROUNDS {
        let house = run(House::new());
        let answered = house.answered_until_killed(round);
        run(house.check(&answered));
    }
}

/// A folder with a database, a keyring, and requests for content keys.
struct House {
    folder: Arc<tempfile::TempDir>,
    member: User,
    requests: Vec<UnwrapContentKeyRequest>,
}

async fn open(folder: &Path) -> Db {
    let file = Settings::sqlite(&folder.join("data").join("envelope.db"));
    Db::open(&file, Envelope::migrations()).await.unwrap()
}

fn requests_file(folder: &Path) -> PathBuf {
    folder.join("requests")
}

impl House {
    async fn new() -> Self {
        let place = db::testing::Place::sqlite();
        let server = Server::start(place.open(Envelope::migrations()).await).await;
        let folder = server.folder();
        let server = server.moved(open(folder.path()).await);
        let client = Client::new(&server, Algorithm::Ed25519).await;
        let mut bytes = server.tenant().uuid().as_bytes().to_vec();
        bytes.extend(server.member.0.user.uuid().as_bytes());
        let mut requests = Vec::new();
        for _ in 0..ENVELOPES {
            let wire = client.seal(&server, &["keys/response-seal"]).await;
            requests.push(wire.unwrap_request(&uuid()));
            bytes.extend(requests.last().unwrap().encode_length_delimited_to_vec());
        }
        std::fs::write(requests_file(folder.path()), bytes).unwrap();
        server.db.close().await;
        Self { folder, member: server.member.clone(), requests }
    }

    /// What the process had answered: the index and the content key of each.
    fn answered_until_killed(&self, round: u64) -> Vec<(usize, String)> {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture"])
            .env(FOLDER, self.folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut answers = lines.map_while(Result::ok).filter_map(|line| {
            let (index, key) = line.split_once("answered ")?.1.split_once(' ')?;
            // A cut line is not an answer.
            (key.len() == 64).then(|| (index.parse().unwrap(), key.to_owned()))
        });
        let mut answered: Vec<_> = answers.by_ref().take(ANSWERS).collect();
        std::thread::sleep(Duration::from_micros(1_300 * round));
        child.kill().unwrap();
        answered.extend(answers);
        child.wait().unwrap();
        assert!(answered.len() >= ANSWERS, "the process ended by itself");
        answered
    }

    async fn check(&self, answered: &[(usize, String)]) {
        let db = open(self.folder.path()).await;
        let recorded: i64 = db::sql!(db.read(), |c| {
            sqlx::query_scalar("SELECT count(*) FROM releases").fetch_one(c).await
        })
        .unwrap();
        assert!(usize::try_from(recorded).unwrap() >= answered.len(), "no answer without a record");
        let server = Server::resume(self.folder.path(), db, self.member.clone()).await;
        for (index, key) in answered {
            let again = server.unwrap(&server.member, self.requests[*index].clone()).await.unwrap();
            assert_eq!(hex::encode(again.content_key), *key);
        }
        // Those that were under way are among these: recorded or not, the same
        // request gets the key, and no other.
        for request in &self.requests[..answered.len() + 2 * AT_ONCE] {
            assert_eq!(code(server.unwrap(&server.member, request.clone()).await), "OK");
            let other = UnwrapContentKeyRequest { request_id: uuid(), ..request.clone() };
            assert_eq!(code(server.unwrap(&server.member, other).await), "ENVELOPE_REJECTED");
        }
        server.db.close().await;
    }
}

/// The process that gets killed: releases, in order, a few at a time.
async fn release_all(folder: &Path) {
    let bytes = std::fs::read(requests_file(folder)).unwrap();
    let (tenant, rest) = bytes.split_at(16);
    let (user, mut rest) = rest.split_at(16);
    let id = |bytes: &[u8]| uuid::Uuid::from_slice(bytes).unwrap();
    let mut member = User::of(TenantId::from_uuid(id(tenant)), Role::Member);
    member.0.user = kernel::PrincipalId::from_uuid(id(user));
    let server = Arc::new(Server::resume(folder, open(folder).await, member).await);
    let mut requests = Vec::new();
    while !rest.is_empty() {
        requests.push(UnwrapContentKeyRequest::decode_length_delimited(&mut rest).unwrap());
    }
    let mut tasks = Vec::new();
    for lane in 0..AT_ONCE {
        let (server, requests) = (Arc::clone(&server), requests.clone());
        tasks.push(tokio::spawn(async move {
            for (index, request) in requests.into_iter().enumerate().skip(lane).step_by(AT_ONCE) {
                let released = server.unwrap(&server.member, request).await.unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "answered {index} {}", hex::encode(released.content_key)).unwrap();
                out.flush().unwrap();
            }
        }));
    }
    futures::future::join_all(tasks).await;
    // Killed before it gets here, or found out.
    std::future::pending::<()>().await;
}
