//! Where keys are in the memory of a running process: a known data key, the KEK
//! that wraps it and the root key of the keyring are put through one; it is
//! stopped, and all memory that it can write to is searched for them.
//!
//! Without the test harness, since it starts itself as that process. The
//! process never gets to see the keys in any other way than from the keyring.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

mod place;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hkdf;
use kernel::{SystemClock, TenantId};
use keys::local::{LocalKms, LocalSettings};
use keys::{CacheSettings, Context, DataKeyCache, Kms, PlaintextKey, WrappedKey};
use place::{Place, open};
use rustix::process::{Pid, Signal, kill_process};

fn main() {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["holder", directory, tenant, wrapped] => {
            runtime.block_on(hold(Path::new(directory), tenant, wrapped));
        }
        // As the harness answers those who ask for a list of tests.
        ["--list", ..] => println!("keys_are_only_where_documented: test"),
        _ => runtime.block_on(search()),
    }
}

fn context() -> Context {
    Context::new([("id", "1")]).unwrap()
}

fn settings(directory: &Path) -> LocalSettings {
    LocalSettings {
        path: directory.join("keyring"),
        passphrase_file: None,
        key_file: Some(directory.join("key")),
        create: false,
    }
}

/// Uses the key as a service does; each step waits for a line.
async fn hold(directory: &Path, tenant: &str, wrapped: &str) {
    let mut steps = std::io::stdin().lines();
    let mut step = |name: &str| {
        println!("{name}");
        steps.next().unwrap().unwrap();
    };
    let tenant: TenantId = tenant.parse().unwrap();
    let items = [(WrappedKey::parse(&unhex(wrapped)).unwrap(), context())];
    let kms = LocalKms::open(&settings(directory), SystemClock::shared()).await.unwrap();
    let cache = DataKeyCache::new(CacheSettings::default(), SystemClock::shared());
    for _ in 0..50 {
        // Past the cache, so that there is something to be left behind.
        kms.unwrap(tenant, &items).await.unwrap().remove(0).unwrap();
        kms.rewrap(tenant, &items).await.unwrap().remove(0).unwrap();
        cache.unwrap(&kms, tenant, &items).await.unwrap().remove(0).unwrap();
    }
    step("held");
    cache.evict(tenant);
    step("evicted");
    // A change writes and reads the whole ring.
    kms.rotate(tenant).await.unwrap();
    step("changed");
    kms.destroy_below(tenant, 2).await.unwrap();
    step("destroyed");
    drop(kms);
    step("closed");
}

struct Known {
    data_key: [u8; 32],
    kek: [u8; 32],
    root: [u8; 32],
}

async fn search() {
    let place = Place::new();
    let tenant = TenantId::new();
    let kms = open(&place.by_key()).await.unwrap();
    let data_key = PlaintextKey::generate().unwrap();
    let known = *data_key.expose();
    let wrapped = kms.wrap(tenant, &[(data_key, context())]).await.unwrap().remove(0);
    let root: [u8; 32] = fs::read(place.path("key")).unwrap().try_into().unwrap();
    let kek = only_kek(&fs::read(place.path("keyring")).unwrap(), &root);
    let known = Known { data_key: known, kek, root };

    let mut holder = Command::new(std::env::current_exe().unwrap())
        .args(["holder".as_ref(), place.0.path().as_os_str()])
        .args([tenant.to_string(), hex(&wrapped.to_bytes())])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(holder.stdout.take().unwrap()).lines();
    // Data key, KEK, root key: how often each is to be found. docs/keys.md has why.
    for (step, expected) in [
        ("held", [1, 1, 1]),
        ("evicted", [0, 1, 1]),
        ("changed", [0, 1, 1]),
        ("destroyed", [0, 0, 1]),
        ("closed", [0, 0, 0]),
    ] {
        assert_eq!(said.next().unwrap().unwrap(), step);
        let found = count(&holder, &known);
        println!("keys_are_only_where_documented: {step}: data key, KEK, root key: {found:?}");
        assert_eq!(found, expected, "{step}");
        writeln!(holder.stdin.as_mut().unwrap()).unwrap();
    }
    assert!(holder.wait().unwrap().success());
}

/// Stops the process and looks through what a core file would hold. A half of a
/// key counts as the key.
fn count(holder: &Child, known: &Known) -> [usize; 3] {
    let pid = Pid::from_child(holder);
    kill_process(pid, Signal::STOP).unwrap();
    while state(holder.id()) != "T" {
        std::thread::yield_now();
    }
    let memory = File::open(format!("/proc/{}/mem", holder.id())).unwrap();
    let mut found = [[0; 2]; 3];
    let mut bytes_seen = 0;
    for (start, end) in writable(holder.id()) {
        let mut region = vec![0; usize::try_from(end - start).unwrap()];
        if memory.read_exact_at(&mut region, start).is_err() {
            continue;
        }
        bytes_seen += region.len();
        for (found, key) in found.iter_mut().zip([&known.data_key, &known.kek, &known.root]) {
            for (found, half) in found.iter_mut().zip([&key[..16], &key[16..]]) {
                *found += region.windows(16).filter(|window| *window == half).count();
            }
        }
    }
    kill_process(pid, Signal::CONT).unwrap();
    assert!(bytes_seen > 1 << 20, "only {bytes_seen} bytes could be read");
    found.map(|[first, second]| first.max(second))
}

fn state(pid: u32) -> String {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    stat.rsplit(") ").next().unwrap()[..1].to_owned()
}

fn writable(pid: u32) -> Vec<(u64, u64)> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let region = |line: &str| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let hex = |text| u64::from_str_radix(text, 16).ok();
        rest.starts_with("rw").then_some((hex(start)?, hex(end)?))
    };
    maps.lines().filter_map(region).collect()
}

/// Opens a keyring with one tenant and one version by the words of
/// `local/format.rs` and `local/ring.rs` alone.
fn only_kek(file: &[u8], root: &[u8; 32]) -> [u8; 32] {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let (write_salt, nonce, header) = (&file[86..118], &file[118..130], 134);
    let mut key = [0; 32];
    hkdf::Salt::new(hkdf::HKDF_SHA256, write_salt)
        .extract(root)
        .expand(&[b"signet.dev keyring v1 body"], Length(32))
        .unwrap()
        .fill(&mut key)
        .unwrap();
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &key).unwrap());
    let mut body = file[header..file.len() - 32].to_vec();
    let nonce = Nonce::try_assume_unique_for_key(nonce).unwrap();
    let ring = key.open_in_place(nonce, Aad::from(&file[..header]), &mut body).unwrap();
    assert_eq!(ring.len(), 4 + 16 + 4 + 4 + 8 + 32);
    ring[36..].try_into().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}
