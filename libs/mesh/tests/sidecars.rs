//! Between services: who gets through the sidecars of a real Envoy, and who
//! does not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod common;

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use common::TestMesh;
use kernel::SystemClock;
use mesh::certificates;
use proto::audit::v1::RecordEventsRequest;
use proto::audit::v1::ingest_service_client::IngestServiceClient;
use proto::storage::v1::GetPromptRequest;
use proto::storage::v1::prompt_service_client::PromptServiceClient;
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity};
use tonic::{Code, Response, Status};

async fn record(channel: Channel) -> Result<Response<()>, Status> {
    let request = RecordEventsRequest { events: Vec::new() };
    let response = IngestServiceClient::new(channel).record_events(request).await?;
    Ok(response.map(drop))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_reaches_its_peer_and_the_peer_knows_who_it_is() {
    let mesh = TestMesh::start(None).await;
    for service in ["storage", "response"] {
        let answer = record(mesh.outbound(service).await).await.unwrap();
        let peer = answer.metadata().get("seen-peer").unwrap().to_str().unwrap();
        assert!(peer.ends_with(&format!(";URI=spiffe://signet.dev/{service}")), "{peer}");
        assert_eq!(peer.matches("URI=").count(), 1, "{peer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_outside_the_graph_ends_at_the_callers_own_sidecar() {
    let mesh = TestMesh::start(None).await;
    let mut audit = PromptServiceClient::new(mesh.outbound("audit").await);
    let refused = audit.get_prompt(GetPromptRequest::default()).await.map(drop).unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented);
    assert_eq!(refused.message(), "There is no such RPC.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_peer_that_is_down_is_unavailable_at_once_and_without_details() {
    let mesh = TestMesh::start(None).await;
    let started = Instant::now();
    let mut response = PromptServiceClient::new(mesh.outbound("response").await);
    let refused = response.get_prompt(GetPromptRequest::default()).await.map(drop).unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
    assert_eq!(refused.message(), "Something that this service needs is not available.");
    assert!(started.elapsed() < Duration::from_secs(2));
}

/// Straight to a service's sidecar, with the certificate of another part.
async fn as_part(
    mesh: &TestMesh,
    to: &str,
    certs: &Path,
    name: Option<&str>,
) -> Result<Channel, String> {
    let file = |name: String| fs::read(certs.join(name)).unwrap();
    let ca = fs::read(mesh.plan.certificates.join("ca.crt")).unwrap();
    let mut tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(ca))
        .domain_name(format!("{to}.signet.internal"));
    if let Some(name) = name {
        let (crt, key) = (file(format!("{name}.crt")), file(format!("{name}.key")));
        tls = tls.identity(Identity::from_pem(crt, key));
    }
    let endpoint = Endpoint::from_shared(format!("https://{}", mesh.plan.services[to])).unwrap();
    endpoint.tls_config(tls).unwrap().connect().await.map_err(|error| format!("{error:?}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_wrong_certificate_does_not_get_in() {
    let mesh = TestMesh::start(None).await;
    let own = mesh.plan.certificates.clone();

    let storage = as_part(&mesh, "audit", &own, Some("storage")).await.unwrap();
    assert!(record(storage).await.is_ok());

    // Of the mesh, but not a caller of this service.
    let audit = as_part(&mesh, "auth", &own, Some("audit")).await.unwrap();
    let mut auth = proto::auth::v1::auth_service_client::AuthServiceClient::new(audit.clone());
    let refused = auth.who_am_i(proto::auth::v1::WhoAmIRequest {}).await.map(drop).unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert_eq!(refused.message(), "The caller may not do this.");
    // The token keys are for every part; this small auth does not serve them.
    let mut keys = proto::auth::v1::token_key_service_client::TokenKeyServiceClient::new(audit);
    let answer = keys.get_token_keys(proto::auth::v1::GetTokenKeysRequest {}).await;
    assert_eq!(answer.map(drop).unwrap_err().code(), Code::Unimplemented);

    // Of the same name from another authority; without an id of the mesh; none.
    let foreign = tempfile::tempdir().unwrap();
    certificates::ensure(foreign.path(), &SystemClock).unwrap();
    for (certs, name) in [
        (foreign.path(), Some("storage")),
        (own.as_path(), Some(certificates::PUBLIC)),
        (own.as_path(), None),
    ] {
        // With TLS 1.3 the refusal may come with the first answer.
        let refused = match as_part(&mesh, "audit", certs, name).await {
            Err(_) => true,
            Ok(channel) => record(channel).await.is_err_and(|status| {
                status.code() != Code::PermissionDenied && status.code() != Code::Unimplemented
            }),
        };
        assert!(refused, "{name:?}");
    }
}
