//! What the OpenAI SDKs call. <https://platform.openai.com/docs/api-reference/chat>

use async_stream::stream;
use futures::StreamExt as _;
use futures::stream::BoxStream;
use kernel::{Fault, Result};
use proto::google::api::HttpBody;
use proto::response::v1::ListModelsRequest;
use proto::response::v1::open_ai_service_server::OpenAiService;
use rpc::{Cx, ResponseStream, parse};
use serde_json::{Value, json};
use tonic::{Request, Response, Status};

use crate::application::exchange::{Exchange, Wishes};
use crate::domain::{Chat, Prompt};

const JSON: &str = "application/json";
const EVENTS: &str = "text/event-stream";
const LARGEST: usize = 4 * 1024 * 1024;

pub struct OpenAiApi {
    pub exchange: Exchange,
    pub default_model: String,
}

fn body(content_type: &str, data: String) -> HttpBody {
    HttpBody { content_type: content_type.to_owned(), data: data.into(), extensions: Vec::new() }
}

fn event(data: &Value) -> HttpBody {
    body(EVENTS, format!("data: {data}\n\n"))
}

/// A fault after the stream has begun: the HTTP status is out, so the SDKs are
/// told in the form that they know.
fn error_event(fault: &Fault) -> HttpBody {
    let reason = fault.reason();
    event(
        &json!({ "error": { "message": reason.message, "type": "server_error", "code": reason.code, "param": null } }),
    )
}

impl OpenAiApi {
    async fn chat(
        &self,
        cx: Cx,
        message: HttpBody,
    ) -> Result<BoxStream<'static, Result<HttpBody>>> {
        parse::within("body", message.data.len(), 1, LARGEST, "bytes")?;
        let chat = Chat::of(Prompt::Chat(message.data.to_vec()), &self.default_model)?;
        let wishes = Wishes::default();
        if !chat.wants_stream() {
            let answer = self.exchange.complete(&cx, chat, &wishes).await?;
            let answer = body(JSON, answer.to_string());
            return Ok(futures::stream::once(async { Ok(answer) }).boxed());
        }
        let mut chunks = self.exchange.stream(&cx, chat, &wishes).await?;
        Ok(stream! {
            while let Some(chunk) = chunks.next().await {
                match chunk {
                    Ok(chunk) => yield Ok(event(&chunk)),
                    Err(fault) => {
                        yield Ok(error_event(&fault));
                        yield Err(fault);
                        return;
                    }
                }
            }
            yield Ok(body(EVENTS, "data: [DONE]\n\n".to_owned()));
        }
        .boxed())
    }

    async fn models(&self) -> Result<HttpBody> {
        let models = self.exchange.providers.models().await;
        let data: Vec<Value> = models
            .iter()
            .map(|(id, owner)| json!({ "id": id, "object": "model", "created": 0, "owned_by": owner }))
            .collect();
        Ok(body(JSON, json!({ "object": "list", "data": data }).to_string()))
    }
}

#[tonic::async_trait]
impl OpenAiService for OpenAiApi {
    type CreateChatCompletionStream = ResponseStream<HttpBody>;

    async fn create_chat_completion(
        &self,
        request: Request<HttpBody>,
    ) -> Result<Response<Self::CreateChatCompletionStream>, Status> {
        rpc::stream(request, |cx, message| self.chat(cx, message)).await
    }

    async fn list_models(
        &self,
        request: Request<ListModelsRequest>,
    ) -> Result<Response<HttpBody>, Status> {
        rpc::unary(request, |_, _| self.models()).await
    }
}
