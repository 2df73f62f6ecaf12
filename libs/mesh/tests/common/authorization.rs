//! Envoy's external authorization service, as far as these tests need it: the
//! bearer `good` is a user, LogService is open to all, everybody else is
//! nobody.

use std::convert::Infallible;
use std::task::{Context, Poll};

use tonic::body::Body;
use tonic::codegen::{BoxFuture, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;

#[derive(Clone, PartialEq, prost::Message)]
pub struct CheckRequest {
    #[prost(message, optional, tag = "1")]
    attributes: Option<Attributes>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Attributes {
    #[prost(message, optional, tag = "4")]
    request: Option<AttributesRequest>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct AttributesRequest {
    #[prost(message, optional, tag = "2")]
    http: Option<HttpRequest>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct HttpRequest {
    #[prost(map = "string, string", tag = "3")]
    headers: std::collections::HashMap<String, String>,
    #[prost(string, tag = "4")]
    path: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct CheckResponse {
    #[prost(message, optional, tag = "1")]
    status: Option<proto::google::rpc::Status>,
    #[prost(message, optional, tag = "2")]
    denied: Option<Denied>,
    #[prost(message, optional, tag = "3")]
    allowed: Option<Allowed>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Denied {
    #[prost(message, optional, tag = "1")]
    status: Option<HttpStatus>,
    #[prost(string, tag = "3")]
    body: String,
}

#[derive(Clone, PartialEq, prost::Message)]
struct HttpStatus {
    #[prost(int32, tag = "1")]
    code: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Allowed {
    #[prost(message, repeated, tag = "2")]
    headers: Vec<HeaderOption>,
    #[prost(string, repeated, tag = "5")]
    headers_to_remove: Vec<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct HeaderOption {
    #[prost(message, optional, tag = "1")]
    header: Option<Header>,
    #[prost(int32, tag = "3")]
    append_action: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Header {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

const OVERWRITE_IF_EXISTS_OR_ADD: i32 = 2;

fn decide(request: CheckRequest) -> CheckResponse {
    let http = request.attributes.and_then(|all| all.request).and_then(|request| request.http);
    let http = http.unwrap_or_default();
    // Only what auth needs to see reaches it.
    assert!(!http.headers.contains_key("cookie"), "{:?}", http.headers.keys());
    let credential = http.headers.get("authorization").map(String::as_str);
    let user = match credential {
        Some("Bearer good") => Some("user-1"),
        Some("Bearer other") => Some("user-2"),
        _ => None,
    };
    let open = http.path.starts_with("/signet.audit.v1.LogService/");
    if user.is_none() && !open {
        return CheckResponse {
            status: Some(proto::google::rpc::Status { code: 16, ..Default::default() }),
            denied: Some(Denied {
                status: Some(HttpStatus { code: 401 }),
                body: "CREDENTIAL_MISSING: A credential is required.".into(),
            }),
            allowed: None,
        };
    }
    let header = |key: &str, value: String| HeaderOption {
        header: Some(Header { key: key.into(), value }),
        append_action: OVERWRITE_IF_EXISTS_OR_ADD,
    };
    let user = user.unwrap_or_default();
    CheckResponse {
        status: Some(proto::google::rpc::Status::default()),
        denied: None,
        allowed: Some(Allowed {
            headers: if user.is_empty() {
                Vec::new()
            } else {
                vec![
                    header("x-signet-token", format!("token-of-{user}")),
                    header("x-signet-user", user.into()),
                ]
            },
            headers_to_remove: vec!["authorization".into()],
        }),
    }
}

#[derive(Clone)]
pub struct AuthorizationServer;

impl NamedService for AuthorizationServer {
    const NAME: &'static str = "envoy.service.auth.v3.Authorization";
}

impl UnaryService<CheckRequest> for AuthorizationServer {
    type Response = CheckResponse;
    type Future = BoxFuture<Response<CheckResponse>, Status>;

    fn call(&mut self, request: Request<CheckRequest>) -> Self::Future {
        Box::pin(async move { Ok(Response::new(decide(request.into_inner()))) })
    }
}

impl tower::Service<http::Request<Body>> for AuthorizationServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Infallible>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = Grpc::new(ProstCodec::default());
            Ok(grpc.unary(Self, request).await)
        })
    }
}
