//! What the OpenAI SDKs get.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod common;

use std::sync::Arc;

use boot::Service as _;
use futures::StreamExt as _;
use kernel::{Fault, Result};
use proto::google::api::HttpBody;
use proto::response::v1::ListModelsRequest;
use proto::response::v1::open_ai_service_server::OpenAiService as _;
use reasons::response::PROVIDER_CUT;
use response::application::ports::Provider;
use response::infrastructure::provider::Echo;
use response::presentation::OpenAiApi;
use serde_json::{Value, json};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use common::{Scripted, TEXT, content, cx, letters, set};

async fn api(provider: Scripted) -> OpenAiApi {
    let db = db::testing::sqlite(response::Response::migrations()).await;
    let mut exchange = set(&db, provider).exchange;
    exchange.providers.0.insert(0, Arc::new(Echo) as Arc<dyn Provider>);
    OpenAiApi { exchange, default_model: "m".to_owned() }
}

fn request<M>(method: &str, message: M) -> Request<M> {
    let mut request = Request::new(message);
    request.extensions_mut().insert(cx(method));
    request
}

async fn post(api: &OpenAiApi, body: &str) -> Result<Vec<Result<HttpBody, Status>>, Status> {
    let message = HttpBody { data: body.to_owned().into(), ..HttpBody::default() };
    let answer = api.create_chat_completion(request("CreateChatCompletion", message)).await?;
    Ok(answer.into_inner().collect().await)
}

fn body(stream: bool, model: &str) -> String {
    json!({ "model": model, "stream": stream, "messages": [{ "role": "user", "content": TEXT }] })
        .to_string()
}

/// The data of the events.
fn data(parts: &[Result<HttpBody, Status>]) -> Vec<String> {
    let parts = parts.iter().filter_map(|part| part.as_ref().ok());
    let text = |part: &HttpBody| {
        assert_eq!(part.content_type, "text/event-stream");
        let text = String::from_utf8(part.data.to_vec()).unwrap();
        text.strip_prefix("data: ").unwrap().strip_suffix("\n\n").unwrap().to_owned()
    };
    parts.map(text).collect()
}

#[tokio::test]
async fn json_or_events_as_asked() {
    let api = api(Scripted::default()).await;
    for model in ["m", "echo"] {
        let whole = post(&api, &body(false, model)).await.unwrap();
        assert_eq!(whole.len(), 1);
        let whole = whole[0].as_ref().unwrap();
        assert_eq!(whole.content_type, "application/json");
        let answer: Value = serde_json::from_slice(&whole.data).unwrap();
        assert!(answer["choices"][0]["message"]["content"].as_str().unwrap().contains(TEXT));

        let mut events = data(&post(&api, &body(true, model)).await.unwrap());
        assert_eq!(events.pop().unwrap(), "[DONE]");
        let chunks: Vec<Value> =
            events.iter().map(|event| serde_json::from_str(event).unwrap()).collect();
        assert!(content(&chunks, 0).contains(TEXT));
        assert!(chunks.last().unwrap()["signet"].is_object());
    }
}

#[tokio::test]
async fn a_broken_stream_ends_with_an_error_that_sdks_know() {
    let chunks = Box::new(|said: &str| {
        let mut chunks = letters(said);
        chunks.truncate(5);
        chunks.push(Err(Fault::new(&PROVIDER_CUT).with_note("secret note")));
        chunks
    });
    let parts =
        post(&api(Scripted { chunks, ..Scripted::default() }).await, &body(true, "m")).await;
    let parts = parts.unwrap();
    assert_eq!(parts.last().unwrap().as_ref().err().unwrap().code(), Code::Unavailable);
    let events = data(&parts);
    let error: Value = serde_json::from_str(events.last().unwrap()).unwrap();
    assert_eq!(error["error"]["code"], "PROVIDER_CUT");
    assert!(error["error"]["message"].is_string());
    assert!(!events.iter().any(|event| event == "[DONE]" || event.contains("secret")));
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let api = api(Scripted::default()).await;
    let unknown = post(&api, &body(false, "gpt-9")).await.err().unwrap();
    assert_eq!(unknown.code(), Code::NotFound);
    assert_eq!(unknown.get_error_details().error_info().unwrap().reason, "MODEL_UNKNOWN");
    for (text, field) in [
        (String::new(), "body"),
        ("{".to_owned(), "body"),
        ("[]".to_owned(), "body"),
        (" ".repeat(4 * 1024 * 1024 + 1), "body"),
        (r#"{"model":1}"#.to_owned(), "model"),
        (r#"{"stream":"yes"}"#.to_owned(), "stream"),
        ("[".repeat(100_000), "body"),
    ] {
        let refused = post(&api, &text).await.err().unwrap();
        let details = refused.get_error_details();
        assert_eq!(details.bad_request().unwrap().field_violations[0].field, field);
    }
}

#[tokio::test]
async fn models_are_listed_once_with_who_has_them() {
    let mut api = api(Scripted::default()).await;
    api.exchange.providers.0.push(Arc::new(Scripted::default()) as Arc<dyn Provider>);
    let list = api.list_models(request("ListModels", ListModelsRequest {})).await.unwrap();
    let list: Value = serde_json::from_slice(&list.into_inner().data).unwrap();
    assert_eq!(list["object"], "list");
    let models: Vec<(&str, &str)> = (list["data"].as_array().unwrap().iter())
        .map(|model| (model["id"].as_str().unwrap(), model["owned_by"].as_str().unwrap()))
        .collect();
    assert_eq!(models, [("echo", "echo"), ("m", "scripted")]);
}
