//! Keys: parsed once, used often. None of the types can be printed.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::algorithm::{KeyAlgorithm, KeyUse};
use crate::provider::{
    self, Agreement, Decapsulator, Decrypter, Encapsulator, Encrypter, Failed, PrivateParts,
    PublicParts, Signer, Verifier,
};
use crate::{jwk, pem, pkcs8};

/// Why a key was not taken. Names the member at fault, never its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("the key is not a JSON object with each member once")]
    Syntax,
    #[error("`{0}` is missing")]
    Missing(&'static str),
    #[error("`{0}` is not valid here")]
    Invalid(&'static str),
    #[error("`{0}` is private and has no place in a public key")]
    PrivateMember(&'static str),
    #[error("the key is not unencrypted PKCS#8 in DER")]
    Der,
    #[error("the key is not one PEM block of type {0}")]
    Pem(&'static str),
    #[error("the key is longer than {0}")]
    TooLarge(usize),
    #[error("a key of this kind is not for this use")]
    WrongUse,
    #[error("the key is not usable")]
    Rejected,
}

impl From<Failed> for KeyError {
    fn from(_: Failed) -> Self {
        Self::Rejected
    }
}

/// A public key, ready for use. Cheap to clone.
#[derive(Clone)]
pub struct PublicKey(Arc<Public>);

struct Public {
    algorithm: KeyAlgorithm,
    parts: PublicParts,
    kid: String,
    handle: PublicHandle,
}

enum PublicHandle {
    Encrypt(Box<dyn Encrypter>),
    /// A peer of an agreement is given to the provider as bytes.
    Agree,
    Encapsulate(Box<dyn Encapsulator>),
    Verify(Box<dyn Verifier>),
}

impl PublicKey {
    /// Reads a public JWK ([RFC 7517](https://www.rfc-editor.org/rfc/rfc7517)). What the key is
    /// for must follow from it: RSA keys need `use` or `alg`. Its `kid` is not taken over:
    /// ours is always the thumbprint.
    ///
    /// # Errors
    /// When a member is missing, private, or not what a key of this kind has.
    pub fn from_jwk(json: &str) -> Result<Self, KeyError> {
        let (algorithm, parts) = jwk::parse_public(json)?;
        Self::new(algorithm, parts)
    }

    pub(crate) fn new(algorithm: KeyAlgorithm, parts: PublicParts) -> Result<Self, KeyError> {
        let provider = provider::default();
        match &parts {
            PublicParts::Curve(point) => jwk::check_point(algorithm, point)?,
            PublicParts::Rsa { e, .. } if *e != jwk::EXPONENT => {
                return Err(KeyError::Invalid("e"));
            }
            PublicParts::Hybrid(both) => jwk::check_hybrid(algorithm, both)?,
            PublicParts::Rsa { .. } => {}
        }
        let handle = match algorithm {
            KeyAlgorithm::X25519 | KeyAlgorithm::P256 => {
                let PublicParts::Curve(peer) = &parts else { return Err(KeyError::Rejected) };
                // Fails for points off the curve and of small order, now instead of when sealing.
                provider.ephemeral(algorithm, peer)?;
                PublicHandle::Agree
            }
            KeyAlgorithm::XWing => {
                PublicHandle::Encapsulate(provider.encapsulator(algorithm, &parts)?)
            }
            _ if algorithm.key_use() == KeyUse::Seal => {
                PublicHandle::Encrypt(provider.encrypter(algorithm, &parts)?)
            }
            _ => PublicHandle::Verify(provider.verifier(algorithm, &parts)?),
        };
        let kid = jwk::thumbprint(algorithm, &parts);
        Ok(Self(Arc::new(Public { algorithm, parts, kid, handle })))
    }

    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.0.algorithm
    }

    /// The thumbprint ([RFC 7638](https://www.rfc-editor.org/rfc/rfc7638), SHA-256, base64url).
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.0.kid
    }

    /// The public JWK, with `use`, `alg` and `kid`.
    #[must_use]
    pub fn to_jwk(&self) -> String {
        jwk::write_public(self.0.algorithm, &self.0.parts, &self.0.kid)
    }

    /// SubjectPublicKeyInfo in DER. It says neither the use nor, for RSA, the padding.
    #[must_use]
    pub fn to_spki(&self) -> Vec<u8> {
        pkcs8::spki(self.0.algorithm, &self.0.parts)
    }

    /// [`Self::to_spki`] as PEM.
    #[must_use]
    pub fn to_pem(&self) -> String {
        pem::write(pem::PUBLIC, &self.to_spki())
    }

    pub(crate) fn encrypter(&self) -> Option<&dyn Encrypter> {
        match &self.0.handle {
            PublicHandle::Encrypt(encrypter) => Some(&**encrypter),
            _ => None,
        }
    }

    pub(crate) fn encapsulator(&self) -> Option<&dyn Encapsulator> {
        match &self.0.handle {
            PublicHandle::Encapsulate(encapsulator) => Some(&**encapsulator),
            _ => None,
        }
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Failed> {
        match &self.0.handle {
            PublicHandle::Verify(verifier) => verifier.verify(message, signature),
            _ => Err(Failed),
        }
    }

    /// The point of an agreement key.
    pub(crate) fn point(&self) -> Option<&[u8]> {
        match (&self.0.handle, &self.0.parts) {
            (PublicHandle::Agree, PublicParts::Curve(point)) => Some(point),
            _ => None,
        }
    }
}

/// A private key, ready for use. Holds its PKCS#8 encoding, which is wiped when dropped.
pub struct PrivateKey {
    public: PublicKey,
    pkcs8: Zeroizing<Vec<u8>>,
    handle: PrivateHandle,
}

enum PrivateHandle {
    Decrypt(Box<dyn Decrypter>),
    Agree(Box<dyn Agreement>),
    Decapsulate(Box<dyn Decapsulator>),
    Sign(Box<dyn Signer>),
}

impl PrivateKey {
    /// # Errors
    /// When the system has no randomness to give.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, KeyError> {
        Self::from_encoding(algorithm, provider::default().generate(algorithm)?)
    }

    /// Reads what [`Self::pkcs8`] has written. For keys of others there is [`Self::import_pkcs8`].
    ///
    /// # Errors
    /// When it is not a key of this algorithm and size.
    pub fn from_pkcs8(algorithm: KeyAlgorithm, der: &[u8]) -> Result<Self, KeyError> {
        Self::from_encoding(algorithm, Zeroizing::new(der.to_vec()))
    }

    /// Reads a private JWK: RSA with all its CRT members, OKP or EC with `d`.
    ///
    /// # Errors
    /// When a member is missing or the members do not belong together.
    pub fn from_jwk(json: &str) -> Result<Self, KeyError> {
        Self::read_jwk(json, None)
    }

    /// Reads a private JWK that is wanted for `key_use`, which it may leave open but not
    /// contradict.
    ///
    /// # Errors
    /// As [`Self::from_jwk`]; `WrongUse` for a key that says or is of another use.
    pub fn import_jwk(key_use: KeyUse, json: &str) -> Result<Self, KeyError> {
        let key = Self::read_jwk(json, Some(key_use))?;
        if key.algorithm().key_use() == key_use { Ok(key) } else { Err(KeyError::WrongUse) }
    }

    /// Reads a foreign PKCS#8 key (DER, not encrypted) that is wanted for `key_use`: RSA with
    /// 2048, 3072 or 4096 bits, P-256, Ed25519, X25519. PKCS#8 does not tell a key for sealing from one
    /// for signing.
    ///
    /// # Errors
    /// `Der` or `TooLarge` by its form, `Invalid` for an algorithm, a curve, a size or an exponent
    /// that is not taken, `WrongUse`, or `Rejected` when its numbers do not belong together.
    pub fn import_pkcs8(key_use: KeyUse, der: &[u8]) -> Result<Self, KeyError> {
        let (algorithm, kept) = pkcs8::import(key_use, der)?;
        Self::from_encoding(algorithm, kept)
    }

    /// [`Self::import_pkcs8`] from one PEM block `PRIVATE KEY`.
    ///
    /// # Errors
    /// `Pem`, and as there.
    pub fn import_pem(key_use: KeyUse, pem: &str) -> Result<Self, KeyError> {
        Self::import_pkcs8(key_use, &pem::read(pem::PRIVATE, pem)?)
    }

    fn read_jwk(json: &str, intended: Option<KeyUse>) -> Result<Self, KeyError> {
        let (algorithm, public, private) = jwk::parse_private(json, intended)?;
        let key = Self::from_parts(algorithm, &private)?;
        // The private half decides; a public half that disagrees would yield a wrong `kid`.
        if key.public.0.parts == public {
            Ok(key)
        } else {
            Err(KeyError::Invalid(if algorithm.is_hybrid() { "priv" } else { "d" }))
        }
    }

    fn from_parts(algorithm: KeyAlgorithm, parts: &PrivateParts) -> Result<Self, KeyError> {
        Self::from_encoding(algorithm, provider::default().encode(algorithm, parts)?)
    }

    fn from_encoding(algorithm: KeyAlgorithm, pkcs8: Zeroizing<Vec<u8>>) -> Result<Self, KeyError> {
        let provider = provider::default();
        let parts = provider.public_parts(algorithm, &pkcs8)?;
        let public = PublicKey::new(algorithm, parts)?;
        let handle = match &public.0.handle {
            PublicHandle::Encrypt(_) => {
                PrivateHandle::Decrypt(provider.decrypter(algorithm, &pkcs8)?)
            }
            PublicHandle::Agree => PrivateHandle::Agree(provider.agreement(algorithm, &pkcs8)?),
            PublicHandle::Encapsulate(_) => {
                PrivateHandle::Decapsulate(provider.decapsulator(algorithm, &pkcs8)?)
            }
            PublicHandle::Verify(_) => PrivateHandle::Sign(provider.signer(algorithm, &pkcs8)?),
        };
        Ok(Self { public, pkcs8, handle })
    }

    /// The encoding to store, which the caller wraps before it does.
    #[must_use]
    pub fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    #[must_use]
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    #[must_use]
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.public.algorithm()
    }

    #[must_use]
    pub fn kid(&self) -> &str {
        self.public.kid()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Failed> {
        match &self.handle {
            PrivateHandle::Sign(signer) => signer.sign(message),
            _ => Err(Failed),
        }
    }

    pub(crate) fn decrypter(&self) -> Option<&dyn Decrypter> {
        match &self.handle {
            PrivateHandle::Decrypt(decrypter) => Some(&**decrypter),
            _ => None,
        }
    }

    pub(crate) fn decapsulator(&self) -> Option<&dyn Decapsulator> {
        match &self.handle {
            PrivateHandle::Decapsulate(decapsulator) => Some(&**decapsulator),
            _ => None,
        }
    }

    pub(crate) fn agreement(&self) -> Option<&dyn Agreement> {
        match &self.handle {
            PrivateHandle::Agree(agreement) => Some(&**agreement),
            _ => None,
        }
    }
}
