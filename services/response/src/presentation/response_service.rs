use futures::StreamExt as _;
use kernel::{Fault, Result};
use proto::envelope::v1::Envelope as Wire;
use proto::response::v1::response_service_server::ResponseService;
use proto::response::v1::stream_respond_response::Part as WirePart;
use proto::response::v1::{
    RespondRequest, RespondResponse, StreamRespondRequest, StreamRespondResponse,
};
use rpc::{Cx, ResponseStream, parse};
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::application::exchange::Wishes;
use crate::application::sealed::{self, Envelope, Part, Sealed};

pub struct ResponseApi(pub Sealed);

fn wire(envelope: Envelope) -> Option<Wire> {
    Some(Wire { manifest: envelope.manifest, content: envelope.content })
}

fn request(message: RespondRequest) -> Result<sealed::Request> {
    let envelope = parse::required("envelope", message.envelope)?;
    for (field, part) in
        [("envelope.manifest", &envelope.manifest), ("envelope.content", &envelope.content)]
    {
        if part.is_empty() {
            return Err(Fault::invalid(field, "is required"));
        }
    }
    parse::within("recipients", message.recipients.len(), 1, 8, "keys")?;
    parse::within("conversation", message.conversation.len(), 0, 64, "bytes")?;
    let request_id = parse::request_id(&message.request_id)?.unwrap_or_else(Uuid::now_v7);
    Ok(sealed::Request {
        envelope: Envelope { manifest: envelope.manifest, content: envelope.content },
        recipients: message.recipients,
        request_id: request_id.to_string(),
        wishes: Wishes { conversation: message.conversation, include_sent: message.include_sent },
    })
}

impl ResponseApi {
    async fn respond(&self, cx: Cx, message: RespondRequest) -> Result<RespondResponse> {
        let envelope = self.0.respond(&cx, request(message)?).await?;
        Ok(RespondResponse { envelope: wire(envelope) })
    }
}

#[tonic::async_trait]
impl ResponseService for ResponseApi {
    type StreamRespondStream = ResponseStream<StreamRespondResponse>;

    async fn respond(
        &self,
        request: Request<RespondRequest>,
    ) -> Result<Response<RespondResponse>, Status> {
        rpc::unary(request, |cx, message| self.respond(cx, message)).await
    }

    async fn stream_respond(
        &self,
        streamed: Request<StreamRespondRequest>,
    ) -> Result<Response<Self::StreamRespondStream>, Status> {
        rpc::stream(streamed, |cx, message| async move {
            let StreamRespondRequest {
                envelope,
                recipients,
                request_id,
                conversation,
                include_sent,
            } = message;
            let message =
                RespondRequest { envelope, recipients, request_id, conversation, include_sent };
            let parts = self.0.stream(&cx, request(message)?).await?;
            Ok(parts.map(|part| {
                let part = match part? {
                    Part::Envelope(envelope) => wire(envelope).map(WirePart::Envelope),
                    Part::Chunk(chunk) => Some(WirePart::Chunk(chunk)),
                };
                Ok(StreamRespondResponse { part })
            }))
        })
        .await
    }
}
