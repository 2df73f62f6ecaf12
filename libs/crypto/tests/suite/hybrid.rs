//! The hybrid suite: its vectors, and that there is no way down from it.

use std::path::Path;

use chrono::Duration;
use crypto::envelope::{Content, Manifest, WrappedKeys, seal};
use crypto::provider::{self, Failed, PrivateParts, PublicParts};
use crypto::{
    Detail, KeyAlgorithm, KeyError, Limits, OpenError, PrivateKey, PublicKey, SealError, nested,
    proof,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::common::{HYBRID, Keys, Refused, Wire, X25519, now, open, sealed, terms, wire};

const SEAL: KeyAlgorithm = KeyAlgorithm::XWing;
const SIGN: KeyAlgorithm = KeyAlgorithm::Ed25519MlDsa65;

/// draft-connolly-cfrg-xwing-kem, appendix C.
#[test]
fn x_wing_is_that_of_the_draft() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/hybrid/xwing.json");
    let vector: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let bytes = |name: &str| hex::decode(vector[name].as_str().unwrap()).unwrap();
    let private = PrivateParts::Hybrid(Zeroizing::new(bytes("private")));
    let provider = provider::default();
    let pkcs8 = provider.encode(SEAL, &private).unwrap();
    let key = provider.decapsulator(SEAL, &pkcs8).unwrap();
    let mut ciphertext = bytes("ciphertext");
    assert_eq!(key.decapsulate(&ciphertext).unwrap()[..], bytes("secret"));
    // Whatever is altered yields another secret: either half, its last bit included.
    for place in [0, 1087, 1088, 1119] {
        ciphertext[place] ^= 0x80;
        assert_ne!(key.decapsulate(&ciphertext).unwrap()[..], bytes("secret"), "{place}");
        ciphertext[place] ^= 0x80;
    }
    for length in [0, 1088, 1119] {
        assert!(key.decapsulate(&ciphertext[..length]).is_err());
    }
    // And the other direction, through the public half.
    let public = provider.public_parts(SEAL, &pkcs8).unwrap();
    let (ciphertext, secret) = provider.encapsulator(SEAL, &public).unwrap().encapsulate().unwrap();
    assert_eq!(*key.decapsulate(&ciphertext).unwrap(), *secret);
}

fn raw(algorithm: KeyAlgorithm) -> Vec<u8> {
    let length = if algorithm == SEAL { 2432 } else { 64 };
    let key = PrivateKey::generate(algorithm).unwrap();
    key.pkcs8()[key.pkcs8().len() - length..].to_vec()
}

fn encoded(algorithm: KeyAlgorithm, raw: Vec<u8>) -> Result<PrivateKey, KeyError> {
    let parts = PrivateParts::Hybrid(Zeroizing::new(raw));
    PrivateKey::from_pkcs8(algorithm, &provider::default().encode(algorithm, &parts).unwrap())
}

#[test]
fn a_damaged_private_key_is_refused() {
    let good = raw(SEAL);
    assert!(encoded(SEAL, good.clone()).is_ok());
    // In the secret of ML-KEM, in its public half, in the hash over that.
    for place in [0, 700, 1152, 2000, 2336, 2367] {
        let mut bad = good.clone();
        bad[place] ^= 1;
        assert_eq!(encoded(SEAL, bad).refused(), KeyError::Rejected, "{place}");
    }
    for algorithm in [SEAL, SIGN] {
        let good = raw(algorithm);
        assert!(encoded(algorithm, good[1..].to_vec()).is_err());
        assert!(encoded(algorithm, [&good[..], &[0]].concat()).is_err());
        assert!(encoded(algorithm, Vec::new()).is_err());
    }
}

#[test]
fn private_jwks_go_in() {
    for algorithm in [SEAL, SIGN] {
        let raw = raw(algorithm);
        let key = encoded(algorithm, raw.clone()).unwrap();
        let mut jwk: Value = serde_json::from_str(&key.public().to_jwk()).unwrap();
        assert_eq!((&jwk["kty"], &jwk["alg"]), (&json!("AKP"), &json!(algorithm.jose())));
        jwk["priv"] = json!(crypto::encoding::encode(&raw));
        let read = PrivateKey::from_jwk(&jwk.to_string()).unwrap();
        assert_eq!((read.kid(), read.pkcs8()), (key.kid(), key.pkcs8()));
        jwk["priv"] = json!(crypto::encoding::encode(&self::raw(algorithm)));
        let error = PrivateKey::from_jwk(&jwk.to_string()).refused();
        assert_eq!(error, KeyError::Invalid("priv"));
        jwk["alg"] = json!("signet-hybrid-2");
        assert_eq!(PrivateKey::from_jwk(&jwk.to_string()).refused(), KeyError::Invalid("alg"));
    }
}

