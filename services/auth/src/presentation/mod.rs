//! The gRPC services: parse, call a use case, answer.

mod auth_service;
mod authorization_service;
mod shape;
mod token_key_service;

pub use auth_service::AuthApi;
pub use authorization_service::{AuthorizationApi, CHECK};
pub use token_key_service::TokenKeyApi;

/// Envoy's external authorization.
#[allow(
    unreachable_pub,
    unused_qualifications,
    clippy::all,
    clippy::too_many_lines,
    reason = "generated"
)]
pub mod ext_authz {
    tonic::include_proto!("envoy.service.auth.v3");
}
