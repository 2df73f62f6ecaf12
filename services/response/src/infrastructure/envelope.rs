use async_trait::async_trait;
use crypto::PublicKey;
use crypto::envelope::{Content, ContentKey};
use kernel::{Fault, Result};
use proto::envelope::v1::key_service_client::KeyServiceClient;
use proto::envelope::v1::release_service_client::ReleaseServiceClient;
use proto::envelope::v1::{
    GetKeyRequest, Key, KeyState, SignManifestRequest, UnwrapContentKeyRequest,
};
use rpc::{Cx, Peers};
use zeroize::Zeroizing;

use crate::application::ports::Envelopes;

pub struct EnvelopeClient(pub Peers);

impl EnvelopeClient {
    fn releases(&self, cx: &Cx) -> ReleaseServiceClient<rpc::PeerChannel> {
        ReleaseServiceClient::new(self.0.on_behalf(cx))
    }
}

/// The primary version, if it may be used.
fn primary(key: &Key) -> Result<PublicKey> {
    let usable = |state: i32| KeyState::try_from(state) == Ok(KeyState::Enabled);
    let version = key.versions.iter().find(|version| version.version == key.primary_version);
    match version {
        Some(version) if usable(key.state) && usable(version.state) => {
            PublicKey::from_jwk(&version.public_jwk).map_err(Fault::internal)
        }
        _ => Err(Fault::new(&reasons::envelope::KEY_DISABLED)),
    }
}

#[async_trait]
impl Envelopes for EnvelopeClient {
    async fn release(
        &self,
        cx: &Cx,
        manifest: &str,
        content: &Content<'_>,
        request_id: &str,
    ) -> Result<ContentKey> {
        let message = UnwrapContentKeyRequest {
            manifest: manifest.to_owned(),
            wrapped_keys: content.wrapped_keys().to_json(),
            purpose: "respond".to_owned(),
            request_id: request_id.to_owned(),
        };
        let answer = self.releases(cx).unwrap_content_key(message).await;
        let answer = answer.map_err(|status| rpc::fault_of(&status))?.into_inner();
        let key = Zeroizing::new(answer.content_key);
        ContentKey::from_bytes(&key)
            .map_err(|_| Fault::internal("the released content key has a wrong length"))
    }

    async fn public_key(&self, cx: &Cx, name: &str) -> Result<PublicKey> {
        let mut client = KeyServiceClient::new(self.0.on_behalf(cx));
        let answer = client.get_key(GetKeyRequest { name: name.to_owned() }).await;
        let key = answer.map_err(|status| rpc::fault_of(&status))?.into_inner().key;
        primary(&key.ok_or_else(|| Fault::internal("GetKey gave no key"))?)
    }

    async fn sign(&self, cx: &Cx, claims: Vec<u8>) -> Result<String> {
        let answer = self.releases(cx).sign_manifest(SignManifestRequest { claims }).await;
        Ok(answer.map_err(|status| rpc::fault_of(&status))?.into_inner().manifest)
    }
}
