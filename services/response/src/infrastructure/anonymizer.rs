use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Fault, Result};
use pii::Mapping;
use proto::anonymizer::v1::AnonymizeChatRequest;
use proto::anonymizer::v1::chat_privacy_service_client::ChatPrivacyServiceClient;
use rpc::{Cx, Peers};
use zeroize::Zeroizing;

use crate::application::ports::{Privacy, Sanitized};

/// What the anonymizer answers with at most: a request of 4 MiB with its
/// placeholders, and the mapping.
const LARGEST: usize = 12 * 1024 * 1024;

pub struct AnonymizerClient(pub Peers);

#[async_trait]
impl Privacy for AnonymizerClient {
    async fn sanitize(
        &self,
        cx: &Cx,
        request: Vec<u8>,
        conversation: Vec<u8>,
    ) -> Result<Sanitized> {
        let mut client = ChatPrivacyServiceClient::new(self.0.on_behalf(cx))
            .max_decoding_message_size(LARGEST)
            .max_encoding_message_size(LARGEST);
        let message = AnonymizeChatRequest { chat_request: request, conversation };
        let answer = client
            .anonymize_chat(message)
            .await
            .map_err(|status| rpc::fault_of(&status))?
            .into_inner();
        let mapping = Zeroizing::new(answer.mapping);
        Ok(Sanitized {
            request: answer.chat_request,
            mapping: Arc::new(Mapping::from_bytes(&mapping).map_err(Fault::internal)?),
            counts: answer.counts.into_iter().map(|count| (count.r#type, count.count)).collect(),
        })
    }
}
