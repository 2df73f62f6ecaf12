use std::sync::Arc;

use kernel::Result;
use proto::auth::v1::GetTokenKeysRequest;
use proto::auth::v1::token_key_service_server::TokenKeyService;
use proto::google::api::HttpBody;
use tonic::{Request, Response, Status};

use crate::application::token_keys::LocalKeys;

pub struct TokenKeyApi {
    pub keys: Arc<LocalKeys>,
}

impl TokenKeyApi {
    async fn token_keys(&self) -> Result<HttpBody> {
        Ok(HttpBody {
            content_type: "application/jwk-set+json".to_owned(),
            data: self.keys.jwk_set().await?.into(),
            extensions: Vec::new(),
        })
    }
}

#[tonic::async_trait]
impl TokenKeyService for TokenKeyApi {
    async fn get_token_keys(
        &self,
        request: Request<GetTokenKeysRequest>,
    ) -> Result<Response<HttpBody>, Status> {
        rpc::unary(request, |_, _| self.token_keys()).await
    }
}
