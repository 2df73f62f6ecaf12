//! The primitives, and nothing else: what a cryptographic library has to offer
//! so that everything above can be written once.
//!
//! The three traits are apart because a second library seldom has them all:
//! `ring`, the differential-test partner, has neither OAEP nor AES key wrap.

mod aws_lc;
mod hybrid;
mod okp;

use zeroize::Zeroizing;

use crate::algorithm::KeyAlgorithm;

pub use aws_lc::AwsLc;
pub(crate) use hybrid::CIPHERTEXT_LEN;

pub const AES_KEY_LEN: usize = 32;
pub const NONCE_LEN: usize = 12;
pub const TAG_LEN: usize = 16;
pub const DIGEST_LEN: usize = 32;

pub type AesKey = Zeroizing<[u8; AES_KEY_LEN]>;
/// The result of a key agreement or encapsulation: 32 bytes for P-256, X25519 and X-Wing alike.
pub type SharedSecret = Zeroizing<[u8; 32]>;

/// A primitive refused. It never says why: the reasons are either bugs or oracles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cryptographic operation failed")]
pub struct Failed;

/// Hashes, MACs, key derivation, randomness and AES-256-GCM.
pub trait Symmetric: Send + Sync {
    /// # Errors
    /// When the system has no randomness to give.
    fn fill_random(&self, out: &mut [u8]) -> Result<(), Failed>;

    /// SHA-256 over the concatenation of `parts`.
    fn sha256(&self, parts: &[&[u8]]) -> [u8; DIGEST_LEN];

    /// HMAC-SHA-256 over the concatenation of `parts`.
    fn hmac_sha256(&self, key: &[u8], parts: &[&[u8]]) -> [u8; DIGEST_LEN];

    /// HKDF-SHA-256 ([RFC 5869](https://www.rfc-editor.org/rfc/rfc5869)).
    ///
    /// # Errors
    /// When `out` is longer than 255 blocks.
    fn hkdf_sha256(
        &self,
        salt: &[u8],
        secret: &[u8],
        info: &[u8],
        out: &mut [u8],
    ) -> Result<(), Failed>;

    /// Encrypts `data` in place with AES-256-GCM.
    ///
    /// # Errors
    /// When `data` is longer than GCM allows.
    fn aead_seal(
        &self,
        key: &[u8; AES_KEY_LEN],
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        data: &mut [u8],
    ) -> Result<[u8; TAG_LEN], Failed>;

    /// Decrypts ciphertext and tag in place; the plaintext is the first
    /// `n` bytes, `n` returned. In place, because aws-lc's other form is half as fast.
    ///
    /// # Errors
    /// When the tag does not verify.
    fn aead_open(
        &self,
        key: &[u8; AES_KEY_LEN],
        nonce: [u8; NONCE_LEN],
        aad: &[u8],
        data_and_tag: &mut [u8],
    ) -> Result<usize, Failed>;

    /// AES-256-GCM with the key made ready once, for many messages under it.
    ///
    /// # Errors
    /// When the library does not take the key.
    fn aead(&self, key: &[u8; AES_KEY_LEN]) -> Result<Box<dyn Aead>, Failed>;
}

/// AES-256-GCM under one key, in place. No nonce may be used twice for sealing.
pub trait Aead: Send + Sync {
    /// # Errors
    /// When `data` is longer than GCM allows.
    fn seal(&self, nonce: [u8; NONCE_LEN], data: &mut [u8]) -> Result<[u8; TAG_LEN], Failed>;

    /// The plaintext is the first `n` bytes, `n` returned.
    ///
    /// # Errors
    /// When the tag does not verify.
    fn open(&self, nonce: [u8; NONCE_LEN], data_and_tag: &mut [u8]) -> Result<usize, Failed>;
}

