//! Keys made once, and an envelope with everything filled in.

use std::sync::LazyLock;

use chrono::{DateTime, Duration};
use crypto::envelope::{
    Content, ContentKey, Manifest, ManifestClaims, Sealed, Terms, VerifiedManifest, seal,
};
use crypto::{KeyAlgorithm, Limits, OpenError, PrivateKey, PublicKey};
use kernel::{TenantId, Timestamp};
use zeroize::Zeroizing;

pub(crate) struct Keys {
    pub(crate) signer: PrivateKey,
    pub(crate) recipient: PrivateKey,
    pub(crate) other: PrivateKey,
}

fn keys(signer: KeyAlgorithm, recipient: KeyAlgorithm) -> Keys {
    Keys {
        signer: PrivateKey::generate(signer).unwrap(),
        recipient: PrivateKey::generate(recipient).unwrap(),
        other: PrivateKey::generate(recipient).unwrap(),
    }
}

pub(crate) static RSA: LazyLock<Keys> =
    LazyLock::new(|| keys(KeyAlgorithm::RsaPss2048, KeyAlgorithm::RsaOaep2048));
pub(crate) static X25519: LazyLock<Keys> =
    LazyLock::new(|| keys(KeyAlgorithm::Ed25519, KeyAlgorithm::X25519));
pub(crate) static P256: LazyLock<Keys> =
    LazyLock::new(|| keys(KeyAlgorithm::Ed25519, KeyAlgorithm::P256));

pub(crate) static ES256: LazyLock<Keys> =
    LazyLock::new(|| keys(KeyAlgorithm::Es256, KeyAlgorithm::P256));

pub(crate) static HYBRID: LazyLock<Keys> =
    LazyLock::new(|| keys(KeyAlgorithm::Ed25519MlDsa65, KeyAlgorithm::XWing));

pub(crate) fn classical() -> [&'static Keys; 4] {
    [&RSA, &X25519, &P256, &ES256]
}

pub(crate) fn suites() -> [&'static Keys; 5] {
    [&RSA, &X25519, &P256, &ES256, &HYBRID]
}

pub(crate) fn now() -> Timestamp {
    DateTime::from_timestamp(1_790_000_000, 0).unwrap()
}

pub(crate) fn terms(sender: &PrivateKey) -> Terms {
    Terms {
        tenant: TenantId::SYSTEM,
        sender: sender.kid().to_owned(),
        purpose: "respond".to_owned(),
        content_type: "application/json".to_owned(),
        in_reply_to: None,
        issued_at: now(),
        expires_at: now() + Duration::minutes(5),
    }
}

pub(crate) fn sealed(keys: &Keys, plaintext: &[u8]) -> Sealed {
    let recipients = [keys.recipient.public().clone()];
    seal(&terms(&keys.signer), &recipients, plaintext.to_vec(), &Limits::default()).unwrap()
}

/// An envelope as it travels.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) manifest: String,
    pub(crate) content: String,
}

pub(crate) fn wire(keys: &Keys, plaintext: &[u8]) -> Wire {
    let sealed = sealed(keys, plaintext);
    Wire { manifest: sealed.claims.sign(&keys.signer).unwrap(), content: sealed.content }
}

/// Signs claims that have been changed.
pub(crate) fn resign(keys: &Keys, claims: &ManifestClaims) -> String {
    claims.sign(&keys.signer).unwrap()
}

pub(crate) fn verify(wire: &Wire, sender: &PublicKey) -> Result<VerifiedManifest, OpenError> {
    Manifest::parse(&wire.manifest, &Limits::default())?.verify(sender)
}

pub(crate) fn release(
    wire: &Wire,
    sender: &PublicKey,
    recipient: &PrivateKey,
) -> Result<(VerifiedManifest, ContentKey), OpenError> {
    let manifest = verify(wire, sender)?;
    let content = Content::parse(&wire.content, &Limits::default())?;
    let key = manifest.release(recipient, content.wrapped_keys(), now())?;
    Ok((manifest, key))
}

/// All the steps, in the order that the types impose.
pub(crate) fn open(
    wire: &Wire,
    sender: &PublicKey,
    recipient: &PrivateKey,
) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (manifest, key) = release(wire, sender, recipient)?;
    key.open(&manifest, &Content::parse(&wire.content, &Limits::default())?)
}

/// The error of a result whose success cannot be printed.
pub(crate) trait Refused<E> {
    fn refused(self) -> E;
}

impl<T, E> Refused<E> for Result<T, E> {
    fn refused(self) -> E {
        match self {
            Ok(_) => panic!("was accepted"),
            Err(error) => error,
        }
    }
}
