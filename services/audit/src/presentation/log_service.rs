use std::sync::Arc;

use kernel::{Fault, Result};
use proto::audit::v1::log_service_server::LogService;
use proto::audit::v1::{GetCheckpointRequest, GetLogKeyRequest, GetTileRequest};
use proto::google::api::HttpBody;
use tonic::{Request, Response, Status};

use crate::application::ports::Log;

pub struct LogApi {
    pub log: Arc<dyn Log>,
}

fn body(content_type: &str, data: impl Into<Vec<u8>>) -> HttpBody {
    HttpBody {
        content_type: content_type.to_owned(),
        data: data.into().into(),
        extensions: Vec::new(),
    }
}

impl LogApi {
    async fn tile(&self, path: &str) -> Result<HttpBody> {
        let tile = self.log.tile(path).await?.ok_or_else(Fault::not_found)?;
        Ok(body("application/octet-stream", tile))
    }
}

#[tonic::async_trait]
impl LogService for LogApi {
    async fn get_checkpoint(
        &self,
        request: Request<GetCheckpointRequest>,
    ) -> Result<Response<HttpBody>, Status> {
        rpc::unary(request, |_, _| async {
            Ok(body("text/plain; charset=utf-8", self.log.head().note))
        })
        .await
    }

    async fn get_log_key(
        &self,
        request: Request<GetLogKeyRequest>,
    ) -> Result<Response<HttpBody>, Status> {
        let key = format!("{}\n", self.log.key());
        rpc::unary(request, |_, _| async { Ok(body("text/plain; charset=utf-8", key)) }).await
    }

    async fn get_tile(
        &self,
        request: Request<GetTileRequest>,
    ) -> Result<Response<HttpBody>, Status> {
        rpc::unary(request, |_, message| async move { self.tile(&message.path).await }).await
    }
}
