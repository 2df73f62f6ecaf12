//! The provider against two other libraries: `ring`, and `rsa` for what `ring` lacks.

use crypto::provider::{self, Aead, Failed, PublicParts, Signatures, Signer, Symmetric, Verifier};
use crypto::{KeyAlgorithm, PrivateKey};
use proptest::prelude::*;
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{self, Ed25519KeyPair, RsaKeyPair, UnparsedPublicKey};
use ring::{aead, digest, hkdf, hmac};
use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::PublicKeyParts;
use rsa::{BigUint, Oaep, Pss, RsaPrivateKey, RsaPublicKey};

use crate::common::{RSA, X25519};
use crate::wycheproof::{check_aes_256_gcm, check_hkdf_sha_256, check_hmac_sha_256};

struct Ring;

struct Length(usize);

impl hkdf::KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn aead_key(key: &[u8; 32]) -> aead::LessSafeKey {
    aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_256_GCM, key).unwrap())
}

impl Symmetric for Ring {
    fn fill_random(&self, out: &mut [u8]) -> Result<(), Failed> {
        SystemRandom::new().fill(out).map_err(|_| Failed)
    }

    fn sha256(&self, parts: &[&[u8]]) -> [u8; 32] {
        digest::digest(&digest::SHA256, &parts.concat()).as_ref().try_into().unwrap()
    }

    fn hmac_sha256(&self, key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        hmac::sign(&key, &parts.concat()).as_ref().try_into().unwrap()
    }

    fn hkdf_sha256(
        &self,
        salt: &[u8],
        secret: &[u8],
        info: &[u8],
        out: &mut [u8],
    ) -> Result<(), Failed> {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
        let filled = prk.expand(&[info], Length(out.len())).and_then(|okm| okm.fill(out));
        filled.map_err(|_| Failed)
    }

    fn aead_seal(
        &self,
        key: &[u8; 32],
        nonce: [u8; 12],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; 16], Failed> {
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        let tag = aead_key(key)
            .seal_in_place_separate_tag(nonce, aead::Aad::from(aad), data)
            .map_err(|_| Failed)?;
        tag.as_ref().try_into().map_err(|_| Failed)
    }

    fn aead_open(
        &self,
        key: &[u8; 32],
        nonce: [u8; 12],
        aad: &[u8],
        data_and_tag: &mut [u8],
    ) -> Result<usize, Failed> {
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        let opened = aead_key(key).open_in_place(nonce, aead::Aad::from(aad), data_and_tag);
        opened.map(|plaintext| plaintext.len()).map_err(|_| Failed)
    }

    fn aead(&self, key: &[u8; 32]) -> Result<Box<dyn Aead>, Failed> {
        Ok(Box::new(RingAead(aead_key(key))))
    }
}

struct RingAead(aead::LessSafeKey);

impl Aead for RingAead {
    fn seal(&self, nonce: [u8; 12], data: &mut [u8]) -> Result<[u8; 16], Failed> {
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, aead::Aad::empty(), data);
        tag.map_err(|_| Failed)?.as_ref().try_into().map_err(|_| Failed)
    }

    fn open(&self, nonce: [u8; 12], data_and_tag: &mut [u8]) -> Result<usize, Failed> {
        let nonce = aead::Nonce::assume_unique_for_key(nonce);
        let opened = self.0.open_in_place(nonce, aead::Aad::empty(), data_and_tag);
        opened.map(|plaintext| plaintext.len()).map_err(|_| Failed)
    }
}

enum RingSigner {
    Rsa(RsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Signer for RingSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Failed> {
        match self {
            Self::Ed25519(key) => Ok(key.sign(message).as_ref().to_vec()),
            Self::Rsa(key) => {
                let mut out = vec![0; key.public().modulus_len()];
                key.sign(&signature::RSA_PSS_SHA256, &SystemRandom::new(), message, &mut out)
                    .map_err(|_| Failed)?;
                Ok(out)
            }
        }
    }
}

struct RingVerifier(PublicParts);

impl Verifier for RingVerifier {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Failed> {
        let verified = match &self.0 {
            PublicParts::Rsa { n, e } => signature::RsaPublicKeyComponents { n, e }.verify(
                &signature::RSA_PSS_2048_8192_SHA256,
                message,
                signature,
            ),
            PublicParts::Hybrid(_) => return Err(Failed),
            PublicParts::Curve(point) => {
                UnparsedPublicKey::new(&signature::ED25519, point).verify(message, signature)
            }
        };
        verified.map_err(|_| Failed)
    }
}

impl Signatures for Ring {
    fn signer(&self, algorithm: KeyAlgorithm, pkcs8: &[u8]) -> Result<Box<dyn Signer>, Failed> {
        let signer = if algorithm == KeyAlgorithm::Ed25519 {
            Ed25519KeyPair::from_pkcs8_maybe_unchecked(pkcs8).map(RingSigner::Ed25519)
        } else {
            RsaKeyPair::from_pkcs8(pkcs8).map(RingSigner::Rsa)
        };
        Ok(Box::new(signer.map_err(|_| Failed)?))
    }

