//! Sealing by the envelope service.

use async_trait::async_trait;
use kernel::{Fault, Result};
use proto::envelope::v1::envelope_service_client::EnvelopeServiceClient;
use proto::envelope::v1::{Envelope, SealRequest};
use rpc::{Cx, Peers};

use crate::application::ports::{SealFor, Sealer};
use crate::domain::Text;

/// An envelope of the longest text is below 2 MiB; nothing near this is honest.
const LARGEST: usize = 8 * 1024 * 1024;

pub struct PeerSealer(pub Peers);

#[async_trait]
impl Sealer for PeerSealer {
    async fn seal(&self, cx: &Cx, text: &Text, target: SealFor) -> Result<Envelope> {
        let mut client = EnvelopeServiceClient::new(self.0.on_behalf(cx))
            .max_decoding_message_size(LARGEST)
            .max_encoding_message_size(LARGEST);
        let request = SealRequest {
            plaintext: text.expose().as_bytes().to_vec(),
            content_type: "text/plain".to_owned(),
            recipients: target.recipients,
            signing_key: target.signing_key,
            purpose: target.purpose,
            ttl: target.ttl,
        };
        // Its fields are ours by the same names, so its refusals are for our caller.
        let answer = client.seal(request).await.map_err(|status| rpc::fault_of(&status))?;
        answer.into_inner().envelope.ok_or_else(|| Fault::internal("sealed, but no envelope"))
    }
}
