//! The server of Envoy's one method. tonic's generator would write four times as
//! much for it, longer than our functions may be.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

use super::authorization_service::{AuthorizationApi, CHECK};
use super::ext_authz::{CheckRequest, CheckResponse};

#[derive(Clone)]
pub struct AuthorizationServer(Arc<AuthorizationApi>);

impl AuthorizationServer {
    pub fn new(api: AuthorizationApi) -> Self {
        Self(Arc::new(api))
    }
}

impl NamedService for AuthorizationServer {
    const NAME: &'static str = "envoy.service.auth.v3.Authorization";
}

impl UnaryService<CheckRequest> for AuthorizationServer {
    type Response = CheckResponse;
    type Future = BoxFuture<Response<CheckResponse>, Status>;

    fn call(&mut self, request: Request<CheckRequest>) -> Self::Future {
        let api = Arc::clone(&self.0);
        Box::pin(async move { api.check(request).await })
    }
}

impl Service<http::Request<Body>> for AuthorizationServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let method = self.clone();
        Box::pin(async move {
            if CHECK.iter().all(|rule| rule.path != request.uri().path()) {
                return Ok(Status::unimplemented("").into_http());
            }
            Ok(Grpc::new(ProstCodec::default()).unary(method, request).await)
        })
    }
}
