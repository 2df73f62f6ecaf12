//! Sealing and opening 4 KiB against the sum of the primitives that it cannot
//! do without: what the envelope itself adds. Prints for each suite how near it comes to that
//! limit, and how many times as fast as RSA it is. CPU time of the thread, so that a busy
//! machine does not count; all in one run, in turns.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark: prints, and ends where it fails"
)]

use std::time::Duration;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, X25519, agree, agree_ephemeral};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::kem::{DecapsulationKey, EncapsulationKey, ML_KEM_768};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap};
use aws_lc_rs::rand::{self, SystemRandom};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    ED25519, Ed25519KeyPair, KeyPair as _, ML_DSA_65, ML_DSA_65_SIGNING, ParsedPublicKey,
    PqdsaKeyPair, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaKeyPair, UnparsedPublicKey,
};
use crypto::envelope::{Content, Manifest, Terms, seal};
use crypto::{KeyAlgorithm, Limits, PrivateKey};
use kernel::{TenantId, Timestamp};
use rustix::time::{ClockId, clock_gettime};

const SIZE: usize = 4 * 1024;
const ROUNDS: usize = 61;
/// One after the other in a turn, as on a core that does nothing else.
const TURN: u32 = 10;

struct Contender {
    name: &'static str,
    envelope: Box<dyn FnMut()>,
    primitives: Box<dyn FnMut()>,
    whole: Vec<Duration>,
    parts: Vec<Duration>,
}

fn contender(
    name: &'static str,
    keys: (KeyAlgorithm, KeyAlgorithm),
    primitives: impl FnMut() + 'static,
) -> Contender {
    let (envelope, primitives) = (Box::new(envelope(keys)), Box::new(primitives));
    Contender { name, envelope, primitives, whole: Vec::new(), parts: Vec::new() }
}

fn main() {
    let rsa = (KeyAlgorithm::RsaPss2048, KeyAlgorithm::RsaOaep2048);
    let curve = (KeyAlgorithm::Ed25519, KeyAlgorithm::X25519);
    let hybrid = (KeyAlgorithm::Ed25519MlDsa65, KeyAlgorithm::XWing);
    let mut all = [
        contender("RSA-OAEP-256 + PS256, 2048 bits", rsa, rsa_primitives()),
        contender("ECDH-ES+A256KW (X25519) + EdDSA", curve, curve_primitives()),
        contender("X-Wing + Ed25519 beside ML-DSA-65", hybrid, hybrid_primitives()),
    ];
    for _ in 0..ROUNDS {
        for one in &mut all {
            one.whole.push(timed(&mut one.envelope));
            one.parts.push(timed(&mut one.primitives));
        }
    }
    let first = median(&mut all[0].whole);
    for one in &mut all {
        let (whole, parts) = (median(&mut one.whole), median(&mut one.parts));
        let reached = parts.as_secs_f64() / whole.as_secs_f64();
        let faster = first.as_secs_f64() / whole.as_secs_f64();
        println!(
            "seal+open 4 KiB, {}: {whole:?}, primitives {parts:?}: {reached:.3} of the limit, \
             {faster:.2} x RSA",
            one.name
        );
    }
}

fn now() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("time does not run backwards")
}

fn timed(work: &mut impl FnMut()) -> Duration {
    let start = now();
    for _ in 0..TURN {
        work();
    }
    (now() - start) / TURN
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Seals, signs, verifies, releases and opens.
fn envelope((sign, encrypt): (KeyAlgorithm, KeyAlgorithm)) -> impl FnMut() {
    let signer = PrivateKey::generate(sign).unwrap();
    let recipient = PrivateKey::generate(encrypt).unwrap();
    let now = Timestamp::from_timestamp(1_790_000_000, 0).unwrap();
    let limits = Limits::default();
    move || {
        let terms = Terms {
            tenant: TenantId::SYSTEM,
            sender: signer.kid().to_owned(),
            purpose: "respond".to_owned(),
            content_type: "application/json".to_owned(),
            in_reply_to: None,
            issued_at: now,
            expires_at: now + Duration::from_secs(300),
        };
        let to = [recipient.public().clone()];
        let sealed = seal(&terms, &to, vec![7; SIZE], &limits).unwrap();
        let manifest = sealed.claims.sign(&signer).unwrap();
        let manifest = Manifest::parse(&manifest, &limits).ok().unwrap();
        let manifest = manifest.verify(signer.public()).ok().unwrap();
        let content = Content::parse(&sealed.content, &limits).ok().unwrap();
        let key = manifest.release(&recipient, content.wrapped_keys(), now).ok().unwrap();
        assert_eq!(key.open(&manifest, &content).ok().unwrap().len(), SIZE);
    }
}

/// Encrypts, decrypts and digests the content under a fresh key, once on each side, and commits
/// to the key.
fn symmetric() -> impl FnMut() {
    let nonce = || Nonce::assume_unique_for_key([0; 12]);
    let aead = |key: &[u8; 32]| LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).unwrap());
    let commitment = |key: &[u8; 32]| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        std::hint::black_box(hmac::sign(&key, &[7; 73]));
    };
    move || {
        let mut body = vec![7; SIZE];
        let (mut key, mut iv) = ([0; 32], [0; 12]);
        rand::fill(&mut key).unwrap();
        rand::fill(&mut iv).unwrap();
        aead(&key).seal_in_place_append_tag(nonce(), Aad::empty(), &mut body).unwrap();
        std::hint::black_box(digest(&SHA256, &body));
        commitment(&key);
        commitment(&key);
        std::hint::black_box(digest(&SHA256, &body));
        aead(&key).open_in_place(nonce(), Aad::empty(), &mut body).unwrap();
    }
}

