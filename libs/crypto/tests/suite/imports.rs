//! Keys of others, and keys for others. The files were written by OpenSSL and by `jwcrypto`; see
//! tests/vectors/keys/README.md.

use std::path::Path;

use crypto::{KeyAlgorithm, KeyError, KeyUse, PrivateKey, PublicKey, key_set};
use serde_json::Value;

use crate::common::Refused;

fn file(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/keys");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// Name of the files, and what the key can be.
const FILES: [(&str, &[KeyAlgorithm]); 6] = [
    ("rsa-2048", &[KeyAlgorithm::RsaOaep2048, KeyAlgorithm::RsaPss2048]),
    ("rsa-3072", &[KeyAlgorithm::RsaOaep3072, KeyAlgorithm::RsaPss3072]),
    ("rsa-4096", &[KeyAlgorithm::RsaOaep4096, KeyAlgorithm::RsaPss4096]),
    ("p256", &[KeyAlgorithm::P256, KeyAlgorithm::Es256]),
    ("x25519", &[KeyAlgorithm::X25519]),
    ("ed25519", &[KeyAlgorithm::Ed25519]),
];

fn algorithm(fits: &[KeyAlgorithm], key_use: KeyUse) -> Option<KeyAlgorithm> {
    fits.iter().copied().find(|algorithm| algorithm.key_use() == key_use)
}

#[test]
fn openssl_keys_come_in_for_either_use_and_go_out_the_same() {
    for (name, fits) in FILES {
        let (pem, public) = (file(&format!("{name}.pem")), file(&format!("{name}.pub.pem")));
        for key_use in [KeyUse::Seal, KeyUse::Sign] {
            let read = PrivateKey::import_pem(key_use, &pem);
            let Some(algorithm) = algorithm(fits, key_use) else {
                assert_eq!(read.refused(), KeyError::WrongUse, "{name}");
                continue;
            };
            let key = read.unwrap();
            assert_eq!(key.algorithm(), algorithm);
            assert_eq!(key.public().to_pem(), public, "{name}");
            let again = PrivateKey::from_pkcs8(algorithm, key.pkcs8()).unwrap();
            assert_eq!(again.kid(), key.kid());
        }
    }
}

#[test]
fn jwks_of_others_come_in_even_if_they_do_not_say_what_they_are_for() {
    for (name, fits) in FILES {
        let jwk = file(&format!("{name}.jwk.json"));
        for key_use in [KeyUse::Seal, KeyUse::Sign] {
            let read = PrivateKey::import_jwk(key_use, &jwk);
            let Some(algorithm) = algorithm(fits, key_use) else {
                assert_eq!(read.refused(), KeyError::WrongUse, "{name}");
                continue;
            };
            let key = read.unwrap();
            let same = PrivateKey::import_pem(key_use, &file(&format!("{name}.pem"))).unwrap();
            assert_eq!((key.algorithm(), key.kid()), (algorithm, same.kid()), "{name}");
            assert_eq!(key.pkcs8(), same.pkcs8(), "{name}: one key, one encoding");
            let mut said: Value = serde_json::from_str(&jwk).unwrap();
            said["alg"] = algorithm.jose().into();
            let other = if key_use == KeyUse::Seal { KeyUse::Sign } else { KeyUse::Seal };
            let read = PrivateKey::import_jwk(other, &said.to_string());
            assert_eq!(read.refused(), KeyError::WrongUse, "{name}");
        }
    }
}

fn der(name: &str) -> Vec<u8> {
    let pem = file(&format!("{name}.pem"));
    let base64: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.decode(base64).unwrap()
}

#[test]
fn no_byte_of_a_key_can_be_cut_or_added() {
    for (name, fits) in FILES {
        let key_use = fits[0].key_use();
        let der = der(name);
        let kid = PrivateKey::import_pkcs8(key_use, &der).unwrap().kid().to_owned();
        // Every length of the small ones; of RSA those around the frame.
        let cuts = (0..der.len()).filter(|cut| der.len() < 200 || *cut < 40);
        for cut in cuts.chain([der.len() - 1]) {
            let error = PrivateKey::import_pkcs8(key_use, &der[..cut]).refused();
            assert_eq!(error, KeyError::Der, "{name} {cut}");
        }
        let longer = [&der[..], &[0]].concat();
        assert_eq!(PrivateKey::import_pkcs8(key_use, &longer).refused(), KeyError::Der);
        // Whatever else happens to a byte of the frame: no panic, and never another key.
        for place in 0..der.len().min(60) {
            let mut changed = der.clone();
            changed[place] ^= 1;
            if let Ok(key) = PrivateKey::import_pkcs8(key_use, &changed) {
                let curve = ["x25519", "ed25519"].contains(&name);
                assert!(key.kid() == kid || curve, "{name} {place}");
            }
        }
    }
}

#[test]
fn each_refusal_says_what_is_wrong() {
    let import = |key_use, name: &str| PrivateKey::import_pem(key_use, &file(name)).refused();
    use KeyUse::{Seal, Sign};
    assert_eq!(import(Sign, "rsa-1024.pem"), KeyError::Invalid("modulus"));
    assert_eq!(import(Seal, "rsa-e3.pem"), KeyError::Invalid("e"));
    assert_eq!(import(Sign, "rsa-pss.pem"), KeyError::Invalid("algorithm"));
    assert_eq!(import(Sign, "p384.pem"), KeyError::Invalid("curve"));
    assert_eq!(import(Sign, "ed448.pem"), KeyError::Invalid("algorithm"));
    // `BEGIN EC PRIVATE KEY`, `BEGIN ENCRYPTED PRIVATE KEY`, and a public key.
    for name in ["p256-sec1.pem", "p256-encrypted.pem", "p256.pub.pem"] {
        assert_eq!(import(Sign, name), KeyError::Pem("PRIVATE KEY"));
    }
    let long = vec![0x30; 10_000];
    assert!(matches!(PrivateKey::import_pkcs8(Sign, &long).refused(), KeyError::TooLarge(_)));
    let long = " ".repeat(10_000);
    assert!(matches!(PrivateKey::import_pem(Sign, &long).refused(), KeyError::TooLarge(_)));
}

/// RFC 8410, section 10.3: the second example has an attribute and the public half.
#[test]
fn a_public_half_that_comes_along_has_to_be_right() {
    use base64::Engine as _;
    let der = base64::engine::general_purpose::STANDARD
        .decode(
            "MHICAQEwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhCoB8wHQYKKoZIhvcNAQkJFD\
             EPDA1DdXJkbGUgQ2hhaXJzgSEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=",
        )
        .unwrap();
    let key = PrivateKey::import_pkcs8(KeyUse::Sign, &der).unwrap();
    assert_eq!(key.pkcs8().len(), 48, "neither is kept");
    let mut wrong = der.clone();
    *wrong.last_mut().unwrap() ^= 1;
    let error = PrivateKey::import_pkcs8(KeyUse::Sign, &wrong).refused();
    assert_eq!(error, KeyError::Invalid("publicKey"));
    // Version 2 without a public half, and version 1 with one.
    let mut first = der;
    first[4] = 0;
    assert_eq!(PrivateKey::import_pkcs8(KeyUse::Sign, &first).refused(), KeyError::Der);
}

#[test]
fn a_key_set_is_all_public_halves() {
    let keys: Vec<PublicKey> = [KeyAlgorithm::Ed25519, KeyAlgorithm::X25519, KeyAlgorithm::Es256]
        .map(|algorithm| PrivateKey::generate(algorithm).unwrap().public().clone())
        .into();
    let set: Value = serde_json::from_str(&key_set(&keys)).unwrap();
    for (jwk, key) in set["keys"].as_array().unwrap().iter().zip(&keys) {
        assert_eq!(PublicKey::from_jwk(&jwk.to_string()).unwrap().kid(), key.kid());
        assert_eq!(jwk["kid"], key.kid());
    }
    assert_eq!(key_set([]), r#"{"keys":[]}"#);
}
