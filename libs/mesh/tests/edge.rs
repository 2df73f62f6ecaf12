//! The edge as the world meets it: a real Envoy with small services behind it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod common;

use std::time::{Duration, Instant};

use common::TestMesh;
use common::services::CHUNK_EVERY;
use mesh::Address;
use proto::audit::v1::GetCheckpointRequest;
use proto::audit::v1::log_service_client::LogServiceClient;
use proto::response::v1::ListModelsRequest;
use proto::response::v1::open_ai_service_client::OpenAiServiceClient;
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use tonic::{Code, Request};

/// An error's body, with what differs from run to run checked and taken out.
fn error_of(body: &str) -> Value {
    let mut body: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("no JSON: {body}"));
    let error = body["error"].as_object_mut().unwrap();
    let time = error.remove("timestamp").unwrap();
    chrono::DateTime::parse_from_rfc3339(time.as_str().unwrap()).unwrap();
    let id = error.remove("requestId").unwrap();
    assert_eq!(id.as_str().unwrap().len(), 36, "{id}");
    body
}

fn error(code: &str, reason: &str, message: &str) -> Value {
    let info = json!({
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": reason,
        "domain": "signet.dev",
    });
    json!({"error": {"code": code, "message": message, "details": [info]}})
}

fn lines(text: &str) -> Vec<&str> {
    text.lines().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_credential_is_swapped_and_nothing_internal_comes_from_outside() {
    let mesh = TestMesh::start(None).await;
    let client = Client::new();
    let answer = client
        .get(mesh.url("/log/checkpoint"))
        .header("authorization", "Bearer good")
        .header("x-signet-token", "forged")
        .header("X-Signet-Role", "admin")
        .header("x-forwarded-client-cert", "URI=spiffe://signet.dev/storage")
        .header("cookie", "a=b")
        .header("x-request-id", "mine")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/plain");
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let text = answer.text().await.unwrap();
    let seen = lines(&text);
    assert!(seen.contains(&"x-signet-token=token-of-user-1"), "{text}");
    assert!(seen.contains(&format!("x-request-id={id}").as_str()), "{text}");
    assert!(seen.iter().any(|line| line.ends_with(";URI=spiffe://signet.dev/edge")), "{text}");
    for absent in ["forged", "x-signet-role", "storage", "authorization=", "=mine"] {
        assert!(!text.to_lowercase().contains(absent), "{absent}: {text}");
    }

    let mut grpc = LogServiceClient::new(mesh.edge().await);
    let mut request = Request::new(GetCheckpointRequest {});
    request.metadata_mut().insert("authorization", "Bearer good".parse().unwrap());
    request.metadata_mut().insert("x-signet-token", "forged".parse().unwrap());
    let body = grpc.get_checkpoint(request).await.unwrap().into_inner();
    let text = String::from_utf8(body.data.to_vec()).unwrap();
    assert!(lines(&text).contains(&"x-signet-token=token-of-user-1"), "{text}");

    // An RPC that is open to all gets no token, not even one that was sent.
    let open = client.get(mesh.url("/log/checkpoint")).header("x-signet-token", "forged");
    let text = open.send().await.unwrap().text().await.unwrap();
    assert!(!text.contains("x-signet-token"), "{text}");
    let tile = client.get(mesh.url("/log/tile/0/x001/067")).send().await.unwrap();
    assert_eq!(tile.text().await.unwrap(), "tile 0/x001/067");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_credential_no_entry() {
    let mesh = TestMesh::start(None).await;
    for credential in [None, Some("Bearer bad")] {
        let mut request = Client::new().get(mesh.url("/v1/models"));
        if let Some(credential) = credential {
            request = request.header("authorization", credential);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), 401);
        let expected = error("UNAUTHENTICATED", "CREDENTIAL_MISSING", "A credential is required.");
        assert_eq!(error_of(&answer.text().await.unwrap()), expected);
    }
    let mut grpc = OpenAiServiceClient::new(mesh.edge().await);
    let refused = grpc.list_models(ListModelsRequest {}).await.map(drop).unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert_eq!(refused.message(), "CREDENTIAL_MISSING: A credential is required.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_error_has_the_same_body() {
    let mesh = TestMesh::start(None).await;
    let client = Client::new();
    let get = |path: &str| client.get(mesh.url(path)).header("authorization", "Bearer good");

    let answer = get("/v1/models").send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let body = error_of(&answer.text().await.unwrap());
    assert_eq!(body["error"]["code"], "INVALID_ARGUMENT");
    assert_eq!(body["error"]["message"], "The \"model\" is unknown.");
    assert_eq!(body["error"]["details"][0]["reason"], "MODEL_UNKNOWN");
    assert_eq!(body["error"]["details"][1]["fieldViolations"][0]["field"], "model.name");

    let answer = get("/v1/nothing").send().await.unwrap();
    assert_eq!(answer.status(), 404);
    let nowhere = error("NOT_FOUND", "PATH_UNKNOWN", "There is nothing at this path.");
    assert_eq!(error_of(&answer.text().await.unwrap()), nowhere);

    // A service that is down: quickly, and without Envoy's words about why.
    let started = Instant::now();
    let answer = get("/v1/prompts").send().await.unwrap();
    assert_eq!(answer.status(), 503);
    let message = "Something that this service needs is not available.";
    let expected = error("UNAVAILABLE", "DEPENDENCY_UNAVAILABLE", message);
    assert_eq!(error_of(&answer.text().await.unwrap()), expected);
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_read_is_refused_by_field_and_never_quoted() {
    let mesh = TestMesh::start(None).await;
    let client = Client::new();
    let log_in = |body: &'static str| {
        let request = client.post(mesh.url("/v1/auth:logIn"));
        request.header("content-type", "application/json").body(body)
    };
    let get = |path: &str| client.get(mesh.url(path));
    for (request, field) in [
        (log_in("{\"tenant\": [\"CANARY\"]}"), None),
        (log_in("{\"tenant\": {\"CANARY\": 1}}"), Some("tenant")),
        (log_in("{\"tenant\": 5, \"password\": \"CANARY\"}"), Some("tenant")),
        (log_in("{\"tenant\": \"CANARY"), None),
        (log_in("CANARY"), None),
        (get("/v1/events?page_size=CANARY"), Some("page_size")),
        (get("/v1/events?unknown=CANARY"), Some("unknown")),
    ] {
        let request = request.build().unwrap();
        let what = format!("{request:?}");
        let answer = client.execute(request).await.unwrap();
        assert_eq!(answer.status(), 400, "{what}");
        let body = answer.text().await.unwrap();
        assert!(!body.contains("CANARY"), "{what}: {body}");
        let mut expected =
            error("INVALID_ARGUMENT", "MALFORMED_REQUEST", "The request is malformed.");
        if let Some(field) = field {
            expected =
                error("INVALID_ARGUMENT", "INVALID_FIELD", "The request has an invalid field.");
            expected["error"]["details"].as_array_mut().unwrap().push(json!({
                "@type": "type.googleapis.com/google.rpc.BadRequest",
                "fieldViolations": [{
                    "field": field,
                    "description": "is unknown, or has the wrong type or form",
                }],
            }));
        }
        assert_eq!(error_of(&body), expected, "{what}");
    }
    // Refused before it has an id, and before any filter.
    let answer = get("/v1/keys/%2FCANARY").send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let body = answer.text().await.unwrap();
    assert!(body.contains("MALFORMED_REQUEST") && !body.contains("CANARY"), "{body}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_between_services_is_not_at_the_edge() {
    let mesh = TestMesh::start(None).await;
    let mut grpc =
        proto::audit::v1::ingest_service_client::IngestServiceClient::new(mesh.edge().await);
    let mut request = Request::new(proto::audit::v1::RecordEventsRequest { events: Vec::new() });
    request.metadata_mut().insert("authorization", "Bearer good".parse().unwrap());
    let refused = grpc.record_events(request).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unimplemented, "{refused}");
    for path in ["/signet.audit.v1.IngestService/RecordEvents", "/grpc.health.v1.Health/Check"] {
        let answer = Client::new().post(mesh.url(path)).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{path}");
    }
    let health = Client::new().get(mesh.url("/healthz")).send().await.unwrap();
    assert_eq!((health.status(), health.text().await.unwrap().as_str()), (StatusCode::OK, "ok\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chunks_arrive_as_they_are_made() {
    let mesh = TestMesh::start(None).await;
    let mut answer = Client::new()
        .post(mesh.url("/v1/chat/completions"))
        .header("authorization", "Bearer good")
        .header("content-type", "application/json")
        .header("accept-encoding", "gzip, br")
        .body("{}")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let started = Instant::now();
    let first = answer.chunk().await.unwrap().unwrap();
    assert_eq!(first, "data: 0 of 2\n\n");
    assert!(started.elapsed() < CHUNK_EVERY);
    let mut rest = String::new();
    while let Some(chunk) = answer.chunk().await.unwrap() {
        rest.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    assert!(started.elapsed() > CHUNK_EVERY * 2);
    assert!(rest.ends_with("data: 3 of 2\n\n"), "{rest}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_mebibytes_are_enough() {
    let mesh = TestMesh::start(None).await;
    let post = |size: usize| {
        Client::new()
            .post(mesh.url("/v1/chat/completions"))
            .header("authorization", "Bearer good")
            .header("content-type", "application/json")
            .body(vec![b'x'; size])
            .send()
    };
    let answer = post((8 << 20) - 1024).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert!(answer.text().await.unwrap().contains(&format!("of {}", (8 << 20) - 1024)));
    let answer = post((8 << 20) + 1024).await.unwrap();
    assert_eq!(answer.status(), 413);
    let expected =
        error("RESOURCE_EXHAUSTED", "MESSAGE_TOO_LARGE", "The message is larger than allowed.");
    assert_eq!(error_of(&answer.text().await.unwrap()), expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_has_a_thousand_requests_a_minute() {
    let mesh = TestMesh::start(None).await;
    let client = Client::new();
    let get = |bearer: &'static str| {
        let request = client.get(mesh.url("/log/checkpoint")).header("authorization", bearer);
        async move { request.send().await.unwrap() }
    };
    let mut refused = None;
    // The bucket refills while it is emptied, so a few more than 1,000.
    for _ in 0..1_400 {
        let answer = get("Bearer good").await;
        if answer.status() != 200 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.expect("no limit");
    assert_eq!(refused.status(), 429);
    assert_eq!(error_of(&refused.text().await.unwrap())["error"]["code"], "RESOURCE_EXHAUSTED");
    assert_eq!(get("Bearer other").await.status(), 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_1_3_and_browsers_of_other_origins_stay_out() {
    let mesh = TestMesh::start(None).await;
    let ca = std::fs::read(mesh.plan.certificates.join("ca.crt")).unwrap();
    let client = Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&ca).unwrap()])
        .build()
        .unwrap();
    let url = format!("https://localhost:{}/healthz", mesh.plan.edge.tls.port);
    let answer = client.get(&url).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let old = Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(&ca).unwrap()])
        .tls_version_max(reqwest::tls::Version::TLS_1_2)
        .build()
        .unwrap();
    assert!(old.get(&url).send().await.is_err(), "TLS 1.2 must be refused");

    for (origin, allowed) in [("http://localhost:5173", true), ("https://evil.example", false)] {
        let preflight = client
            .request(reqwest::Method::OPTIONS, mesh.url("/v1/models"))
            .header("origin", origin)
            .header("access-control-request-method", "GET")
            .send()
            .await
            .unwrap();
        let answered = preflight.headers().contains_key("access-control-allow-origin");
        assert_eq!(answered, allowed, "{origin}: {preflight:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_is_one_trace() {
    let jaeger = testkit::jaeger().unwrap();
    let address = jaeger.otlp_address();
    let otlp = Address::new(address.ip().to_string(), address.port());
    let mesh = TestMesh::start(Some(otlp)).await;
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let get = |path: &str| {
        Client::new()
            .get(mesh.url(path))
            .header("authorization", "Bearer good")
            .header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"))
    };
    // Refused at the edge; answered by the audit service, which has no such RPC
    // here; answered.
    assert_eq!(get("/v1/events?secret=1").send().await.unwrap().status(), 400);
    assert_eq!(get("/v1/events?subject=secret").send().await.unwrap().status(), 501);
    let answer = get("/log/checkpoint").send().await.unwrap();
    assert!(answer.text().await.unwrap().contains(&format!("traceparent=00-{trace}-")));
    let deadline = Instant::now() + Duration::from_secs(30);
    let found = loop {
        let found = jaeger.trace(trace).unwrap().unwrap_or_default();
        let everywhere = ["\"edge\"", "\"audit-sidecar\"", "/log/checkpoint"];
        if everywhere.iter().all(|part| found.contains(part))
            && found.matches("/v1/events").count() > 1
        {
            break found;
        }
        assert!(Instant::now() < deadline, "no whole trace: {found}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert!(!found.contains("secret"), "{found}");

    let log = std::fs::read_to_string(mesh.plan.sockets.join("access.log")).unwrap();
    assert!(!log.contains("secret"), "{log}");
}
