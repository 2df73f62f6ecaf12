//! The provider client against a server on the loopback that does as it is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::TryStreamExt as _;
use kernel::{Fault, Result, Secret};
use pii::Mapping;
use response::OpenAiSettings;
use response::application::ports::{Provider as _, Sanitized};
use response::infrastructure::provider::OpenAi;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

const OK_JSON: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
const OK_EVENTS: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nconnection: close\r\n\r\n";

/// A piece of an answer.
#[derive(Clone)]
enum Step {
    Say(String),
    /// Without an end.
    Flood(&'static str),
    Hang,
}

fn say(text: impl Into<String>) -> Step {
    Step::Say(text.into())
}

struct Server {
    base_url: String,
    requests: Arc<Mutex<Vec<String>>>,
}

/// Answers every request with the same steps, then closes.
async fn server(steps: Vec<Step>) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}/v1/", listener.local_addr().unwrap());
    let requests: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&requests);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let (steps, seen) = (steps.clone(), Arc::clone(&seen));
            tokio::spawn(async move {
                let request = read(&mut socket).await;
                seen.lock().unwrap().push(request);
                // The client may have hung up: that is what is tested.
                let _ = answer(&mut socket, &steps).await;
            });
        }
    });
    Server { base_url, requests }
}

async fn read(socket: &mut TcpStream) -> String {
    let (mut request, mut buffer) = (String::new(), [0; 4096]);
    loop {
        let read = socket.read(&mut buffer).await.unwrap();
        request.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
        if let Some((head, body)) = request.split_once("\r\n\r\n") {
            let length = head.to_lowercase();
            let length = length.split("content-length: ").nth(1);
            let length = length.map_or(0, |rest| rest.lines().next().unwrap().parse().unwrap());
            if read == 0 || body.len() >= length {
                return request;
            }
        }
    }
}

async fn answer(socket: &mut TcpStream, steps: &[Step]) -> std::io::Result<()> {
    for step in steps {
        match step {
            Step::Say(text) => socket.write_all(text.as_bytes()).await?,
            Step::Flood(text) => loop {
                socket.write_all(text.as_bytes()).await?;
            },
            Step::Hang => std::future::pending().await,
        }
    }
    socket.shutdown().await
}

fn settings(base_url: &str) -> OpenAiSettings {
    OpenAiSettings {
        name: "test".to_owned(),
        base_url: base_url.to_owned(),
        api_key_file: None,
        api_key: None,
        models: Vec::new(),
        connect_timeout: config::Duration::from_millis(500),
        idle_timeout: config::Duration::from_millis(300),
    }
}

fn request() -> Sanitized {
    Sanitized {
        request: b"{\"model\":\"m\"}".to_vec(),
        mapping: Arc::new(Mapping::new()),
        counts: vec![],
    }
}

async fn whole(base_url: &str) -> Result<Value> {
    let provider = OpenAi::new(settings(base_url)).unwrap();
    let patience = Duration::from_secs(20);
    tokio::time::timeout(patience, provider.complete(&request())).await.expect("an end")
}

async fn streamed(base_url: &str) -> Result<Vec<Value>> {
    let provider = OpenAi::new(settings(base_url)).unwrap();
    let stream = async { provider.stream(&request()).await?.try_collect().await };
    tokio::time::timeout(Duration::from_secs(20), stream).await.expect("an end")
}

/// The fault of a server, which must not repeat what the server said.
fn code(outcome: Result<impl Sized>) -> &'static str {
    let fault: Fault = outcome.err().expect("a fault");
    let shown = format!("{fault:?} {fault}");
    assert!(!shown.contains("prompt") && !shown.contains("127.0.0.1"), "{shown}");
    fault.reason().code
}

