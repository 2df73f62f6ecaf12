//! A stream of 1 GiB in chunks of 64 KiB against raw AES-256-GCM out of place, and the memory
//! that it takes. Prints one ratio for sealing, one for opening, one for reading anywhere, and
//! how much the process has grown.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark: prints, and ends where it fails"
)]

use std::fs;
use std::hint::black_box;
use std::io::{self, Read, Seek, SeekFrom};
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use crypto::envelope::{Content, Manifest, Sealed, Terms, seal_stream};
use crypto::stream::file::{CHUNK_LEN, Layout, Reader, SEALED_CHUNK_LEN};
use crypto::stream::pieces::{PieceOpener, PieceSealer};
use crypto::stream::{StreamOpener, StreamSealer};
use crypto::{KeyAlgorithm, Limits, PrivateKey};
use kernel::{TenantId, Timestamp};

const CHUNKS: u64 = (1 << 30) / CHUNK_LEN as u64;
/// In turns, so that both meet the same machine.
const ROUNDS: usize = 5;
/// What a program reads at once: larger than a chunk, and no multiple of it.
const PIECE: usize = 256 * 1024 + 1_000;

fn main() {
    let plaintext = vec![7; PIECE];
    let (mut ours, mut raw) = (Vec::new(), Vec::new());
    let (mut ours_open, mut raw_open) = (Vec::new(), Vec::new());
    let idle = memory();
    let mut peak = 0;
    for _ in 0..ROUNDS {
        ours.push(timed(|| sealed(&plaintext)));
        raw.push(timed(|| raw_sealed(&plaintext)));
        peak = peak.max(memory());
    }
    let stream = Stream::new(&plaintext[..CHUNK_LEN]);
    for _ in 0..ROUNDS {
        ours_open.push(stream.opened());
        raw_open.push(timed(|| stream.raw_opened()));
        peak = peak.max(memory());
    }
    report("seal", &mut ours, &mut raw);
    report("open", &mut ours_open, &mut raw_open);
    let anywhere = timed(|| stream.read_anywhere());
    println!("stream, a chunk from anywhere: {:?} each", anywhere / 1_000);
    let grown = peak.saturating_sub(idle) as f64 / 1024.0;
    println!("stream, memory above idle: {grown:.1} MiB, 8 of them the ciphertexts that are read");
}

fn report(what: &str, ours: &mut [Duration], raw: &mut [Duration]) {
    ours.sort();
    raw.sort();
    let (ours, raw) = (ours[ROUNDS / 2], raw[ROUNDS / 2]);
    let ratio = raw.as_secs_f64() / ours.as_secs_f64();
    let speed = 1.073_741_824 / ours.as_secs_f64();
    println!(
        "stream 1 GiB, {what}: {ours:?} ({speed:.1} GB/s) / AES-256-GCM {raw:?} = {ratio:.2} of its rate"
    );
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

/// Resident memory, KiB.
fn memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn keys() -> (PrivateKey, PrivateKey) {
    let signer = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
    (signer, PrivateKey::generate(KeyAlgorithm::X25519).unwrap())
}

fn now() -> Timestamp {
    Timestamp::from_timestamp(1_790_000_000, 0).unwrap()
}

fn begin((signer, recipient): &(PrivateKey, PrivateKey)) -> (Sealed, StreamSealer) {
    let terms = Terms {
        tenant: TenantId::SYSTEM,
        sender: signer.kid().to_owned(),
        purpose: "store".to_owned(),
        content_type: "application/octet-stream".to_owned(),
        in_reply_to: None,
        issued_at: now(),
        expires_at: now() + Duration::from_secs(300),
    };
    seal_stream(&terms, &[recipient.public().clone()], &Limits::default()).unwrap()
}

/// 1 GiB in pieces; the chunks go nowhere.
fn sealed(plaintext: &[u8]) {
    let (_, sealer) = begin(&keys());
    let mut sealer = PieceSealer::new(sealer);
    let mut left = CHUNKS as usize * CHUNK_LEN;
    while left > 0 {
        let mut piece = &plaintext[..plaintext.len().min(left)];
        left -= piece.len();
        while let Some(chunk) = sealer.next(&mut piece).unwrap() {
            black_box(chunk);
        }
    }
    black_box(sealer.finish().unwrap());
}

fn raw_key() -> LessSafeKey {
    LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap())
}

