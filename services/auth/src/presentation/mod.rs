//! The gRPC services: parse, call a use case, answer.

mod auth_service;
mod authorization_server;
mod authorization_service;
mod shape;
mod token_key_service;

pub use auth_service::AuthApi;
pub use authorization_server::AuthorizationServer;
pub use authorization_service::{AuthorizationApi, CHECK};
pub use token_key_service::TokenKeyApi;

/// The messages of Envoy's external authorization.
#[allow(unreachable_pub, unused_qualifications, clippy::all, reason = "generated")]
pub mod ext_authz {
    tonic::include_proto!("envoy.service.auth.v3");
}
