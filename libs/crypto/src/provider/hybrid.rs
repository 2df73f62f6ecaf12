//! `signet-hybrid-1`: two algorithms, one of today and one against quantum computers, combined so
//! that an attacker has to break both.
//!
//! Sealing is X-Wing ([draft-connolly-cfrg-xwing-kem](https://datatracker.ietf.org/doc/draft-connolly-cfrg-xwing-kem/)):
//! ML-KEM-768 ([FIPS 203](https://doi.org/10.6028/NIST.FIPS.203)) and X25519. Public keys,
//! ciphertexts and shared secrets are the draft's. The private half is kept expanded, as
//! `ML-KEM decapsulation key ‖ X25519 scalar`: the draft's seed of 32 bytes would have to be
//! expanded by a second library, since this one reads expanded ML-KEM keys only.
//!
//! Signing is Ed25519 beside ML-DSA-65 ([FIPS 204](https://doi.org/10.6028/NIST.FIPS.204)), both
//! over the same text, which begins with a label, so that neither half is of any use alone.

use aws_lc_rs::agreement;
use aws_lc_rs::digest::{Context, SHA3_256};
use aws_lc_rs::kem::{Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_768};
use aws_lc_rs::signature::{
    ED25519, Ed25519KeyPair, KeyPair, ML_DSA_65, ML_DSA_65_SIGNING, ParsedPublicKey, PqdsaKeyPair,
};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use super::{
    Agreement, Decapsulator, Encapsulator, Failed, SharedSecret, Signer, Verifier, random_key,
};

const X25519_LEN: usize = 32;
const ML_KEM_PUBLIC_LEN: usize = 1184;
const ML_KEM_PRIVATE_LEN: usize = 2400;
/// Where the public half is within the private half: FIPS 203, algorithm 16.
const ML_KEM_PUBLIC_AT: usize = 1152;
const ML_KEM_CIPHERTEXT_LEN: usize = 1088;
const ED25519_LEN: usize = 32;
const ED25519_SIGNATURE_LEN: usize = 64;
const ML_DSA_SEED_LEN: usize = 32;
const ML_DSA_PUBLIC_LEN: usize = 1952;
const ML_DSA_SIGNATURE_LEN: usize = 3309;

pub(crate) const CIPHERTEXT_LEN: usize = ML_KEM_CIPHERTEXT_LEN + X25519_LEN;
const SIGNATURE_LEN: usize = ED25519_SIGNATURE_LEN + ML_DSA_SIGNATURE_LEN;

/// `XWingLabel`.
const X_WING: &[u8] = br"\.//^\";
/// What both signatures are over begins with this.
const SIGNING_LABEL: &[u8] = b"signet-hybrid-1-Ed25519+ML-DSA-65\0";

/// `Combiner` of the draft.
fn combine(ml_kem: &[u8], x25519: &[u8], ephemeral: &[u8], public: &[u8]) -> SharedSecret {
    let mut context = Context::new(&SHA3_256);
    for part in [ml_kem, x25519, ephemeral, public, X_WING] {
        context.update(part);
    }
    let mut secret = Zeroizing::new([0; 32]);
    secret.copy_from_slice(context.finish().as_ref());
    secret
}

pub(super) struct XWingPublic {
    ml_kem: EncapsulationKey,
    x25519: [u8; X25519_LEN],
}

impl XWingPublic {
    pub(super) fn new(public: &[u8]) -> Result<Self, Failed> {
        let (ml_kem, x25519) = public.split_at_checked(ML_KEM_PUBLIC_LEN).ok_or(Failed)?;
        let key = Self {
            ml_kem: EncapsulationKey::new(&ML_KEM_768, ml_kem)?,
            x25519: x25519.try_into().map_err(|_| Failed)?,
        };
        // Fails for numbers out of range and points of small order, now instead of when sealing.
        key.encapsulate()?;
        Ok(key)
    }
}

impl Encapsulator for XWingPublic {
    fn encapsulate(&self) -> Result<(Vec<u8>, SharedSecret), Failed> {
        let (ciphertext, ml_kem) = self.ml_kem.encapsulate()?;
        let key = agreement::PrivateKey::generate(&agreement::X25519)?;
        let ephemeral = key.compute_public_key()?;
        let agreed = key.agree(&self.x25519)?;
        let secret = combine(ml_kem.as_ref(), &*agreed, ephemeral.as_ref(), &self.x25519);
        Ok(([ciphertext.as_ref(), ephemeral.as_ref()].concat(), secret))
    }
}

pub(super) struct XWingPrivate {
    ml_kem: DecapsulationKey,
    x25519: agreement::PrivateKey,
    x25519_public: [u8; X25519_LEN],
}

impl XWingPrivate {
    pub(super) fn generate() -> Result<Zeroizing<Vec<u8>>, Failed> {
        let ml_kem = DecapsulationKey::generate(&ML_KEM_768)?.key_bytes()?;
        let mut private = Zeroizing::new(Vec::with_capacity(ML_KEM_PRIVATE_LEN + X25519_LEN));
        private.extend_from_slice(ml_kem.as_ref());
        private.extend_from_slice(&*random_key()?);
        Ok(private)
    }