fn nonce(index: u64) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[..8].copy_from_slice(&index.to_be_bytes());
    Nonce::assume_unique_for_key(nonce)
}

fn raw_sealed(plaintext: &[u8]) {
    let (key, mut out) = (raw_key(), vec![0; CHUNK_LEN]);
    // From as much memory as ours, so that both find as little of it in the cache.
    let mut sources = plaintext.windows(CHUNK_LEN).step_by(CHUNK_LEN).cycle();
    for index in 0..CHUNKS {
        out.copy_from_slice(sources.next().unwrap());
        let tag = key.seal_in_place_separate_tag(nonce(index), Aad::empty(), &mut out).unwrap();
        let _ = black_box((&out, tag));
    }
}

/// How many chunks the streams that are read have.
const SHORT: u64 = 64;

struct Stream {
    keys: (PrivateKey, PrivateKey),
    sealed: Sealed,
    body: Vec<u8>,
    raw: Vec<u8>,
}

impl Stream {
    fn new(plaintext: &[u8]) -> Self {
        let keys = keys();
        let (sealed, sealer) = begin(&keys);
        let (mut sealer, mut body) = (PieceSealer::new(sealer), Vec::new());
        for _ in 0..SHORT {
            let mut piece = plaintext;
            while let Some(chunk) = sealer.next(&mut piece).unwrap() {
                body.extend_from_slice(chunk);
            }
        }
        body.extend_from_slice(sealer.finish().unwrap());
        let (key, mut raw) = (raw_key(), Vec::new());
        for index in 0..SHORT {
            let mut chunk = plaintext.to_vec();
            key.seal_in_place_append_tag(nonce(index), Aad::empty(), &mut chunk).unwrap();
            raw.extend_from_slice(&chunk);
        }
        Self { keys, sealed, body, raw }
    }

    fn opener(&self) -> StreamOpener {
        let (signer, recipient) = &self.keys;
        let limits = Limits::default();
        let manifest = self.sealed.claims.sign(signer).unwrap();
        let manifest = Manifest::parse(&manifest, &limits).ok().unwrap();
        let manifest = manifest.verify(signer.public()).ok().unwrap();
        let content = Content::parse(&self.sealed.content, &limits).ok().unwrap();
        let key = manifest.release(recipient, content.wrapped_keys(), now()).ok().unwrap();
        key.open_stream(&manifest, &content).ok().unwrap()
    }

    /// 1 GiB in streams of four MiB. Opening the envelope is not counted: that is what
    /// `benches/envelope.rs` measures, and a stream has one only.
    fn opened(&self) -> Duration {
        let mut took = Duration::ZERO;
        for _ in 0..CHUNKS / SHORT {
            let mut opener = PieceOpener::new(self.opener());
            took += timed(|| {
                for mut piece in self.body.chunks(PIECE) {
                    while let Some(chunk) = opener.next(&mut piece).ok().unwrap() {
                        black_box(chunk);
                    }
                }
                black_box(opener.finish().ok().unwrap());
            });
        }
        took
    }

    fn raw_opened(&self) {
        let (key, mut out) = (raw_key(), vec![0; SEALED_CHUNK_LEN]);
        for index in 0..CHUNKS {
            let place = (index % SHORT) as usize * SEALED_CHUNK_LEN;
            out.copy_from_slice(&self.raw[place..place + SEALED_CHUNK_LEN]);
            black_box(key.open_in_place(nonce(index % SHORT), Aad::empty(), &mut out).unwrap());
        }
    }

    /// A byte from each of a thousand places.
    fn read_anywhere(&self) {
        let mut reader = Reader::new(io::Cursor::new(&self.body), self.opener()).unwrap();
        let length = Layout::of(self.body.len() as u64).unwrap().plaintext();
        let mut byte = [0];
        for step in 0..1_000 {
            reader.seek(SeekFrom::Start(step * 7_919 * 4_099 % length)).unwrap();
            reader.read_exact(&mut byte).unwrap();
        }
    }
}
