//! Envelopes, tokens and keys as others send them.

use std::sync::LazyLock;

use crypto::envelope::{Content, Manifest, ManifestClaims, Terms, WrappedKeys, seal};
use crypto::{KeyAlgorithm, Limits, PrivateKey, PublicKey, nested};
use kernel::{TenantId, Timestamp};

use crate::input::{edited, text};

/// An envelope of our own, and who can open it.
pub(crate) struct Sample {
    pub(crate) signer: PrivateKey,
    pub(crate) recipient: PrivateKey,
    pub(crate) manifest: String,
    pub(crate) content: String,
    nested: String,
}

const PLAINTEXT: &[u8] = b"{\"model\":\"echo\"}";

pub(crate) fn now() -> Timestamp {
    Timestamp::from_timestamp(1_790_000_000, 0).unwrap()
}

pub(crate) fn terms(signer: &PrivateKey) -> Terms {
    Terms {
        tenant: TenantId::SYSTEM,
        sender: signer.kid().to_owned(),
        purpose: "respond".to_owned(),
        content_type: "application/json".to_owned(),
        in_reply_to: None,
        issued_at: now(),
        expires_at: now() + std::time::Duration::from_secs(300),
    }
}

pub(crate) static SAMPLE: LazyLock<Sample> = LazyLock::new(|| {
    let signer = PrivateKey::generate(KeyAlgorithm::Ed25519).unwrap();
    let recipient = PrivateKey::generate(KeyAlgorithm::X25519).unwrap();
    let to = recipient.public();
    let limits = Limits::default();
    let sealed = seal(&terms(&signer), &[to.clone()], PLAINTEXT.to_vec(), &limits).unwrap();
    let manifest = sealed.claims.sign(&signer).unwrap();
    let nested = nested::seal(&signer, to, None, PLAINTEXT.to_vec(), &limits).unwrap();
    Sample { content: sealed.content, manifest, nested, signer, recipient }
});

pub(crate) fn manifest(data: &[u8]) {
    let sample = &*SAMPLE;
    let forged = edited(sample.manifest.as_bytes(), data);
    for bytes in [data, &forged] {
        let Some(token) = text(bytes) else { continue };
        let Ok(manifest) = Manifest::parse(token, &Limits::default()) else { continue };
        let verified = manifest.verify(sample.signer.public()).is_ok();
        assert!(!verified || token == sample.manifest, "a forged manifest is believed");
    }
}

pub(crate) fn manifest_claims(data: &[u8]) {
    let limits = Limits::default();
    if let Ok(claims) = ManifestClaims::parse(data, &limits) {
        let json = claims.to_json().unwrap();
        let again = ManifestClaims::parse(&json, &limits).unwrap();
        assert_eq!(again.to_json().unwrap(), json);
    }
}

pub(crate) fn content(data: &[u8]) {
    let limits = Limits::default();
    let altered = edited(SAMPLE.content.as_bytes(), data);
    for json in [data, &altered].into_iter().filter_map(text) {
        let Ok(content) = Content::parse(json, &limits) else { continue };
        let written = content.with_wrapped_keys(content.wrapped_keys());
        let again = Content::parse(&written, &limits).ok().unwrap();
        assert_eq!(again.media_type(), content.media_type());
        assert_eq!(again.is_stream(), content.is_stream());
    }
}

pub(crate) fn wrapped_keys(data: &[u8]) {
    let limits = Limits::default();
    let Some(keys) = text(data).and_then(|json| WrappedKeys::from_json(json, &limits).ok()) else {
        return;
    };
    let json = keys.to_json();
    assert_eq!(WrappedKeys::from_json(&json, &limits).ok().unwrap().to_json(), json);
}

/// Whatever is changed in an envelope, it opens to nothing else.
pub(crate) fn altered(data: &[u8]) {
    let (sample, limits) = (&*SAMPLE, Limits::default());
    let json = edited(sample.content.as_bytes(), data);
    let Some(Ok(content)) = text(&json).map(|json| Content::parse(json, &limits)) else { return };
    let manifest = Manifest::parse(&sample.manifest, &limits).ok().unwrap();
    let manifest = manifest.verify(sample.signer.public()).ok().unwrap();
    let Ok(key) = manifest.release(&sample.recipient, content.wrapped_keys(), now()) else {
        return;
    };
    if let Ok(plaintext) = key.open(&manifest, &content) {
        assert_eq!(&plaintext[..], PLAINTEXT, "an altered content opens");
    }
}

pub(crate) fn nested_token(data: &[u8]) {
    let sample = &*SAMPLE;
    let forged = edited(sample.nested.as_bytes(), data);
    for bytes in [data, &forged] {
        let Some(token) = text(bytes) else { continue };
        let Ok(parsed) = nested::Token::parse(token, &Limits::default()) else { continue };
        let verified = parsed.verify(sample.signer.public()).is_ok();
        assert!(!verified || token == sample.nested, "a forged token is believed");
    }
}

pub(crate) fn public_jwk(data: &[u8]) {
    let valid = SAMPLE.recipient.public().to_jwk();
    let altered = edited(valid.as_bytes(), data);
    for json in [data, &altered].into_iter().filter_map(text) {
        if let Ok(key) = PublicKey::from_jwk(json) {
            let again = PublicKey::from_jwk(&key.to_jwk()).ok().unwrap();
            assert_eq!(again.kid(), key.kid());
        }
    }
}

pub(crate) fn private_jwk(data: &[u8]) {
    if let Some(Ok(key)) = text(data).map(PrivateKey::from_jwk) {
        assert!(PublicKey::from_jwk(&key.public().to_jwk()).is_ok());
    }
}