/// RSASSA-PSS with SHA-256 (PS256), Ed25519, ECDSA on P-256 (ES256), and Ed25519 beside
/// ML-DSA-65.
pub trait Signatures: Send + Sync {
    /// # Errors
    /// When the encoding is not a key of this algorithm.
    fn signer(&self, algorithm: KeyAlgorithm, pkcs8: &[u8]) -> Result<Box<dyn Signer>, Failed>;

    /// # Errors
    /// When the parts are not a key of this algorithm.
    fn verifier(
        &self,
        algorithm: KeyAlgorithm,
        public: &PublicParts,
    ) -> Result<Box<dyn Verifier>, Failed>;
}

/// What wraps and unwraps content keys: RSA-OAEP-256, ECDH, X-Wing, AES key wrap.
pub trait KeyManagement: Send + Sync {
    /// AES-256 key wrap ([RFC 3394](https://www.rfc-editor.org/rfc/rfc3394)).
    ///
    /// # Errors
    /// When `key` is no multiple of eight bytes.
    fn wrap(&self, kek: &[u8; AES_KEY_LEN], key: &[u8]) -> Result<Vec<u8>, Failed>;

    /// # Errors
    /// When the integrity check fails.
    fn unwrap(&self, kek: &[u8; AES_KEY_LEN], wrapped: &[u8])
    -> Result<Zeroizing<Vec<u8>>, Failed>;

    /// # Errors
    /// When the encoding is not an RSA key of this size.
    fn decrypter(
        &self,
        algorithm: KeyAlgorithm,
        pkcs8: &[u8],
    ) -> Result<Box<dyn Decrypter>, Failed>;

    /// # Errors
    /// When the parts are not an RSA key of this size.
    fn encrypter(
        &self,
        algorithm: KeyAlgorithm,
        public: &PublicParts,
    ) -> Result<Box<dyn Encrypter>, Failed>;

    /// # Errors
    /// When the encoding is not a key on this curve.
    fn agreement(
        &self,
        algorithm: KeyAlgorithm,
        pkcs8: &[u8],
    ) -> Result<Box<dyn Agreement>, Failed>;

    /// # Errors
    /// When the encoding is not an X-Wing key, or its halves do not belong together.
    fn decapsulator(
        &self,
        algorithm: KeyAlgorithm,
        pkcs8: &[u8],
    ) -> Result<Box<dyn Decapsulator>, Failed>;

    /// # Errors
    /// When the parts are not an X-Wing key.
    fn encapsulator(
        &self,
        algorithm: KeyAlgorithm,
        public: &PublicParts,
    ) -> Result<Box<dyn Encapsulator>, Failed>;

    /// Makes a key pair for one use, agrees with `peer`, and returns the public half.
    ///
    /// # Errors
    /// When `peer` is not a valid point of the curve.
    fn ephemeral(
        &self,
        algorithm: KeyAlgorithm,
        peer: &[u8],
    ) -> Result<(Vec<u8>, SharedSecret), Failed>;
}

/// Making keys, and moving them between encodings.
pub trait KeyEncoding: Send + Sync {
    /// A new key as PKCS#8.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    fn generate(&self, algorithm: KeyAlgorithm) -> Result<Zeroizing<Vec<u8>>, Failed>;

    /// The public half of a PKCS#8 key. Checks that the key is of this algorithm and size.
    ///
    /// # Errors
    /// When it is not.
    fn public_parts(&self, algorithm: KeyAlgorithm, pkcs8: &[u8]) -> Result<PublicParts, Failed>;