/// The classical half of a hybrid key is checked as that of a classical one is.
#[test]
fn public_keys_of_small_order_or_out_of_range_are_refused() {
    let refuse = |algorithm: KeyAlgorithm, change: &dyn Fn(&mut Vec<u8>)| {
        let key = PrivateKey::generate(algorithm).unwrap();
        let mut jwk: Value = serde_json::from_str(&key.public().to_jwk()).unwrap();
        let mut both = crypto::encoding::decode(jwk["pub"].as_str().unwrap()).unwrap();
        change(&mut both);
        jwk["pub"] = json!(crypto::encoding::encode(&both));
        PublicKey::from_jwk(&jwk.to_string()).refused()
    };
    assert_eq!(refuse(SEAL, &|both| both[1184..].fill(0)), KeyError::Rejected);
    assert_eq!(refuse(SEAL, &|both| both[1215] |= 0x80), KeyError::Invalid("pub"));
    // Coefficients of ML-KEM are below 3329.
    assert_eq!(refuse(SEAL, &|both| both[..3].fill(0xff)), KeyError::Rejected);
    assert_eq!(refuse(SIGN, &|both| both[..32].fill(0)), KeyError::Invalid("pub"));
    assert_eq!(refuse(SIGN, &|both| both.truncate(32)), KeyError::Invalid("pub"));
    assert_eq!(refuse(SIGN, &|both| both.push(0)), KeyError::Invalid("pub"));
}

#[test]
fn both_signatures_have_to_hold_and_neither_is_of_use_alone() {
    let provider = provider::default();
    let key = PrivateKey::generate(SIGN).unwrap();
    let other = PrivateKey::generate(SIGN).unwrap();
    let sign = |key: &PrivateKey| provider.signer(SIGN, key.pkcs8()).unwrap().sign(b"m").unwrap();
    let public = provider.public_parts(SIGN, key.pkcs8()).unwrap();
    let verifier = provider.verifier(SIGN, &public).unwrap();
    let (signature, foreign) = (sign(&key), sign(&other));
    assert_eq!(verifier.verify(b"m", &signature), Ok(()));
    assert_eq!(verifier.verify(b"n", &signature), Err(Failed));
    let mixed = [
        [&signature[..64], &foreign[64..]].concat(),
        [&foreign[..64], &signature[64..]].concat(),
        signature[..64].to_vec(),
        signature[64..].to_vec(),
        [&signature[..], &[0]].concat(),
    ];
    for mixed in mixed {
        assert_eq!(verifier.verify(b"m", &mixed), Err(Failed), "{}", mixed.len());
    }
    let PublicParts::Hybrid(both) = public else { panic!("hybrid") };
    let alone = PublicParts::Curve(both[..32].to_vec());
    let alone = provider.verifier(KeyAlgorithm::Ed25519, &alone).unwrap();
    assert_eq!(alone.verify(b"m", &signature[..64]), Err(Failed));
}

#[test]
fn nothing_classical_is_sealed_or_signed_with() {
    let limits = Limits::default();
    let both = [HYBRID.recipient.public().clone(), X25519.recipient.public().clone()];
    for recipients in [&both[..], &[both[1].clone(), both[0].clone()]] {
        let error = seal(&terms(&HYBRID.signer), recipients, vec![], &limits).refused();
        assert_eq!(error, SealError::MixedSuites);
    }
    // The signature comes later, maybe elsewhere; the manifest says which it has to be.
    for (signer, recipient) in [(&X25519, &HYBRID), (&HYBRID, &X25519)] {
        let to = [recipient.recipient.public().clone()];
        let sealed = seal(&terms(&signer.signer), &to, vec![], &limits).unwrap();
        assert_eq!(sealed.claims.sign(&signer.signer).refused(), SealError::MixedSuites);
        let public = recipient.recipient.public();
        let error = nested::seal(&signer.signer, public, None, vec![], &limits).refused();
        assert_eq!(error, SealError::MixedSuites);
    }
}

#[test]
fn nothing_classical_is_opened_with() {
    let limits = Limits::default();
    let hybrid = sealed(&HYBRID, b"x");
    let mut claims = hybrid.claims.clone();
    claims.suite = None;
    claims.sender = X25519.signer.kid().to_owned();
    let token = claims.sign(&X25519.signer).unwrap();
    // Classically signed for a hybrid recipient: refused by the recipient.
    let manifest = Manifest::parse(&token, &limits).unwrap().verify(X25519.signer.public());
    let content = Content::parse(&hybrid.content, &limits).unwrap();
    let error = manifest.unwrap().release(&HYBRID.recipient, content.wrapped_keys(), now());
    assert_eq!(error.refused().detail(), Some(Detail::Suite));
    // Another version of the suite is one that we do not know.
    claims.suite = Some("signet-hybrid-2".to_owned());
    assert_eq!(claims.to_json().refused(), SealError::Invalid("manifest.suite"));
    // The hybrid suite under a classical signature, and the other way round.
    claims.suite = Some("signet-hybrid-1".to_owned());
    let mut other = sealed(&X25519, b"x").claims;
    other.sender = HYBRID.signer.kid().to_owned();
    for (claims, keys) in [(&claims, &*X25519), (&other, &*HYBRID)] {
        assert_eq!(claims.sign(&keys.signer).refused(), SealError::MixedSuites);
        let token = sign_by_hand(keys, &claims.to_json().unwrap());
        let manifest = Manifest::parse(&token, &limits).unwrap();
        let error = manifest.verify(keys.signer.public()).refused();
        assert_eq!(error.detail(), Some(Detail::Suite));
    }
}

