//! Services on their Unix sockets that answer with what reached them.

use std::pin::Pin;
use std::time::Duration;

use mesh::Plan;
use proto::audit::v1::ingest_service_server::{IngestService, IngestServiceServer};
use proto::audit::v1::log_service_server::{LogService, LogServiceServer};
use proto::audit::v1::{
    GetCheckpointRequest, GetLogKeyRequest, GetTileRequest, RecordEventsRequest,
    RecordEventsResponse,
};
use proto::google::api::HttpBody;
use proto::response::v1::ListModelsRequest;
use proto::response::v1::open_ai_service_server::{OpenAiService, OpenAiServiceServer};
use tokio::net::UnixListener;
use tokio_stream::wrappers::{ReceiverStream, UnixListenerStream};
use tokio_stream::{Stream, StreamExt};
use tonic::metadata::MetadataMap;
use tonic::transport::Server;
use tonic::{Code, Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::authorization::AuthorizationServer;

pub const CHUNK_EVERY: Duration = Duration::from_millis(150);

/// auth, audit and response; the others are down.
pub async fn start(plan: &Plan) {
    for service in ["auth", "audit", "response"] {
        let socket = UnixListener::bind(plan.inbound_socket(service)).unwrap();
        let (reporter, health) = tonic_health::server::health_reporter();
        reporter.set_service_status("", tonic_health::ServingStatus::Serving).await;
        let router = Server::builder().add_service(health);
        let router = match service {
            "auth" => router.add_service(AuthorizationServer),
            "audit" => router
                .add_service(LogServiceServer::new(Audit))
                .add_service(IngestServiceServer::new(Audit)),
            _ => router.add_service(
                OpenAiServiceServer::new(Responder).max_decoding_message_size(32 << 20),
            ),
        };
        tokio::spawn(router.serve_with_incoming(UnixListenerStream::new(socket)));
    }
}

/// The headers that matter, a line each, sorted.
fn seen(metadata: &MetadataMap) -> String {
    let mut lines: Vec<String> = metadata
        .clone()
        .into_headers()
        .iter()
        .map(|(name, value)| format!("{name}={}", value.to_str().unwrap_or("?")))
        .collect();
    lines.sort();
    lines.join("\n")
}

fn plain(text: String) -> HttpBody {
    HttpBody { content_type: "text/plain".into(), data: text.into(), extensions: Vec::new() }
}

struct Audit;

#[tonic::async_trait]
impl LogService for Audit {
    async fn get_checkpoint(
        &self,
        request: Request<GetCheckpointRequest>,
    ) -> Result<Response<HttpBody>, Status> {
        Ok(Response::new(plain(seen(request.metadata()))))
    }

    async fn get_log_key(
        &self,
        _request: Request<GetLogKeyRequest>,
    ) -> Result<Response<HttpBody>, Status> {
        Ok(Response::new(plain("key".into())))
    }

    async fn get_tile(
        &self,
        request: Request<GetTileRequest>,
    ) -> Result<Response<HttpBody>, Status> {
        Ok(Response::new(plain(format!("tile {}", request.into_inner().path))))
    }
}

#[tonic::async_trait]
impl IngestService for Audit {
    async fn record_events(
        &self,
        request: Request<RecordEventsRequest>,
    ) -> Result<Response<RecordEventsResponse>, Status> {
        let mut response = Response::new(RecordEventsResponse { recorded: 1 });
        let peer = request.metadata().get("x-forwarded-client-cert").unwrap();
        response.metadata_mut().insert("seen-peer", peer.clone());
        Ok(response)
    }
}

struct Responder;

type Chunks = Pin<Box<dyn Stream<Item = Result<HttpBody, Status>> + Send>>;

#[tonic::async_trait]
impl OpenAiService for Responder {
    type CreateChatCompletionStream = Chunks;

    async fn create_chat_completion(
        &self,
        request: Request<HttpBody>,
    ) -> Result<Response<Chunks>, Status> {
        let body = request.into_inner().data;
        let (sender, receiver) = tokio::sync::mpsc::channel(4);
        tokio::spawn(async move {
            for number in 0..4 {
                let data = format!("data: {number} of {}\n\n", body.len());
                let chunk = HttpBody {
                    content_type: "text/event-stream".into(),
                    data: data.into(),
                    extensions: Vec::new(),
                };
                if sender.send(Ok(chunk)).await.is_err() {
                    return;
                }
                tokio::time::sleep(CHUNK_EVERY).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(receiver).map(|chunk| chunk))))
    }

    async fn list_models(
        &self,
        _request: Request<ListModelsRequest>,
    ) -> Result<Response<HttpBody>, Status> {
        let mut details = ErrorDetails::new();
        details.set_error_info("MODEL_UNKNOWN", "signet.dev", [] as [(String, String); 0]);
        details.add_bad_request_violation("model.name", "must be \"known\"");
        Err(Status::with_error_details(Code::InvalidArgument, "The \"model\" is unknown.", details))
    }
}