    /// Foreign PKCS#8 in the one form that [`Self::generate`] writes. For RSA and P-256, whose
    /// inner structure only the library knows. Checks the key as [`Self::public_parts`] does.
    ///
    /// # Errors
    /// When it is not a key of this algorithm and size.
    fn canonical(
        &self,
        algorithm: KeyAlgorithm,
        pkcs8: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, Failed>;

    /// PKCS#8 from the numbers of a JWK. Checks that they belong together.
    ///
    /// # Errors
    /// When they do not.
    fn encode(
        &self,
        algorithm: KeyAlgorithm,
        parts: &PrivateParts,
    ) -> Result<Zeroizing<Vec<u8>>, Failed>;
}

pub trait Provider: Symmetric + Signatures + KeyManagement + KeyEncoding {}
impl<T: Symmetric + Signatures + KeyManagement + KeyEncoding> Provider for T {}

pub trait Signer: Send + Sync {
    /// # Errors
    /// When the library refuses, which a checked key does not.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Failed>;
}

pub trait Verifier: Send + Sync {
    /// # Errors
    /// When the signature is not of this message by this key.
    fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Failed>;
}

pub trait Encrypter: Send + Sync {
    /// # Errors
    /// When `plaintext` is too long for the modulus.
    fn encrypt(&self, plaintext: &[u8]) -> Result<Vec<u8>, Failed>;
}

pub trait Decrypter: Send + Sync {
    /// # Errors
    /// When the padding is wrong.
    fn decrypt(&self, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Failed>;
}

pub trait Agreement: Send + Sync {
    /// # Errors
    /// When `peer` is not a valid point, or the secret would be all zero.
    fn agree(&self, peer: &[u8]) -> Result<SharedSecret, Failed>;
}

pub trait Encapsulator: Send + Sync {
    /// A ciphertext for the holder of the private half, and the secret that it yields there.
    ///
    /// # Errors
    /// When the system has no randomness to give.
    fn encapsulate(&self) -> Result<(Vec<u8>, SharedSecret), Failed>;
}

pub trait Decapsulator: Send + Sync {
    /// A ciphertext that was altered yields another secret.
    ///
    /// # Errors
    /// When the ciphertext has another length, or its point is of small order.
    fn decapsulate(&self, ciphertext: &[u8]) -> Result<SharedSecret, Failed>;
}

/// A public key as numbers.
#[derive(Clone, PartialEq, Eq)]
pub enum PublicParts {
    /// Big-endian, without leading zeros.
    Rsa { n: Vec<u8>, e: Vec<u8> },
    /// 32 bytes for Ed25519 and X25519, the uncompressed point (65 bytes) for P-256.
    Curve(Vec<u8>),
    /// Both halves one after the other: `ML-KEM-768 ‖ X25519`, or `Ed25519 ‖ ML-DSA-65`.
    Hybrid(Vec<u8>),
}

/// A private key as numbers, big-endian.
pub enum PrivateParts {
    Rsa(Box<RsaParts>),
    /// The seed of Ed25519, the scalar of X25519 and P-256.
    Curve(Zeroizing<Vec<u8>>),
    /// `ML-KEM-768 decapsulation key ‖ X25519 scalar`, or the seeds of Ed25519 and ML-DSA-65.
    Hybrid(Zeroizing<Vec<u8>>),
}

/// [RFC 7518, section 6.3](https://www.rfc-editor.org/rfc/rfc7518#section-6.3)
pub struct RsaParts {
    pub n: Vec<u8>,
    pub e: Vec<u8>,
    pub d: Zeroizing<Vec<u8>>,
    pub p: Zeroizing<Vec<u8>>,
    pub q: Zeroizing<Vec<u8>>,
    pub dp: Zeroizing<Vec<u8>>,
    pub dq: Zeroizing<Vec<u8>>,
    pub qi: Zeroizing<Vec<u8>>,
}

/// The provider in use: the one place where it is chosen.
#[must_use]
pub fn default() -> &'static dyn Provider {
    &AwsLc
}

/// A fresh AES-256 key.
///
/// # Errors
/// When the system has no randomness to give.
pub fn random_key() -> Result<AesKey, Failed> {
    let mut key = Zeroizing::new([0; AES_KEY_LEN]);
    default().fill_random(&mut *key)?;
    Ok(key)
}

pub(crate) fn random_array<const N: usize>() -> Result<[u8; N], Failed> {
    let mut bytes = [0; N];
    default().fill_random(&mut bytes)?;
    Ok(bytes)
}
