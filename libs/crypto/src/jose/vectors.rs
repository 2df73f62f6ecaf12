//! Project Wycheproof's JOSE vectors, all four files.
//!
//! They are full of `kid`s of their own, while ours are thumbprints; so the header's is forgotten
//! before the check that would refuse it. What is counted as left out, and why: keys and key sets
//! of algorithms that we do not have (HMAC, AES, RS256, PS384, PS512, RSA1_5, RSA-OAEP with SHA-1,
//! ECDH-ES without or with shorter key wrap, P-384, P-521), which cannot be read at all; that
//! they cannot is what the vector then shows. Content encrypted otherwise than with
//! A256GCM is refused, although others may accept it.

use serde_json::Value;
use wycheproof_ng_core::TestResult;
use wycheproof_ng_kdf_jose::json_web::{TestName, TestSet};

use super::jws::Compact;
use crate::jwe::Jwe;
use crate::key::{PrivateKey, PublicKey};

/// Keys, token, expectation.
struct Vector {
    public: Option<Value>,
    private: Option<Value>,
    token: String,
    signature: bool,
    valid: bool,
    enc: Option<String>,
    plaintext: Option<String>,
}

fn vectors(name: TestName) -> Vec<Vector> {
    let set = TestSet::load(name).unwrap();
    let groups = set.test_groups.into_iter();
    groups
        .flat_map(|group| {
            let (public, private) = (group.public_key, group.private_key);
            group.tests.into_iter().map(move |test| Vector {
                public: public.clone(),
                private: private.clone(),
                signature: test.jws.is_some(),
                token: compact(&test.jws.or(test.jwe).unwrap()),
                valid: test.result == TestResult::Valid,
                enc: test.enc,
                plaintext: test.pt,
            })
        })
        .collect()
}

/// In JSON serialization there are some as well, of algorithms that we do not have.
fn compact(token: &Value) -> String {
    token.as_str().map_or_else(|| token.to_string(), str::to_owned)
}

#[derive(Default, PartialEq, Eq, Debug)]
struct Count {
    accepted: usize,
    refused: usize,
    left_out: usize,
}

fn run(name: TestName) -> Count {
    let mut count = Count::default();
    for vector in vectors(name) {
        let accepted = if vector.signature { verify(&vector) } else { open(&vector) };
        match accepted {
            Some(true) => count.accepted += 1,
            Some(false) => count.refused += 1,
            None => count.left_out += 1,
        }
    }
    count
}

/// Whether the signature holds, as it should or should not; None if the key is not taken.
fn verify(vector: &Vector) -> Option<bool> {
    let key = PublicKey::from_jwk(&vector.public.as_ref()?.to_string()).ok()?;
    // Some are no token at all: a signature in other base64 than base64url.
    let token = Compact::parse(&vector.token).ok().map(|mut token| {
        token.header.kid = None;
        token
    });
    let verified = token.as_ref().is_some_and(|token| token.verify(&key).is_ok());
    // RFC 7520, figure 20, is PS384 under keys that say PS256 or nothing.
    let ours = token.is_some_and(|token| token.header.alg == key.algorithm().jose());
    assert_eq!(verified, vector.valid && ours, "{}", vector.token);
    Some(verified)
}

fn open(vector: &Vector) -> Option<bool> {
    let key = PrivateKey::from_jwk(&vector.private.as_ref()?.to_string()).ok()?;
    let plaintext = Jwe::read(&vector.token).and_then(|mut token| {
        token.header.kid = None;
        token.open(&key).ok()
    });
    let ours = vector.enc.as_deref() == Some("A256GCM");
    assert_eq!(plaintext.is_some(), vector.valid && ours, "{}", vector.token);
    if let (Some(plaintext), Some(expected)) = (&plaintext, &vector.plaintext) {
        assert_eq!(hex::encode(&**plaintext), *expected);
    }
    Some(plaintext.is_some())
}

#[test]
fn signatures() {
    let expected = Count { accepted: 8, refused: 83, left_out: 310 };
    assert_eq!(run(TestName::JsonWebSignature), expected);
}

#[test]
fn encryption() {
    let expected = Count { accepted: 2, refused: 25, left_out: 112 };
    assert_eq!(run(TestName::JsonWebEncryption), expected);
}

#[test]
fn both() {
    let expected = Count { accepted: 1, refused: 14, left_out: 68 };
    assert_eq!(run(TestName::JsonWebCrypto), expected);
}

/// Not one of these keys is ours: sizes, curves, uses and algorithms that do not go together, and
/// four sound ones of algorithms that we do not have.
#[test]
fn keys() {
    assert_eq!(run(TestName::JsonWebKey), Count { left_out: 26, ..Count::default() });
}
