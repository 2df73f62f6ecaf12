//! aws-lc-rs behind the traits: constant time where it matters, and the fastest.

mod encodings;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::agreement::{self, ECDH_P256, UnparsedPublicKey};
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrap};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeyPair as RsaKeyPair, OAEP_SHA256_MGF1SHA256, OaepPrivateDecryptingKey,
    OaepPublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey, PublicKeyComponents,
};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, ED25519, EcdsaKeyPair,
    Ed25519KeyPair, ParsedPublicKey, RSA_PSS_2048_8192_SHA256, RSA_PSS_SHA256,
};
use aws_lc_rs::{digest, hkdf, hmac, rand};
use zeroize::Zeroizing;

use self::encodings::{agreement_key, curve, rsa_key};
use super::hybrid::{HybridSigner, HybridVerifier, XWingPrivate, XWingPublic};
use super::{
    AES_KEY_LEN, Aead, Agreement, DIGEST_LEN, Decapsulator, Decrypter, Encapsulator, Encrypter,
    Failed, KeyManagement, NONCE_LEN, PublicParts, SharedSecret, Signatures, Signer, Symmetric,
    TAG_LEN, Verifier, okp,
};
use crate::algorithm::KeyAlgorithm;
use crate::pkcs8;

/// Uncompressed.
const P256_POINT_LEN: usize = 65;

pub struct AwsLc;

impl From<Unspecified> for Failed {
    fn from(_: Unspecified) -> Self {
        Self
    }
}

impl From<KeyRejected> for Failed {
    fn from(_: KeyRejected) -> Self {
        Self
    }
}

fn aead_key(key: &[u8; AES_KEY_LEN]) -> Result<LessSafeKey, Failed> {
    Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key)?))
}

fn digest_array(bytes: &[u8]) -> [u8; DIGEST_LEN] {
    let mut out = [0; DIGEST_LEN];
    out.copy_from_slice(bytes);
    out
}

/// How long the caller wants its HKDF output, in the library's terms.
struct OutputLen(usize);

impl hkdf::KeyType for OutputLen {
    fn len(&self) -> usize {
        self.0
    }
}

impl Symmetric for AwsLc {
    fn fill_random(&self, out: &mut [u8]) -> Result<(), Failed> {
        Ok(rand::fill(out)?)
    }

    fn sha256(&self, parts: &[&[u8]]) -> [u8; DIGEST_LEN] {
        let mut context = digest::Context::new(&digest::SHA256);
        for part in parts {
            context.update(part);
        }
        digest_array(context.finish().as_ref())
    }

    fn hmac_sha256(&self, key: &[u8], parts: &[&[u8]]) -> [u8; DIGEST_LEN] {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let mut context = hmac::Context::with_key(&key);
        for part in parts {
            context.update(part);
        }
        digest_array(context.sign().as_ref())
    }

    fn hkdf_sha256(
        &self,
        salt: &[u8],
        secret: &[u8],
        info: &[u8],
        out: &mut [u8],
    ) -> Result<(), Failed> {
        let prk = hkdf::Salt::new(hkdf::HKDF_SHA256, salt).extract(secret);
        Ok(prk.expand(&[info], OutputLen(out.len()))?.fill(out)?)
    }

    fn aead_seal(
        &self,
        key: &[u8; AES_KEY_LEN],
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Failed> {
        let tag = aead_key(key)?.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(aad),
            data,
        )?;
        tag.as_ref().try_into().map_err(|_| Failed)
    }

    fn aead_open(
        &self,
        key: &[u8; AES_KEY_LEN],
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        data_and_tag: &mut [u8],
    ) -> Result<usize, Failed> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        Ok(aead_key(key)?.open_in_place(nonce, Aad::from(aad), data_and_tag)?.len())
    }

    fn aead(&self, key: &[u8; AES_KEY_LEN]) -> Result<Box<dyn Aead>, Failed> {
        Ok(Box::new(aead_key(key)?))
    }
}

impl Aead for LessSafeKey {
    fn seal(&self, nonce: [u8; NONCE_LEN], data: &mut [u8]) -> Result<[u8; TAG_LEN], Failed> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self.seal_in_place_separate_tag(nonce, Aad::empty(), data)?;
        tag.as_ref().try_into().map_err(|_| Failed)
    }

    fn open(&self, nonce: [u8; NONCE_LEN], data_and_tag: &mut [u8]) -> Result<usize, Failed> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        Ok(self.open_in_place(nonce, Aad::empty(), data_and_tag)?.len())
    }
}

impl Signatures for AwsLc {
    fn signer(&self, algorithm: KeyAlgorithm, pkcs8: &[u8]) -> Result<Box<dyn Signer>, Failed> {
        match algorithm {
            KeyAlgorithm::Ed25519 => {
                let seed = okp::seed(algorithm, pkcs8)?;
                Ok(Box::new(Ed25519KeyPair::from_seed_unchecked(seed)?))
            }
            KeyAlgorithm::Es256 => {
                Ok(Box::new(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8)?))
            }
            KeyAlgorithm::Ed25519MlDsa65 => {
                Ok(Box::new(HybridSigner::new(pkcs8::hybrid(algorithm, pkcs8)?)?))
            }
            _ => Ok(Box::new(rsa_key(algorithm, pkcs8)?)),
        }
    }

    fn verifier(
        &self,
        algorithm: KeyAlgorithm,
        public: &PublicParts,
    ) -> Result<Box<dyn Verifier>, Failed> {
        let parsed = match public {
            PublicParts::Rsa { n, e } if algorithm.rsa_bytes() == Some(n.len()) => {
                PublicKeyComponents { n, e }.to_parsed_public_key(&RSA_PSS_2048_8192_SHA256)?
            }
            PublicParts::Curve(bytes) if algorithm == KeyAlgorithm::Ed25519 => {
                ParsedPublicKey::new(&ED25519, bytes)?
            }
            // The library would also take compressed points.
            PublicParts::Curve(bytes)
                if algorithm == KeyAlgorithm::Es256 && bytes.len() == P256_POINT_LEN =>
            {
                ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, bytes)?
            }
            PublicParts::Hybrid(both) if algorithm == KeyAlgorithm::Ed25519MlDsa65 => {
                return Ok(Box::new(HybridVerifier::new(both)?));
            }
            _ => return Err(Failed),
        };
        Ok(Box::new(parsed))
    }
}

