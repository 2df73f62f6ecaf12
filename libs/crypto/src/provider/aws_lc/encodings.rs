//! Making keys, and moving them between encodings.

use aws_lc_rs::agreement::{self, ECDH_P256};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeyPairComponents, KeySize, PublicKeyComponents};
use aws_lc_rs::signature::{self, Ed25519KeyPair, KeyPair};
use zeroize::Zeroizing;

use super::super::hybrid::{HybridSigner, XWingPrivate};
use super::super::{Failed, KeyEncoding, PrivateParts, PublicParts, RsaParts, okp, random_key};
use super::AwsLc;
use crate::algorithm::KeyAlgorithm;
use crate::pkcs8;

impl KeyEncoding for AwsLc {
    fn generate(&self, algorithm: KeyAlgorithm) -> Result<Zeroizing<Vec<u8>>, Failed> {
        match algorithm {
            KeyAlgorithm::X25519 | KeyAlgorithm::Ed25519 => {
                // Any 32 bytes are a key: RFC 8032, section 5.1.5, and RFC 7748, section 6.1.
                okp::encode(algorithm, &*random_key()?)
            }
            KeyAlgorithm::P256 | KeyAlgorithm::Es256 => {
                to_pkcs8(&agreement::PrivateKey::generate(&ECDH_P256)?)
            }
            KeyAlgorithm::XWing => pkcs8::write_hybrid(algorithm, &XWingPrivate::generate()?),
            KeyAlgorithm::Ed25519MlDsa65 => {
                pkcs8::write_hybrid(algorithm, &HybridSigner::generate()?)
            }
            _ => to_pkcs8(&RsaKeyPair::generate(match algorithm.rsa_bytes() {
                Some(256) => KeySize::Rsa2048,
                Some(384) => KeySize::Rsa3072,
                Some(512) => KeySize::Rsa4096,
                _ => return Err(Failed),
            })?),
        }
    }

    fn public_parts(&self, algorithm: KeyAlgorithm, pkcs8: &[u8]) -> Result<PublicParts, Failed> {
        match algorithm {
            KeyAlgorithm::X25519 | KeyAlgorithm::P256 | KeyAlgorithm::Es256 => {
                let public = agreement_key(algorithm, pkcs8)?.compute_public_key()?;
                Ok(PublicParts::Curve(public.as_ref().to_vec()))
            }
            KeyAlgorithm::Ed25519 => {
                let key = Ed25519KeyPair::from_seed_unchecked(okp::seed(algorithm, pkcs8)?)?;
                Ok(PublicParts::Curve(KeyPair::public_key(&key).as_ref().to_vec()))
            }
            KeyAlgorithm::XWing => {
                let private = pkcs8::hybrid(algorithm, pkcs8)?;
                Ok(PublicParts::Hybrid(XWingPrivate::public_of(private)?))
            }
            KeyAlgorithm::Ed25519MlDsa65 => {
                let private = pkcs8::hybrid(algorithm, pkcs8)?;
                Ok(PublicParts::Hybrid(HybridSigner::new(private)?.public()))
            }
            _ => {
                let key = rsa_key(algorithm, pkcs8)?;
                let public: &signature::RsaSubjectPublicKey = key.public_key();
                Ok(PublicParts::Rsa {
                    n: public.modulus().big_endian_without_leading_zero().to_vec(),
                    e: public.exponent().big_endian_without_leading_zero().to_vec(),
                })
            }
        }
    }

    fn canonical(
        &self,
        algorithm: KeyAlgorithm,
        pkcs8: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Failed> {
        match algorithm {
            KeyAlgorithm::P256 | KeyAlgorithm::Es256 => to_pkcs8(&agreement_key(algorithm, pkcs8)?),
            _ => to_pkcs8(&rsa_key(algorithm, pkcs8)?),
        }
    }

    fn encode(
        &self,
        algorithm: KeyAlgorithm,
        parts: &PrivateParts,
    ) -> Result<Zeroizing<Vec<u8>>, Failed> {
        match (algorithm, parts) {
            (KeyAlgorithm::X25519 | KeyAlgorithm::Ed25519, PrivateParts::Curve(seed)) => {
                okp::encode(algorithm, seed)
            }
            (KeyAlgorithm::P256 | KeyAlgorithm::Es256, PrivateParts::Curve(scalar)) => {
                to_pkcs8(&agreement::PrivateKey::from_private_key(&ECDH_P256, scalar)?)
            }
            (KeyAlgorithm::XWing | KeyAlgorithm::Ed25519MlDsa65, PrivateParts::Hybrid(both)) => {
                pkcs8::write_hybrid(algorithm, both)
            }
            (_, PrivateParts::Rsa(parts)) if algorithm.rsa_bytes() == Some(parts.n.len()) => {
                to_pkcs8(&RsaKeyPair::from_components(&components(parts))?)
            }
            _ => Err(Failed),
        }
    }
}

fn components(parts: &RsaParts) -> KeyPairComponents<&[u8]> {
    KeyPairComponents {
        public_key: PublicKeyComponents { n: &parts.n, e: &parts.e },
        d: &parts.d,
        p: &parts.p,
        q: &parts.q,
        dP: &parts.dp,
        dQ: &parts.dq,
        qInv: &parts.qi,
    }
}

pub(super) fn curve(algorithm: KeyAlgorithm) -> Result<&'static agreement::Algorithm, Failed> {
    match algorithm {
        KeyAlgorithm::X25519 => Ok(&agreement::X25519),
        // A signing key too, to be read and written; it never agrees on anything.
        KeyAlgorithm::P256 | KeyAlgorithm::Es256 => Ok(&ECDH_P256),
        _ => Err(Failed),
    }
}

pub(super) fn agreement_key(
    algorithm: KeyAlgorithm,
    pkcs8: &[u8],
) -> Result<agreement::PrivateKey, Failed> {
    let curve = curve(algorithm)?;
    Ok(match algorithm {
        KeyAlgorithm::X25519 => {
            agreement::PrivateKey::from_private_key(curve, okp::seed(algorithm, pkcs8)?)?
        }
        _ => agreement::PrivateKey::from_private_key_der(curve, pkcs8)?,
    })
}

pub(super) fn rsa_key(algorithm: KeyAlgorithm, pkcs8: &[u8]) -> Result<RsaKeyPair, Failed> {
    let key = RsaKeyPair::from_pkcs8(pkcs8)?;
    if algorithm.rsa_bytes() == Some(key.public_modulus_len()) { Ok(key) } else { Err(Failed) }
}

fn to_pkcs8(key: &impl AsDer<Pkcs8V1Der<'static>>) -> Result<Zeroizing<Vec<u8>>, Failed> {
    Ok(Zeroizing::new(key.as_der()?.as_ref().to_vec()))
}