/// A256KW, both ways, with a derived key each.
fn wrap_key() {
    let kek = |secret: &[u8; 80]| {
        let derived = digest(&SHA256, secret);
        AesKek::new(&AES_256, derived.as_ref()).unwrap()
    };
    let mut wrapped = [0; 40];
    kek(&[7; 80]).wrap(&[7; 32], &mut wrapped).unwrap();
    kek(&[7; 80]).unwrap(&wrapped, &mut [0; 40]).unwrap();
}

fn rsa_primitives() -> impl FnMut() {
    let rng = SystemRandom::new();
    let signer = RsaKeyPair::generate(KeySize::Rsa2048).unwrap();
    let verifier =
        UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, signer.public_key().as_ref().to_vec());
    let private = PrivateDecryptingKey::generate(KeySize::Rsa2048).unwrap();
    let encrypter = OaepPublicEncryptingKey::new(private.public_key()).unwrap();
    let decrypter = OaepPrivateDecryptingKey::new(private).unwrap();
    let mut content = symmetric();
    move || {
        let mut signature = vec![0; signer.public_modulus_len()];
        signer.sign(&RSA_PSS_SHA256, &rng, &[7; 600], &mut signature).unwrap();
        verifier.verify(&[7; 600], &signature).unwrap();
        let mut wrapped = vec![0; encrypter.ciphertext_size()];
        let wrapped =
            encrypter.encrypt(&OAEP_SHA256_MGF1SHA256, &[7; 32], &mut wrapped, None).unwrap();
        let mut key = vec![0; decrypter.min_output_size()];
        decrypter.decrypt(&OAEP_SHA256_MGF1SHA256, wrapped, &mut key, None).unwrap();
        content();
    }
}

fn curve_primitives() -> impl FnMut() {
    let rng = SystemRandom::new();
    let signer = Ed25519KeyPair::generate().unwrap();
    let verifier = ParsedPublicKey::new(&ED25519, signer.public_key().as_ref()).unwrap();
    let recipient = agreement::PrivateKey::generate(&X25519).unwrap();
    let public = recipient.compute_public_key().unwrap().as_ref().to_vec();
    let mut content = symmetric();
    let take = |secret: &[u8]| Ok(std::hint::black_box(secret.len()));
    move || {
        let signature = signer.sign(&[7; 600]);
        verifier.verify_sig(&[7; 600], signature.as_ref()).unwrap();
        let ephemeral = agreement::EphemeralPrivateKey::generate(&X25519, &rng).unwrap();
        let sent = ephemeral.compute_public_key().unwrap().as_ref().to_vec();
        let to = agreement::UnparsedPublicKey::new(&X25519, &public);
        agree_ephemeral(ephemeral, to, aws_lc_rs::error::Unspecified, take).unwrap();
        let from = agreement::UnparsedPublicKey::new(&X25519, &sent);
        agree(&recipient, from, aws_lc_rs::error::Unspecified, take).unwrap();
        wrap_key();
        content();
    }
}

fn hybrid_primitives() -> impl FnMut() {
    let mut curve = curve_primitives();
    let signer = PqdsaKeyPair::generate(&ML_DSA_65_SIGNING).unwrap();
    let verifier = UnparsedPublicKey::new(&ML_DSA_65, signer.public_key().as_ref().to_vec());
    let recipient = DecapsulationKey::generate(&ML_KEM_768).unwrap();
    let public = recipient.encapsulation_key().unwrap().key_bytes().unwrap();
    let public = EncapsulationKey::new(&ML_KEM_768, public.as_ref()).unwrap();
    move || {
        curve();
        let mut signature = vec![0; ML_DSA_65_SIGNING.signature_len()];
        signer.sign(&[7; 600], &mut signature).unwrap();
        verifier.verify(&[7; 600], &signature).unwrap();
        let (ciphertext, _) = public.encapsulate().unwrap();
        recipient.decapsulate(ciphertext).unwrap();
    }
}
