//! Project Wycheproof's JOSE vectors, for the algorithms of our suites.
//!
//! They are full of `kid`s of their own, while ours are thumbprints; so the header's is forgotten
//! before the check that would refuse it. Keys of other algorithms cannot be read at all
//! (`from_jwk` refuses them), and content encrypted otherwise than with A256GCM is refused,
//! although others may accept it.

use serde_json::Value;
use wycheproof_ng_core::TestResult;
use wycheproof_ng_kdf_jose::json_web::{TestName, TestSet};

use super::jws::Compact;
use crate::key::{PrivateKey, PublicKey};
use crate::nested::VerifiedToken;

/// Key, token, expectation.
struct Vector {
    key: Value,
    token: String,
    valid: bool,
    enc: Option<String>,
    plaintext: Option<String>,
}

fn vectors(name: TestName) -> Vec<Vector> {
    let set = TestSet::load(name).unwrap();
    let groups = set.test_groups.into_iter();
    groups
        .flat_map(|group| {
            let key = match name {
                TestName::JsonWebEncryption => group.private_key,
                _ => group.public_key,
            };
            let key = key.unwrap_or_default();
            group.tests.into_iter().filter_map(move |test| {
                Some(Vector {
                    key: key.clone(),
                    // Those in JSON serialization are of algorithms that we do not have.
                    token: test.jws.or(test.jwe)?.as_str()?.to_owned(),
                    valid: test.result == TestResult::Valid,
                    enc: test.enc,
                    plaintext: test.pt,
                })
            })
        })
        .collect()
}

#[test]
fn signatures() {
    let (mut valid, mut invalid) = (0, 0);
    for vector in vectors(TestName::JsonWebSignature) {
        let Ok(key) = PublicKey::from_jwk(&vector.key.to_string()) else { continue };
        let mut token = Compact::parse(&vector.token).unwrap();
        token.header.kid = None;
        let verified = token.verify(&key).is_ok();
        // RFC 7520, figure 20, is PS384 under keys that say PS256 or nothing.
        let ours = token.header.alg == key.algorithm().jose();
        assert_eq!(verified, vector.valid && ours, "{}", vector.token);
        if verified { valid += 1 } else { invalid += 1 }
    }
    assert_eq!((valid, invalid), (6, 47));
}

#[test]
fn encryption() {
    let (mut opened, mut refused) = (0, 0);
    for vector in vectors(TestName::JsonWebEncryption) {
        let Ok(key) = PrivateKey::from_jwk(&vector.key.to_string()) else { continue };
        let plaintext = VerifiedToken::parse(&vector.token).and_then(|mut token| {
            token.header.kid = None;
            token.open(&key).ok()
        });
        let ours = vector.enc.as_deref() == Some("A256GCM");
        assert_eq!(plaintext.is_some(), vector.valid && ours, "{}", vector.token);
        match plaintext {
            Some(plaintext) => {
                assert_eq!(hex::encode(&*plaintext), vector.plaintext.unwrap_or_default());
                opened += 1;
            }
            None => refused += 1,
        }
    }
    assert_eq!((opened, refused), (2, 25));
}
