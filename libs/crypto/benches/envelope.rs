//! Sealing and opening 4 KiB against the sum of the primitives that it cannot
//! do without: what the envelope itself adds. Prints one ratio a suite.
#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark: prints, and ends where it fails"
)]

use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, X25519, agree, agree_ephemeral};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey, OaepPublicEncryptingKey,
    PrivateDecryptingKey,
};
use aws_lc_rs::signature::{
    ED25519, Ed25519KeyPair, KeyPair as _, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256, RsaKeyPair,
    UnparsedPublicKey,
};
use crypto::envelope::{Content, Manifest, Terms, seal};
use crypto::{KeyAlgorithm, Limits, PrivateKey};
use kernel::{TenantId, Timestamp};

const SIZE: usize = 4 * 1024;
const ROUNDS: usize = 301;

fn main() {
    let rsa = (KeyAlgorithm::RsaPss2048, KeyAlgorithm::RsaOaep2048);
    report("RSA-OAEP-256 + PS256, 2048 bits", rsa, rsa_primitives());
    let curve = (KeyAlgorithm::Ed25519, KeyAlgorithm::X25519);
    report("ECDH-ES+A256KW (X25519) + EdDSA", curve, curve_primitives());
}

fn report(suite: &str, keys: (KeyAlgorithm, KeyAlgorithm), mut primitives: impl FnMut()) {
    let mut ours = envelope(keys);
    // In turns, so that both meet the same machine.
    let (mut whole, mut parts) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        whole.push(timed(&mut ours));
        parts.push(timed(&mut primitives));
    }
    let (whole, parts) = (median(whole), median(parts));
    let ratio = whole.as_secs_f64() / parts.as_secs_f64();
    println!("seal+open 4 KiB, {suite}: {whole:?} / primitives {parts:?} = {ratio:.2}");
}

fn timed(work: &mut impl FnMut()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
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

/// Encrypts, decrypts and digests the content, once on each side.
fn symmetric() -> impl FnMut() {
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &[7; 32]).unwrap());
    let nonce = || Nonce::assume_unique_for_key([0; 12]);
    move || {
        let mut body = vec![7; SIZE];
        key.seal_in_place_append_tag(nonce(), Aad::empty(), &mut body).unwrap();
        std::hint::black_box(digest(&SHA256, &body));
        std::hint::black_box(digest(&SHA256, &body));
        key.open_in_place(nonce(), Aad::empty(), &mut body).unwrap();
    }
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
    let verifier = UnparsedPublicKey::new(&ED25519, signer.public_key().as_ref().to_vec());
    let recipient = agreement::PrivateKey::generate(&X25519).unwrap();
    let public = recipient.compute_public_key().unwrap().as_ref().to_vec();
    let mut content = symmetric();
    let take = |secret: &[u8]| Ok(std::hint::black_box(secret.len()));
    move || {
        let signature = signer.sign(&[7; 600]);
        verifier.verify(&[7; 600], signature.as_ref()).unwrap();
        let ephemeral = agreement::EphemeralPrivateKey::generate(&X25519, &rng).unwrap();
        let sent = ephemeral.compute_public_key().unwrap().as_ref().to_vec();
        let to = agreement::UnparsedPublicKey::new(&X25519, &public);
        agree_ephemeral(ephemeral, to, aws_lc_rs::error::Unspecified, take).unwrap();
        let from = agreement::UnparsedPublicKey::new(&X25519, &sent);
        agree(&recipient, from, aws_lc_rs::error::Unspecified, take).unwrap();
        content();
    }
}
