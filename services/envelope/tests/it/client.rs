//! A client that keeps its own keys, and seals for the response service.

use chrono::Duration;
use crypto::envelope::{Content, ManifestClaims, Terms, seal};
use crypto::{KeyAlgorithm, Limits, PrivateKey, PublicKey};
use kernel::Clock as _;
use proto::envelope::v1::*;

use crate::server::{Answer, Server, User};

pub(crate) struct Client {
    pub(crate) key: PrivateKey,
    pub(crate) name: String,
}

/// An envelope as it travels.
#[derive(Clone)]
pub(crate) struct Wire {
    pub(crate) manifest: String,
    pub(crate) content: String,
    pub(crate) claims: ManifestClaims,
}

impl Wire {
    pub(crate) fn wrapped_keys(&self) -> String {
        Content::parse(&self.content, &Limits::default()).unwrap().wrapped_keys().to_json()
    }

    pub(crate) fn unwrap_request(&self, request_id: &str) -> UnwrapContentKeyRequest {
        UnwrapContentKeyRequest {
            manifest: self.manifest.clone(),
            wrapped_keys: self.wrapped_keys(),
            purpose: "respond".into(),
            request_id: request_id.into(),
        }
    }
}

impl Client {
    pub(crate) async fn new(server: &Server, algorithm: KeyAlgorithm) -> Self {
        let key = PrivateKey::generate(algorithm).unwrap();
        let request = registration(&server.member, &key);
        let made = server.register(&server.member, request).await.unwrap().key.unwrap();
        Self { key, name: made.name }
    }

    /// An envelope whose manifest has been changed before it was signed.
    pub(crate) async fn seal_with(
        &self,
        server: &Server,
        recipients: &[&str],
        change: impl FnOnce(&mut ManifestClaims),
    ) -> Wire {
        let mut keys = Vec::new();
        for name in recipients {
            let key = server.key(name).await;
            keys.push(PublicKey::from_jwk(&key.versions.last().unwrap().public_jwk).unwrap());
        }
        let now = server.clock.now();
        let terms = Terms {
            tenant: server.tenant(),
            sender: self.key.kid().to_owned(),
            purpose: "respond".into(),
            content_type: "text/plain".into(),
            in_reply_to: None,
            issued_at: now,
            expires_at: now + Duration::minutes(5),
        };
        let mut sealed = seal(&terms, &keys, b"the text".to_vec(), &Limits::default()).unwrap();
        change(&mut sealed.claims);
        let manifest = sealed.claims.sign(&self.key).unwrap();
        Wire { manifest, content: sealed.content, claims: sealed.claims }
    }

    pub(crate) async fn seal(&self, server: &Server, recipients: &[&str]) -> Wire {
        self.seal_with(server, recipients, |_| {}).await
    }
}

pub(crate) fn registration(user: &User, key: &PrivateKey) -> RegisterPublicKeyRequest {
    let text = format!("signet-register-v1\n{}\n{}", user.name(), key.kid());
    RegisterPublicKeyRequest {
        purpose: KeyPurpose::Sign.into(),
        public_jwk: key.public().to_jwk(),
        proof: crypto::proof::sign(key, text.as_bytes()).unwrap(),
        ..RegisterPublicKeyRequest::default()
    }
}

pub(crate) fn code<T>(answer: Answer<T>) -> String {
    answer.err().map(|told| told.code).unwrap_or_else(|| "OK".to_owned())
}

pub(crate) fn field<T>(answer: Answer<T>) -> String {
    answer.err().map(|told| told.field).unwrap_or_else(|| "OK".to_owned())
}
