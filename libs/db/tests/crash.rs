//! `kill -9` of a process that writes: nothing it had acknowledged is lost.
//!
//! Run without arguments this is the test; with a file it is the process that
//! gets killed, which prints each id after its commit has returned.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test without the harness, which would set these"
)]

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use db::testing::{Place, run};
use db::{Db, Migrations, Settings, sql};
use uuid::Uuid;

static MIGRATIONS: Migrations = Migrations::new("crash", sqlx::migrate!("tests/migrations"), &[]);

const ROUNDS: u64 = 5;
const ACKNOWLEDGED: usize = 200;

fn main() {
    if let Some(file) = std::env::args().nth(1).filter(|argument| argument.starts_with('/')) {
        run(write_for_ever(Path::new(&file)));
        return;
    }
    let place = Place::sqlite();
    let mut all = Vec::new();
    for round in 1..=ROUNDS {
        all.extend(acknowledged_until_killed(&place, round));
        run(check(&place, &all));
    }
    println!("{} acknowledged rows, {ROUNDS} kills, none lost", all.len());
}

async fn write_for_ever(file: &Path) {
    const INSERT: &str = "INSERT INTO items (id, name, amount) VALUES ($1, $2, 1)";
    let db = Db::open(&Settings::sqlite(file), &MIGRATIONS).await.unwrap();
    for _ in 0..4 {
        let db = db.clone();
        tokio::spawn(async move {
            loop {
                let id = Uuid::now_v7();
                let mut tx = db.begin("crash").await.unwrap();
                sql!(tx.on(), |c| {
                    sqlx::query(INSERT).bind(id).bind(id.to_string()).execute(c).await.map(drop)
                })
                .unwrap();
                tx.commit().await.unwrap();
                let mut out = std::io::stdout().lock();
                writeln!(out, "{id}").unwrap();
                out.flush().unwrap();
            }
        });
    }
    std::future::pending::<()>().await;
}

fn acknowledged_until_killed(place: &Place, round: u64) -> Vec<Uuid> {
    let url = place.settings().url;
    let file = url.expose().trim_start_matches("sqlite://");
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg(file)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut ids: Vec<Uuid> = lines
        .by_ref()
        .take(ACKNOWLEDGED)
        .map(|line| line.unwrap().parse().expect("the writer prints ids only"))
        .collect();
    // Somewhere between two commits, elsewhere each time.
    std::thread::sleep(Duration::from_micros(1_700 * round));
    child.kill().unwrap(); // SIGKILL
    // What was already in the pipe counts too; the last line may be cut.
    ids.extend(lines.map_while(Result::ok).filter_map(|line| line.parse::<Uuid>().ok()));
    child.wait().unwrap();
    assert!(ids.len() >= ACKNOWLEDGED, "the writer ended by itself");
    ids
}

async fn check(place: &Place, acknowledged: &[Uuid]) {
    let db = Db::open(&place.settings(), &MIGRATIONS).await.unwrap();
    let stored: Vec<Uuid> =
        sql!(db.read(), |c| sqlx::query_scalar("SELECT id FROM items").fetch_all(c).await).unwrap();
    let stored: std::collections::HashSet<Uuid> = stored.into_iter().collect();
    let lost = acknowledged.iter().filter(|id| !stored.contains(id)).count();
    assert_eq!(lost, 0, "of {} acknowledged", acknowledged.len());
    let db::Of::Sqlite(pool) = db.read() else { panic!("not SQLite") };
    let whole: String = sqlx::query_scalar("PRAGMA integrity_check").fetch_one(pool).await.unwrap();
    assert_eq!(whole, "ok");
    db.close().await;
}
