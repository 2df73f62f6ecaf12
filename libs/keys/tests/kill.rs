//! `kill -9` while keyrings change, again and again: what was acknowledged is
//! there, and the file is always whole. Two writers at once, so the lock is
//! tried too, by processes that die holding it.
//!
//! Without the test harness, since it starts itself as the writers.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

mod place;

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use kernel::{SystemClock, TenantId};
use keys::Kms;
use keys::local::{KeyringSecret, LocalKms, LocalSettings, Upkeep};
use place::{Place, open};

const ROUNDS: u64 = 25;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match (arguments.next().as_deref(), arguments.next()) {
        (Some("writer"), Some(directory)) => runtime.block_on(write(Path::new(&directory))),
        // As the harness answers those who ask for a list of tests.
        (Some("--list"), _) => println!("killed_while_writing: test"),
        _ => runtime.block_on(kill()),
    }
}

fn settings(directory: &Path) -> LocalSettings {
    LocalSettings {
        path: directory.join("keyring"),
        passphrase_file: None,
        key_file: Some(directory.join("key")),
        create: false,
    }
}

/// Changes the keyring without end: a tenant's first key, a rotation, a
/// destruction, a new salt. Each line says what is durable.
async fn write(directory: &Path) {
    let settings = settings(directory);
    let kms = LocalKms::open(&settings, SystemClock::shared()).await.unwrap();
    let mut out = std::io::stdout();
    loop {
        let tenant = TenantId::new();
        kms.rotate(tenant).await.unwrap();
        writeln!(out, "{tenant} 1 2").unwrap();
        kms.destroy_below(tenant, 2).await.unwrap();
        writeln!(out, "{tenant} 2 2").unwrap();
        let upkeep = Upkeep::new(&settings.path, settings.secret().unwrap(), SystemClock::shared());
        upkeep.rekey(KeyringSecret::KeyFile(directory.join("key"))).unwrap();
    }
}

async fn kill() {
    let place = Place::new();
    open(&place.by_key()).await.unwrap();
    let mut lines = 0;
    for round in 0..ROUNDS {
        let mut writers = [start(place.0.path()), start(place.0.path())];
        // The first acknowledgement says that it has begun.
        let mut said: Vec<String> = writers.iter_mut().map(first_line).collect();
        tokio::time::sleep(Duration::from_millis(round * 7 % 40)).await;
        for writer in &mut writers {
            // SIGKILL.
            writer.kill().unwrap();
            writer.wait().unwrap();
        }
        for writer in &mut writers {
            let mut rest = String::new();
            writer.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
            said.push(rest);
        }
        lines += check(&place, &said).await;
    }
    assert!(lines >= 2 * ROUNDS, "the writers wrote nothing to speak of");
    println!("killed_while_writing: {ROUNDS} rounds, {lines} acknowledged changes, none lost");
}

fn start(directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .arg("writer")
        .arg(directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn first_line(writer: &mut Child) -> String {
    let mut line = String::new();
    // One byte of buffer: the rest is read later, by another reader.
    BufReader::with_capacity(1, writer.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line
}

/// Every acknowledged change must be there, or one after it.
async fn check(place: &Place, said: &[String]) -> u64 {
    let kms = open(&settings(place.0.path())).await.unwrap();
    let mut count = 0;
    for line in said.iter().flat_map(|said| said.lines()) {
        let [tenant, first, last] = line.split(' ').collect::<Vec<_>>()[..] else {
            // Cut short by the kill.
            continue;
        };
        let (Ok(tenant), Ok(first), Ok(last)) =
            (tenant.parse::<TenantId>(), first.parse::<u32>(), last.parse::<u32>())
        else {
            continue;
        };
        let numbers: Vec<_> =
            kms.versions(tenant).await.unwrap().iter().map(|version| version.number).collect();
        assert_eq!(numbers.last(), Some(&last), "{line}: {numbers:?}");
        assert!(numbers.first().is_some_and(|number| *number >= first), "{line}: {numbers:?}");
        count += 1;
    }
    count
}
