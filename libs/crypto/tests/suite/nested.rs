//! The plain token: a signature over a JWE.

use crypto::nested::{Token, seal};
use crypto::{Detail, Limits, OpenError, PrivateKey, SealError, encoding, provider};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::common::{Keys, RSA, Refused, X25519, suites};

fn sealed(keys: &Keys, plaintext: &[u8]) -> String {
    let recipient = keys.recipient.public();
    seal(&keys.signer, recipient, Some("text/plain"), plaintext.to_vec(), &Limits::default())
        .unwrap()
}

fn open(keys: &Keys, token: &str, recipient: &PrivateKey) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    Token::parse(token, &Limits::default())?.verify(keys.signer.public())?.open(recipient)
}

#[test]
fn every_suite_opens_what_it_sealed() {
    for keys in suites() {
        let token = sealed(keys, b"small");
        let parsed = Token::parse(&token, &Limits::default()).unwrap();
        assert_eq!(parsed.claimed_sender(), Some(keys.signer.kid()));
        let verified = parsed.verify(keys.signer.public()).unwrap();
        assert_eq!(verified.media_type(), Some("text/plain"));
        assert_eq!(*verified.open(&keys.recipient).unwrap(), b"small");
        let error = open(keys, &token, &keys.other).refused();
        assert_eq!(error.detail(), Some(Detail::Ciphertext));
    }
}

#[test]
fn no_bit_can_be_flipped() {
    for keys in suites() {
        let token = sealed(keys, b"x");
        for bit in 0..token.len() * 8 {
            let mut bytes = token.clone().into_bytes();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let Ok(flipped) = String::from_utf8(bytes) else { continue };
            open(keys, &flipped, &keys.recipient).refused();
        }
    }
}

/// Signs any JWE, as a hostile sender could.
fn signed(keys: &Keys, header: &Value, payload: &str) -> String {
    let header = encoding::encode(header.to_string().as_bytes());
    let input = format!("{header}.{}", encoding::encode(payload.as_bytes()));
    let provider = provider::default();
    let signer = provider.signer(keys.signer.algorithm(), keys.signer.pkcs8()).unwrap();
    format!("{input}.{}", encoding::encode(&signer.sign(input.as_bytes()).unwrap()))
}

#[test]
fn a_signed_token_is_still_read_strictly() {
    let keys = &*X25519;
    let token = sealed(keys, b"x");
    let payload = encoding::decode(token.split('.').nth(1).unwrap()).unwrap();
    let jwe = String::from_utf8(payload).unwrap();
    let header = json!({"alg": "EdDSA", "cty": "JWE"});
    assert!(open(keys, &signed(keys, &header, &jwe), &keys.recipient).is_ok());
    let lower = json!({"alg": "Ed25519", "cty": "jwe"});
    assert!(open(keys, &signed(keys, &lower, &jwe), &keys.recipient).is_ok());

    let (protected, rest) = jwe.split_once('.').unwrap();
    let protected: Value = serde_json::from_slice(&encoding::decode(protected).unwrap()).unwrap();
    for (name, value) in [
        ("zip", json!("DEF")),
        ("crit", json!(["x"])),
        ("jku", json!("https://example.com")),
        ("jwk", json!({})),
        ("enc", json!("A128GCM")),
        ("enc", json!(["A256GCM"])),
    ] {
        let mut changed = protected.clone();
        changed[name] = value;
        let jwe = format!("{}.{rest}", encoding::encode(changed.to_string().as_bytes()));
        let error = open(keys, &signed(keys, &header, &jwe), &keys.recipient).refused();
        assert_eq!(error, OpenError::Malformed("token.payload"), "{name}");
    }
    for payload in ["", "....", "a.b.c.d.e", "{}", &format!("{jwe}.x"), &jwe[1..], "é"] {
        let error = open(keys, &signed(keys, &header, payload), &keys.recipient).refused();
        assert_eq!(error, OpenError::Malformed("token.payload"), "{payload}");
    }
    for header in [json!({"alg": "EdDSA"}), json!({"alg": "EdDSA", "cty": "JWT"})] {
        let error = open(keys, &signed(keys, &header, &jwe), &keys.recipient).refused();
        assert_eq!(error, OpenError::Malformed("token.header"));
    }
}

#[test]
fn keys_are_not_used_for_what_they_are_not() {
    let limits = Limits { content: 3, ..Limits::default() };
    let seal = |sender, recipient, length| seal(sender, recipient, None, vec![0; length], &limits);
    let (signer, recipient) = (&X25519.signer, X25519.recipient.public());
    assert_eq!(seal(signer, signer.public(), 1).refused(), SealError::WrongKey);
    assert_eq!(seal(&RSA.recipient, recipient, 1).refused(), SealError::WrongKey);
    assert_eq!(seal(signer, recipient, 4).refused(), SealError::TooLarge(3));
    let token = seal(signer, recipient, 3).unwrap();
    assert!(Token::parse(&token, &limits).is_ok());
    let error = Token::parse(&"a".repeat(100_000), &limits).refused();
    assert!(matches!(error, OpenError::TooLarge { part: "token", .. }));
}
