//! When the mesh is ready: as soon as it answers from outside, and not before.

use std::future::Future;
use std::path::Path;
use std::time::Duration;

use kernel::{Fault, Result};
use mesh::Plan;
use proto::audit::v1::GetLogKeyRequest;
use proto::audit::v1::log_service_client::LogServiceClient;
use proto::auth::v1::GetTokenKeysRequest;
use proto::auth::v1::token_key_service_client::TokenKeyServiceClient;
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::{READY_WITHIN, ended_early};

const PAUSE: Duration = Duration::from_millis(10);

/// Waits for the state given; a service that ends meanwhile is the reason.
pub async fn until(
    state: impl Future<Output = ()>,
    running: &mut JoinSet<Result<()>>,
) -> Result<()> {
    let late = || Fault::internal("the mesh did not start in time; see signet.log");
    tokio::select! {
        () = state => Ok(()),
        ended = running.join_next() => Err(ended_early(ended)),
        () = tokio::time::sleep(READY_WITHIN) => Err(late()),
    }
}

/// Every service listens on its socket.
pub async fn listening(plan: &Plan) {
    for service in mesh::SERVICES {
        while UnixStream::connect(plan.inbound_socket(service)).await.is_err() {
            tokio::time::sleep(PAUSE).await;
        }
    }
}

/// Every service says that it serves, and the edge brings answers from those that
/// anybody may ask: auth is the last, since it needs envelope for its key.
pub async fn answering(plan: &Plan) {
    for service in mesh::SERVICES {
        while !serves(&plan.inbound_socket(service)).await {
            tokio::time::sleep(PAUSE).await;
        }
    }
    while !edge_answers(plan.edge.http_port).await {
        tokio::time::sleep(PAUSE).await;
    }
}

async fn serves(socket: &Path) -> bool {
    let Some(channel) = connect(format!("unix://{}", socket.display())).await else { return false };
    let answer = HealthClient::new(channel).check(HealthCheckRequest::default()).await;
    answer.is_ok_and(|answer| answer.into_inner().status() == ServingStatus::Serving)
}

async fn edge_answers(port: u16) -> bool {
    let Some(channel) = connect(format!("http://127.0.0.1:{port}")).await else { return false };
    let keys =
        TokenKeyServiceClient::new(channel.clone()).get_token_keys(GetTokenKeysRequest {}).await;
    let log = LogServiceClient::new(channel).get_log_key(GetLogKeyRequest {}).await;
    keys.is_ok() && log.is_ok()
}

async fn connect(address: String) -> Option<Channel> {
    Endpoint::from_shared(address).ok()?.connect().await.ok()
}
