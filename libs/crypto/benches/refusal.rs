//! Whether the time of a refusal tells which check refused. What depends on a private key is
//! compared: a wrapped key that does not unwrap, and one that unwraps to another content key.
//! The two take turns, in CPU time of the thread; the noise is what two halves of one and the same
//! kind differ by. No test, since a machine may be busy: a figure to look at.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark: prints, and ends where it fails"
)]

use std::time::Duration;

use crypto::envelope::{Content, Manifest, Sealed, Terms, VerifiedManifest, WrappedKeys, seal};
use crypto::{KeyAlgorithm, Limits, PrivateKey};
use kernel::{TenantId, Timestamp};
use rustix::time::{ClockId, clock_gettime};

const ROUNDS: usize = 2_000;

fn main() {
    for (sign, wrap) in [
        (KeyAlgorithm::RsaPss2048, KeyAlgorithm::RsaOaep2048),
        (KeyAlgorithm::Ed25519, KeyAlgorithm::X25519),
        (KeyAlgorithm::Es256, KeyAlgorithm::P256),
        (KeyAlgorithm::Ed25519MlDsa65, KeyAlgorithm::XWing),
    ] {
        report(&PrivateKey::generate(sign).unwrap(), &PrivateKey::generate(wrap).unwrap());
    }
}

fn report(signer: &PrivateKey, recipient: &PrivateKey) {
    let (one, two) = (sealed(signer, recipient), sealed(signer, recipient));
    let limits = Limits::default();
    let token = one.claims.sign(signer).unwrap();
    let manifest = Manifest::parse(&token, &limits).ok().unwrap();
    let manifest = manifest.verify(signer.public()).ok().unwrap();
    // Another envelope's: unwraps, but is not the key committed to.
    let other = keys(&two.content);
    let broken = broken(&one.content);
    let (mut others, mut brokens) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        others.push(refused(&manifest, recipient, &other));
        brokens.push(refused(&manifest, recipient, &broken));
    }
    let noise = {
        let (even, odd): (Vec<_>, Vec<_>) =
            others.iter().enumerate().partition(|(index, _)| index % 2 == 0);
        let times = |half: Vec<(usize, &f64)>| median(half.into_iter().map(|(_, time)| *time));
        (times(even) - times(odd)).abs()
    };
    let (other, broken) = (median(others.into_iter()), median(brokens.into_iter()));
    println!(
        "refused, {}: another key {other:.2} µs, does not unwrap {broken:.2} µs: \
         {:.2} µs apart ({:.1} %), noise {noise:.2} µs",
        recipient.algorithm(),
        (other - broken).abs(),
        (other - broken).abs() / other * 100.0
    );
}

fn sealed(signer: &PrivateKey, recipient: &PrivateKey) -> Sealed {
    let terms = Terms {
        tenant: TenantId::SYSTEM,
        sender: signer.kid().to_owned(),
        purpose: "respond".to_owned(),
        content_type: "application/json".to_owned(),
        in_reply_to: None,
        issued_at: at(),
        expires_at: at() + Duration::from_secs(300),
    };
    let to = [recipient.public().clone()];
    seal(&terms, &to, vec![7; 100], &Limits::default()).unwrap()
}

fn at() -> Timestamp {
    Timestamp::from_timestamp(1_790_000_000, 0).unwrap()
}

fn keys(content: &str) -> WrappedKeys {
    Content::parse(content, &Limits::default()).ok().unwrap().wrapped_keys().clone()
}

/// One letter of the wrapped key is another.
fn broken(content: &str) -> WrappedKeys {
    let mark = r#""encrypted_key":""#;
    let place = content.find(mark).unwrap() + mark.len() + 10;
    let letter = if &content[place..=place] == "A" { "B" } else { "A" };
    keys(&format!("{}{letter}{}", &content[..place], &content[place + 1..]))
}

fn refused(manifest: &VerifiedManifest, recipient: &PrivateKey, keys: &WrappedKeys) -> f64 {
    let start = now();
    let outcome = manifest.release(recipient, keys, at());
    let spent = now() - start;
    assert!(outcome.is_err());
    spent.as_secs_f64() * 1e6
}

fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("time does not run backwards")
}

fn median(times: impl Iterator<Item = f64>) -> f64 {
    let mut times: Vec<_> = times.collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
