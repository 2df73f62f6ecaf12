use std::sync::Arc;

use kernel::Result;
use pii::Engine;
use proto::anonymizer::v1::chat_privacy_service_server::ChatPrivacyService;
use proto::anonymizer::v1::{AnonymizeChatRequest, AnonymizeChatResponse, TypeCount};
use rpc::{Cx, parse};
use tonic::{Request, Response, Status};

use crate::application::chats;
use crate::application::secrets::Secrets;

const LARGEST: usize = 4 * 1024 * 1024;

pub struct ChatApi {
    pub engine: Arc<Engine>,
    pub secrets: Secrets,
}

impl ChatApi {
    async fn anonymize(
        &self,
        cx: Cx,
        request: AnonymizeChatRequest,
    ) -> Result<AnonymizeChatResponse> {
        parse::within("chat_request", request.chat_request.len(), 1, LARGEST, "bytes")?;
        parse::within("conversation", request.conversation.len(), 16, 64, "bytes")?;
        let key = self.secrets.placeholder_key(&cx, &request.conversation).await?;
        let sanitized =
            chats::sanitize(Arc::clone(&self.engine), key, request.chat_request).await?;
        let counts = sanitized.counts.iter().map(|count| TypeCount {
            r#type: count.entity.as_str().to_owned(),
            count: i32::try_from(count.count).unwrap_or(i32::MAX),
        });
        Ok(AnonymizeChatResponse {
            chat_request: sanitized.request,
            mapping: sanitized.mapping.to_vec(),
            counts: counts.collect(),
        })
    }
}

#[tonic::async_trait]
impl ChatPrivacyService for ChatApi {
    async fn anonymize_chat(
        &self,
        request: Request<AnonymizeChatRequest>,
    ) -> Result<Response<AnonymizeChatResponse>, Status> {
        rpc::unary(request, |cx, message| self.anonymize(cx, message)).await
    }
}
