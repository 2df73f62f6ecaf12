use db::Db;
use proto::envelope::v1::*;

use crate::server::{Answer, Server};

/// A tenant with a kept recipient and a kept sender.
pub(crate) struct Kept {
    pub(crate) server: Server,
    pub(crate) seal: Key,
    pub(crate) sign: Key,
}

impl Kept {
    pub(crate) async fn new(db: Db) -> Self {
        let server = Server::start(db).await;
        let seal = server.make(KeyPurpose::Seal, KeyAlgorithm::EcdhEsA256kwX25519).await;
        let sign = server.make(KeyPurpose::Sign, KeyAlgorithm::EddsaEd25519).await;
        Self { server, seal, sign }
    }

    pub(crate) fn request(&self) -> SealRequest {
        SealRequest {
            plaintext: b"a message".to_vec(),
            content_type: "text/plain".into(),
            recipients: vec![self.seal.name.clone()],
            signing_key: self.sign.name.clone(),
            purpose: "message".into(),
            ttl: None,
        }
    }

    pub(crate) async fn sealed(&self) -> Envelope {
        let sealed = self.server.seal(&self.server.member, self.request()).await;
        sealed.unwrap().envelope.unwrap()
    }

    pub(crate) async fn open(&self, envelope: &Envelope, request_id: &str) -> Answer<OpenResponse> {
        let request =
            OpenRequest { envelope: Some(envelope.clone()), request_id: request_id.into() };
        self.server.open(&self.server.member, request).await
    }
}