    /// Checks that its halves belong together: that what is encapsulated to the public half
    /// that it contains comes out again.
    pub(super) fn new(private: &[u8]) -> Result<Self, Failed> {
        let (ml_kem, x25519) = private.split_at_checked(ML_KEM_PRIVATE_LEN).ok_or(Failed)?;
        if x25519.len() != X25519_LEN {
            return Err(Failed);
        }
        let x25519 = agreement::PrivateKey::from_private_key(&agreement::X25519, x25519)?;
        let x25519_public = x25519.compute_public_key()?.as_ref().try_into().map_err(|_| Failed)?;
        let key =
            Self { ml_kem: DecapsulationKey::new(&ML_KEM_768, ml_kem)?, x25519, x25519_public };
        let (ciphertext, secret) = XWingPublic::new(&key.public(private)?)?.encapsulate()?;
        if bool::from(key.decapsulate(&ciphertext)?.ct_eq(&*secret)) {
            Ok(key)
        } else {
            Err(Failed)
        }
    }

    fn public(&self, private: &[u8]) -> Result<Vec<u8>, Failed> {
        let ml_kem = private.get(ML_KEM_PUBLIC_AT..).and_then(|rest| rest.get(..ML_KEM_PUBLIC_LEN));
        Ok([ml_kem.ok_or(Failed)?, &self.x25519_public].concat())
    }

    pub(super) fn public_of(private: &[u8]) -> Result<Vec<u8>, Failed> {
        Self::new(private)?.public(private)
    }
}

impl Decapsulator for XWingPrivate {
    fn decapsulate(&self, ciphertext: &[u8]) -> Result<SharedSecret, Failed> {
        if ciphertext.len() != CIPHERTEXT_LEN {
            return Err(Failed);
        }
        let (ml_kem, ephemeral) = ciphertext.split_at(ML_KEM_CIPHERTEXT_LEN);
        let secret = self.ml_kem.decapsulate(Ciphertext::from(ml_kem))?;
        let agreed = self.x25519.agree(ephemeral)?;
        Ok(combine(secret.as_ref(), &*agreed, ephemeral, &self.x25519_public))
    }
}

fn labelled(message: &[u8]) -> Vec<u8> {
    [SIGNING_LABEL, message].concat()
}

pub(super) struct HybridSigner {
    ed25519: Ed25519KeyPair,
    ml_dsa: PqdsaKeyPair,
}

impl HybridSigner {
    /// Two seeds: any 64 bytes are a key.
    pub(super) fn generate() -> Result<Zeroizing<Vec<u8>>, Failed> {
        let (one, two) = (random_key()?, random_key()?);
        let mut private = Zeroizing::new(Vec::with_capacity(ED25519_LEN + ML_DSA_SEED_LEN));
        private.extend_from_slice(&*one);
        private.extend_from_slice(&*two);
        Ok(private)
    }

    pub(super) fn new(private: &[u8]) -> Result<Self, Failed> {
        let (ed25519, ml_dsa) = private.split_at_checked(ED25519_LEN).ok_or(Failed)?;
        Ok(Self {
            ed25519: Ed25519KeyPair::from_seed_unchecked(ed25519)?,
            ml_dsa: PqdsaKeyPair::from_seed(&ML_DSA_65_SIGNING, ml_dsa)?,
        })
    }

    pub(super) fn public(&self) -> Vec<u8> {
        [self.ed25519.public_key().as_ref(), self.ml_dsa.public_key().as_ref()].concat()
    }
}

impl Signer for HybridSigner {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Failed> {
        let text = labelled(message);
        let mut signature = self.ed25519.try_sign(&text)?.as_ref().to_vec();
        signature.resize(SIGNATURE_LEN, 0);
        self.ml_dsa.sign(&text, &mut signature[ED25519_SIGNATURE_LEN..])?;
        Ok(signature)
    }
}

pub(super) struct HybridVerifier {
    ed25519: ParsedPublicKey,
    ml_dsa: ParsedPublicKey,
}

impl HybridVerifier {
    pub(super) fn new(public: &[u8]) -> Result<Self, Failed> {
        let (ed25519, ml_dsa) = public.split_at_checked(ED25519_LEN).ok_or(Failed)?;
        // The library would also take an X.509 encoding, which is longer.
        if ml_dsa.len() != ML_DSA_PUBLIC_LEN {
            return Err(Failed);
        }
        Ok(Self {
            ed25519: ParsedPublicKey::new(&ED25519, ed25519)?,
            ml_dsa: ParsedPublicKey::new(&ML_DSA_65, ml_dsa)?,
        })
    }
}

impl Verifier for HybridVerifier {
    /// Both, always: which of the two failed is nobody's business.
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Failed> {
        let text = labelled(message);
        let (one, two) = signature.split_at_checked(ED25519_SIGNATURE_LEN).ok_or(Failed)?;
        let ed25519 = self.ed25519.verify_sig(&text, one).is_ok();
        let ml_dsa = self.ml_dsa.verify_sig(&text, two).is_ok();
        if ed25519 & ml_dsa { Ok(()) } else { Err(Failed) }
    }
}