    fn verifier(&self, _: KeyAlgorithm, public: &PublicParts) -> Result<Box<dyn Verifier>, Failed> {
        Ok(Box::new(RingVerifier(public.clone())))
    }
}

/// The same vectors: otherwise agreement would prove little.
#[test]
fn ring_passes_the_vectors_through_the_same_trait() {
    assert_eq!(check_aes_256_gcm(&Ring), (66, 250));
    assert_eq!(check_hkdf_sha_256(&Ring), 86);
    assert_eq!(check_hmac_sha_256(&Ring), 174);
}

fn signers() -> [&'static PrivateKey; 2] {
    [&RSA.signer, &X25519.signer]
}

fn public_parts(key: &PrivateKey) -> PublicParts {
    provider::default().public_parts(key.algorithm(), key.pkcs8()).unwrap()
}

#[test]
fn each_verifies_what_the_other_signs() {
    let (ours, theirs): (&dyn Signatures, &dyn Signatures) = (provider::default(), &Ring);
    for key in signers() {
        let (algorithm, public) = (key.algorithm(), public_parts(key));
        for (signing, verifying) in [(ours, theirs), (theirs, ours)] {
            let signature = signing.signer(algorithm, key.pkcs8()).unwrap().sign(b"m").unwrap();
            let verifier = verifying.verifier(algorithm, &public).unwrap();
            assert_eq!(verifier.verify(b"m", &signature), Ok(()));
            assert_eq!(verifier.verify(b"n", &signature), Err(Failed));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn symmetric_primitives_agree(
        key in any::<[u8; 32]>(),
        nonce in any::<[u8; 12]>(),
        a in any::<Vec<u8>>(),
        b in any::<Vec<u8>>(),
        length in 0_usize..500,
    ) {
        let (ours, theirs): (&dyn Symmetric, &dyn Symmetric) = (provider::default(), &Ring);
        prop_assert_eq!(ours.sha256(&[&a, &b]), theirs.sha256(&[&a, &b]));
        prop_assert_eq!(ours.hmac_sha256(&a, &[&b, &key]), theirs.hmac_sha256(&a, &[&b, &key]));
        let (mut one, mut two) = (vec![0; length], vec![0; length]);
        ours.hkdf_sha256(&a, &key, &b, &mut one).unwrap();
        theirs.hkdf_sha256(&a, &key, &b, &mut two).unwrap();
        prop_assert_eq!(one, two);
        let (mut one, mut two) = (a.clone(), a.clone());
        let tag = ours.aead_seal(&key, nonce, &b, &mut one).unwrap();
        prop_assert_eq!(tag, theirs.aead_seal(&key, nonce, &b, &mut two).unwrap());
        prop_assert_eq!(&one, &two);
        one.extend_from_slice(&tag);
        prop_assert_eq!(theirs.aead_open(&key, nonce, &b, &mut one), Ok(a.len()));
        prop_assert_eq!(&one[..a.len()], &a[..]);
        let (ours, theirs) = (ours.aead(&key).unwrap(), theirs.aead(&key).unwrap());
        let (mut one, mut two) = (a.clone(), a.clone());
        let tag = ours.seal(nonce, &mut one).unwrap();
        prop_assert_eq!(tag, theirs.seal(nonce, &mut two).unwrap());
        one.extend_from_slice(&tag);
        two.clone_from(&one);
        prop_assert_eq!(ours.open(nonce, &mut one), Ok(a.len()));
        prop_assert_eq!(theirs.open(nonce, &mut two), Ok(a.len()));
        prop_assert_eq!(&one[..a.len()], &a[..]);
    }
}

/// `ring` has no OAEP. Private keys of tests only: see RUSTSEC-2023-0071.
#[test]
fn oaep_and_pss_agree_with_the_rsa_crate() {
    let mut rng = rsa::rand_core::OsRng;
    let key = &RSA.recipient;
    let theirs = RsaPrivateKey::from_pkcs8_der(key.pkcs8()).unwrap();
    let PublicParts::Rsa { n, e } = public_parts(key) else { panic!("RSA") };
    assert_eq!(theirs.n(), &BigUint::from_bytes_be(&n));
    let their_public =
        RsaPublicKey::new(BigUint::from_bytes_be(&n), BigUint::from_bytes_be(&e)).unwrap();
    let ours = provider::default();
    let padding = Oaep::new::<rsa::sha2::Sha256>;

    let sealed = their_public.encrypt(&mut rng, padding(), b"content key").unwrap();
    let decrypter = ours.decrypter(key.algorithm(), key.pkcs8()).unwrap();
    assert_eq!(*decrypter.decrypt(&sealed).unwrap(), b"content key");
    let encrypter = ours.encrypter(key.algorithm(), &public_parts(key)).unwrap();
    let sealed = encrypter.encrypt(b"content key").unwrap();
    assert_eq!(theirs.decrypt(padding(), &sealed).unwrap(), b"content key");

    let signer = ours.signer(RSA.signer.algorithm(), RSA.signer.pkcs8()).unwrap();
    let signature = signer.sign(b"message").unwrap();
    let theirs = RsaPrivateKey::from_pkcs8_der(RSA.signer.pkcs8()).unwrap().to_public_key();
    let hashed = ours.sha256(&[b"message"]);
    let pss = Pss::new_with_salt::<rsa::sha2::Sha256>(32);
    theirs.verify(pss, &hashed, &signature).unwrap();
}