#[tokio::test]
async fn an_answer_and_a_stream_come_as_they_are() {
    let body = r#"{"choices":[],"x":1}"#;
    let plain = server(vec![say(OK_JSON), say(body)]).await;
    assert_eq!(whole(&plain.base_url).await.unwrap()["x"], 1);
    let seen = plain.requests.lock().unwrap()[0].clone();
    assert!(seen.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{seen}");
    assert!(seen.ends_with("{\"model\":\"m\"}") && !seen.contains("authorization"));

    let events =
        "data: {\"n\":1}\n\n: comment\n\ndata: {\"n\":2}\n\ndata: [DONE]\n\ndata: {\"n\":3}\n\n";
    let (start, end) = events.split_at(20);
    let stream = server(vec![say(OK_EVENTS), say(start), say(end), Step::Hang]).await;
    let chunks = streamed(&stream.base_url).await.unwrap();
    assert_eq!(chunks.iter().map(|chunk| chunk["n"].as_i64().unwrap()).collect::<Vec<_>>(), [1, 2]);
}

#[tokio::test]
async fn statuses_have_their_reasons_and_bodies_are_not_relayed() {
    for (status, expected) in [
        ("400 Bad Request", "PROVIDER_REFUSED"),
        ("401 Unauthorized", "PROVIDER_DENIED"),
        ("403 Forbidden", "PROVIDER_DENIED"),
        ("404 Not Found", "PROVIDER_REFUSED"),
        ("408 Request Timeout", "PROVIDER_UNAVAILABLE"),
        ("429 Too Many Requests", "PROVIDER_RATE_LIMITED"),
        ("500 Internal Server Error", "PROVIDER_UNAVAILABLE"),
        ("503 Service Unavailable", "PROVIDER_UNAVAILABLE"),
        ("304 Not Modified", "PROVIDER_NONSENSE"),
    ] {
        let head = format!("HTTP/1.1 {status}\r\nretry-after: 7\r\nconnection: close\r\n\r\n");
        let server = server(vec![say(head), say("the prompt was: secret")]).await;
        let fault = whole(&server.base_url).await.unwrap_err();
        assert_eq!(fault.retry_after(), Some(Duration::from_secs(7)));
        assert_eq!(code(Err::<(), _>(fault)), expected, "{status}");
        assert_eq!(code(streamed(&server.base_url).await), expected, "{status}");
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = server(vec![say(OK_JSON), say(r#"{"choices":[]}"#)]).await;
    for status in ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let head = format!(
            "HTTP/1.1 {status}\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
            elsewhere.base_url
        );
        let server = server(vec![say(head)]).await;
        assert_eq!(code(whole(&server.base_url).await), "PROVIDER_NONSENSE");
    }
    assert!(elsewhere.requests.lock().unwrap().is_empty(), "no prompt went elsewhere");
}

#[tokio::test]
async fn nonsense_is_called_so() {
    for body in ["", "<html>prompt</html>", "{\"choices\":", "prompt"] {
        let server = server(vec![say(OK_JSON), say(body)]).await;
        assert_eq!(code(whole(&server.base_url).await), "PROVIDER_NONSENSE", "{body}");
        assert_eq!(
            code(streamed(&server.base_url).await),
            "PROVIDER_NONSENSE",
            "not an event stream"
        );
    }
    let odd = server(vec![say(OK_EVENTS), say("data: prompt\n\n")]).await;
    assert_eq!(code(streamed(&odd.base_url).await), "PROVIDER_NONSENSE");
    let error =
        server(vec![say(OK_EVENTS), say("data: {\"error\":{\"message\":\"prompt\"}}\n\n")]).await;
    assert_eq!(code(streamed(&error.base_url).await), "PROVIDER_UNAVAILABLE");
    let no_http = server(vec![say("SSH-2.0-OpenSSH\r\n")]).await;
    assert_eq!(code(whole(&no_http.base_url).await), "PROVIDER_UNAVAILABLE");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_cut() {
    let short =
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{\"ch";
    let server_short = server(vec![say(short)]).await;
    assert_eq!(code(whole(&server_short.base_url).await), "PROVIDER_CUT");
    for events in ["data: {\"n\":1}\n\n", "data: {\"n\":1}\n\ndata: {\"n\"", ""] {
        let server = server(vec![say(OK_EVENTS), say(events)]).await;
        assert_eq!(code(streamed(&server.base_url).await), "PROVIDER_CUT", "{events}");
    }
}

#[tokio::test]
async fn what_has_no_end_is_given_up() {
    let body = server(vec![say(OK_JSON), Step::Flood("                                ")]).await;
    assert_eq!(code(whole(&body.base_url).await), "PROVIDER_NONSENSE");
    let event =
        server(vec![say(OK_EVENTS), Step::Flood("data: xxxxxxxxxxxxxxxxxxxxxxxxx\n")]).await;
    assert_eq!(code(streamed(&event.base_url).await), "PROVIDER_NONSENSE");
}

#[tokio::test]
async fn silence_is_given_up_after_the_idle_timeout() {
    let silent = server(vec![Step::Hang]).await;
    assert_eq!(code(whole(&silent.base_url).await), "PROVIDER_UNAVAILABLE");
    assert_eq!(code(streamed(&silent.base_url).await), "PROVIDER_UNAVAILABLE");
    let slow = server(vec![say(OK_EVENTS), say("data: {\"n\":1}\n\n"), Step::Hang]).await;
    assert_eq!(code(streamed(&slow.base_url).await), "PROVIDER_CUT");
    let half = server(vec![say(OK_JSON), say("{"), Step::Hang]).await;
    assert_eq!(code(whole(&half.base_url).await), "PROVIDER_CUT");
}

#[tokio::test]
async fn nobody_there_is_unavailable() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert_eq!(code(whole(&format!("http://{gone}/v1")).await), "PROVIDER_UNAVAILABLE");
}

#[tokio::test]
async fn the_api_key_is_read_from_its_file_for_each_call() {
    let server = server(vec![say(OK_JSON), say("{}")]).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    let provider = OpenAi::new(OpenAiSettings {
        api_key_file: Some(file.clone()),
        ..settings(&server.base_url)
    });
    let provider = provider.unwrap();
    assert_eq!(code(provider.complete(&request()).await), "PROVIDER_DENIED");
    for key in ["first", "second\n"] {
        std::fs::write(&file, key).unwrap();
        provider.complete(&request()).await.unwrap();
    }
    let fixed = OpenAiSettings {
        api_key: Some(Secret::new("third".to_owned())),
        ..settings(&server.base_url)
    };
    OpenAi::new(fixed).unwrap().complete(&request()).await.unwrap();
    let seen = server.requests.lock().unwrap();
    let keys: Vec<&str> = seen
        .iter()
        .map(|request| {
            request.split("authorization: Bearer ").nth(1).unwrap().lines().next().unwrap()
        })
        .collect();
    assert_eq!(keys, ["first", "second", "third"]);
}

#[tokio::test]
async fn models_are_those_configured_or_those_listed() {
    let list = r#"{"object":"list","data":[{"id":"a"},{"id":"b"},{"no":"id"}]}"#;
    let server = server(vec![say(OK_JSON), say(list)]).await;
    let open = OpenAi::new(settings(&server.base_url)).unwrap();
    assert_eq!(open.models().await.unwrap(), ["a", "b"]);
    assert!(open.has("whatever"));
    let closed = OpenAiSettings { models: vec!["c".to_owned()], ..settings(&server.base_url) };
    let closed = OpenAi::new(closed).unwrap();
    assert_eq!(closed.models().await.unwrap(), ["c"]);
    assert!(closed.has("c") && !closed.has("a"));
    assert_eq!(server.requests.lock().unwrap().len(), 1);
}