impl Signer for Ed25519KeyPair {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Failed> {
        Ok(self.try_sign(message)?.as_ref().to_vec())
    }
}

impl Signer for EcdsaKeyPair {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Failed> {
        Ok(self.sign(&SystemRandom::new(), message)?.as_ref().to_vec())
    }
}

impl Signer for RsaKeyPair {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Failed> {
        let mut signature = vec![0; self.public_modulus_len()];
        self.sign(&RSA_PSS_SHA256, &SystemRandom::new(), message, &mut signature)?;
        Ok(signature)
    }
}

impl Verifier for ParsedPublicKey {
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Failed> {
        Ok(self.verify_sig(message, signature)?)
    }
}

impl KeyManagement for AwsLc {
    fn wrap(&self, kek: &[u8; AES_KEY_LEN], key: &[u8]) -> Result<Vec<u8>, Failed> {
        let mut wrapped = vec![0; key.len() + 8];
        let length = AesKek::new(&AES_256, kek)?.wrap(key, &mut wrapped)?.len();
        wrapped.truncate(length);
        Ok(wrapped)
    }

    fn unwrap(
        &self,
        kek: &[u8; AES_KEY_LEN],
        wrapped: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Failed> {
        let mut key = Zeroizing::new(vec![0; wrapped.len()]);
        let length = AesKek::new(&AES_256, kek)?.unwrap(wrapped, &mut key)?.len();
        key.truncate(length);
        Ok(key)
    }

    fn decrypter(
        &self,
        algorithm: KeyAlgorithm,
        pkcs8: &[u8],
    ) -> Result<Box<dyn Decrypter>, Failed> {
        let key = PrivateDecryptingKey::from_pkcs8(pkcs8)?;
        if algorithm.rsa_bytes() != Some(key.key_size_bytes()) {
            return Err(Failed);
        }
        Ok(Box::new(OaepPrivateDecryptingKey::new(key)?))
    }

    fn encrypter(
        &self,
        algorithm: KeyAlgorithm,
        public: &PublicParts,
    ) -> Result<Box<dyn Encrypter>, Failed> {
        let PublicParts::Rsa { n, e } = public else { return Err(Failed) };
        if algorithm.rsa_bytes() != Some(n.len()) {
            return Err(Failed);
        }
        let key: PublicEncryptingKey = PublicKeyComponents { n, e }.try_into()?;
        Ok(Box::new(OaepPublicEncryptingKey::new(key)?))
    }

    fn agreement(
        &self,
        algorithm: KeyAlgorithm,
        pkcs8: &[u8],
    ) -> Result<Box<dyn Agreement>, Failed> {
        Ok(Box::new(agreement_key(algorithm, pkcs8)?))
    }

    fn decapsulator(
        &self,
        algorithm: KeyAlgorithm,
        pkcs8: &[u8],
    ) -> Result<Box<dyn Decapsulator>, Failed> {
        Ok(Box::new(XWingPrivate::new(pkcs8::hybrid(algorithm, pkcs8)?)?))
    }

    fn encapsulator(
        &self,
        algorithm: KeyAlgorithm,
        public: &PublicParts,
    ) -> Result<Box<dyn Encapsulator>, Failed> {
        match public {
            PublicParts::Hybrid(both) if algorithm == KeyAlgorithm::XWing => {
                Ok(Box::new(XWingPublic::new(both)?))
            }
            _ => Err(Failed),
        }
    }

    fn ephemeral(
        &self,
        algorithm: KeyAlgorithm,
        peer: &[u8],
    ) -> Result<(Vec<u8>, SharedSecret), Failed> {
        let key = agreement::PrivateKey::generate(curve(algorithm)?)?;
        let public = key.compute_public_key()?.as_ref().to_vec();
        Ok((public, key.agree(peer)?))
    }
}

impl Encrypter for OaepPublicEncryptingKey {
    fn encrypt(&self, plaintext: &[u8]) -> Result<Vec<u8>, Failed> {
        let mut out = vec![0; self.ciphertext_size()];
        let length = self.encrypt(&OAEP_SHA256_MGF1SHA256, plaintext, &mut out, None)?.len();
        out.truncate(length);
        Ok(out)
    }
}

impl Decrypter for OaepPrivateDecryptingKey {
    fn decrypt(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failed> {
        let mut out = Zeroizing::new(vec![0; self.min_output_size()]);
        let length = self.decrypt(&OAEP_SHA256_MGF1SHA256, ciphertext, &mut out, None)?.len();
        out.truncate(length);
        Ok(out)
    }
}

impl Agreement for agreement::PrivateKey {
    fn agree(&self, peer: &[u8]) -> Result<SharedSecret, Failed> {
        // The library would also take compressed and X.509-wrapped points: one key, one spelling.
        let expected = if *self.algorithm() == ECDH_P256 { P256_POINT_LEN } else { 32 };
        if peer.len() != expected {
            return Err(Failed);
        }
        let peer = UnparsedPublicKey::new(self.algorithm(), peer);
        agreement::agree(self, peer, Failed, |secret| {
            secret.try_into().map(Zeroizing::new).map_err(|_| Failed)
        })
    }
}