fn sign_by_hand(keys: &Keys, payload: &[u8]) -> String {
    let algorithm = keys.signer.algorithm();
    let header = json!({"alg": algorithm.jose(), "typ": "signet-manifest+jws"}).to_string();
    let encode = crypto::encoding::encode;
    let input = format!("{}.{}", encode(header.as_bytes()), encode(payload));
    let signer = provider::default().signer(algorithm, keys.signer.pkcs8()).unwrap();
    format!("{input}.{}", encode(&signer.sign(input.as_bytes()).unwrap()))
}

#[test]
fn no_classical_recipient_slips_in() {
    let limits = Limits::default();
    let wire = wire(&HYBRID, b"x");
    let classical: Value = serde_json::from_str(&sealed(&X25519, b"x").content).unwrap();
    let mut content: Value = serde_json::from_str(&wire.content).unwrap();
    content["recipients"].as_array_mut().unwrap().push(classical["recipients"][0].clone());
    let error = Content::parse(&content.to_string(), &limits).map(|_| ()).refused();
    assert_eq!(error, OpenError::Malformed("recipients.header"));
    // In the place of the hybrid one.
    content["recipients"].as_array_mut().unwrap().remove(0);
    let moved = Wire { content: content.to_string(), ..wire.clone() };
    let error = open(&moved, HYBRID.signer.public(), &HYBRID.recipient).refused();
    assert_eq!(error.detail(), Some(Detail::Suite));
    // By renewal.
    let content = Content::parse(&wire.content, &limits).unwrap();
    let manifest = Manifest::parse(&wire.manifest, &limits).unwrap();
    let manifest = manifest.verify(HYBRID.signer.public()).unwrap();
    let mut keys: WrappedKeys = content.wrapped_keys().clone();
    let key = manifest.release(&HYBRID.recipient, &keys, now()).unwrap();
    let old = HYBRID.recipient.kid();
    let renewed = keys.renew(old, X25519.recipient.public(), &key);
    assert_eq!(renewed, Err(SealError::MixedSuites));
    assert_eq!(keys.renew(old, HYBRID.other.public(), &key), Ok(()));
    let again = manifest.release_renewed(old, &HYBRID.other, &keys, now()).unwrap();
    assert_eq!(again.expose(), key.expose());
}

#[test]
fn what_was_encapsulated_is_bound() {
    let wire = wire(&HYBRID, b"x");
    let with = |change: &dyn Fn(&mut Value)| {
        let mut content: Value = serde_json::from_str(&wire.content).unwrap();
        change(&mut content["recipients"][0]["header"]);
        let changed = Wire { content: content.to_string(), ..wire.clone() };
        open(&changed, HYBRID.signer.public(), &HYBRID.recipient).refused().detail()
    };
    let rejected = Some(Detail::ContentKey);
    assert_eq!(with(&|header| drop(header.as_object_mut().unwrap().remove("ek"))), rejected);
    assert_eq!(with(&|header| header["apu"] = json!("AQ")), rejected);
    assert_eq!(with(&|header| header["ek"] = json!("AQ")), rejected);
    let zeros = crypto::encoding::encode(&[0; 1120]);
    assert_eq!(with(&|header| header["ek"] = json!(zeros)), rejected);
    // Nor does a classical recipient's header have one.
    let classical = crate::common::wire(&X25519, b"x");
    let mut content: Value = serde_json::from_str(&classical.content).unwrap();
    content["recipients"][0]["header"]["ek"] = json!("AQ");
    let changed = Wire { content: content.to_string(), ..classical };
    let error = open(&changed, X25519.signer.public(), &X25519.recipient).refused();
    assert_eq!(error.detail(), rejected);
}

#[test]
fn the_largest_envelope_and_proof_are_within_the_limits() {
    let keys: Vec<_> = (0..64).map(|_| PrivateKey::generate(SEAL).unwrap()).collect();
    let recipients: Vec<_> = keys.iter().map(|key| key.public().clone()).collect();
    let mut terms = terms(&HYBRID.signer);
    terms.purpose = "p".repeat(64);
    terms.content_type = "t".repeat(128);
    terms.expires_at = now() + Duration::days(30);
    let sealed = seal(&terms, &recipients, b"x".to_vec(), &Limits::default()).unwrap();
    let manifest = sealed.claims.sign(&HYBRID.signer).unwrap();
    assert!(manifest.len() > 8_000);
    let wire = Wire { manifest, content: sealed.content };
    for key in &keys {
        assert_eq!(*open(&wire, HYBRID.signer.public(), key).unwrap(), b"x");
    }
    let text = format!("signet-register-v1\nusers/{}\n{}", "0".repeat(36), "k".repeat(43));
    let token = proof::sign(&HYBRID.signer, text.as_bytes()).unwrap();
    assert_eq!(proof::verify(HYBRID.signer.public(), &token, text.as_bytes()), Ok(()));
}
