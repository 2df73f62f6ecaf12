//! Exchanges with the real detection engine, a provider that does as it is
//! told, and a real database.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use db::{Db, outbox};
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use kernel::{Fault, PrincipalId, Reason, Result, SystemClock, TenantId};
use pii::PlaceholderKey;
use pii::chat::{ChatOptions, ChatRequest, Limits, anonymize_chat};
use prost::Message as _;
use proto::Role;
use proto::audit::v1::Event;
use rpc::{Cx, Principal};
use serde_json::{Value, json};

use response::application::exchange::Exchange;
use response::application::ports::{Privacy, Provider, Sanitized};
use response::application::providers::Providers;
use response::domain::{Chat, Prompt};

pub const TEXT: &str = "I am Anna Weber, write to anna.weber@example.org or call +49 30 901820.";
pub const ORIGINALS: &[&str] = &["Anna", "Weber", "example.org", "901820"];

/// The real engine, or a refusal instead of it.
#[derive(Default)]
pub struct Engine {
    pub refuse: Mutex<Option<&'static Reason>>,
}

#[async_trait]
impl Privacy for Engine {
    async fn sanitize(&self, _: &Cx, request: Vec<u8>, conversation: Vec<u8>) -> Result<Sanitized> {
        if let Some(reason) = *self.refuse.lock().unwrap() {
            return Err(Fault::new(reason));
        }
        let unsupported = |_| Fault::new(&reasons::anonymizer::CHAT_REQUEST_UNSUPPORTED);
        let request = ChatRequest::parse(&request, &Limits::default()).map_err(unsupported)?;
        let mut key = [0; 32];
        key.copy_from_slice(&conversation[..32]);
        let (engine, key) = (pii::Engine::standard().unwrap(), PlaceholderKey::new(key));
        let chat = anonymize_chat(&engine, &key, request, &ChatOptions::default());
        let chat = chat.map_err(unsupported)?;
        let counts = chat
            .counts
            .iter()
            .map(|count| (count.entity.as_str().to_owned(), i32::try_from(count.count).unwrap()));
        Ok(Sanitized {
            request: serde_json::to_vec(&chat.request).unwrap(),
            mapping: Arc::new(chat.mapping),
            counts: counts.collect(),
        })
    }
}

type Whole = Box<dyn Fn(&str) -> Result<Value> + Send + Sync>;
type Chunks = Box<dyn Fn(&str) -> Vec<Result<Value>> + Send + Sync>;

/// A provider that answers by script. The scripts get the sanitized text of the
/// first message.
pub struct Scripted {
    pub whole: Whole,
    pub chunks: Chunks,
    /// Never ends a stream by itself, and never answers a whole.
    pub hangs: bool,
    pub calls: AtomicUsize,
    pub sent: Mutex<Vec<String>>,
    /// Whether somebody still listens to a stream.
    pub listening: Arc<AtomicBool>,
}

impl Default for Scripted {
    fn default() -> Self {
        Self {
            whole: Box::new(|said| Ok(completion(json!({ "content": said })))),
            chunks: Box::new(letters),
            hangs: false,
            calls: AtomicUsize::new(0),
            sent: Mutex::default(),
            listening: Arc::default(),
        }
    }
}

pub fn completion(message: Value) -> Value {
    json!({ "id": "c", "object": "chat.completion", "created": 1, "model": "m",
        "choices": [{ "index": 0, "message": message, "finish_reason": "stop" }] })
}

pub fn chunk(index: u64, delta: Value, finish: Option<&str>) -> Result<Value> {
    Ok(json!({ "id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m",
        "choices": [{ "index": index, "delta": delta, "finish_reason": finish }] }))
}

/// One character a chunk: every placeholder is cut everywhere.
pub fn letters(said: &str) -> Vec<Result<Value>> {
    let letter = |c: char| chunk(0, json!({ "content": c.to_string() }), None);
    let end = chunk(0, json!({}), Some("stop"));
    said.chars().map(letter).chain([end]).collect()
}

impl Scripted {
    fn heard(&self, request: &Sanitized) -> String {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let text = String::from_utf8(request.request.clone()).unwrap();
        self.sent.lock().unwrap().push(text.clone());
        let request: Value = serde_json::from_str(&text).unwrap();
        request["messages"][0]["content"].as_str().unwrap().to_owned()
    }
}

struct Listening(Arc<AtomicBool>);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.store(false, Ordering::SeqCst);
    }
}

#[async_trait]
impl Provider for Scripted {
    fn name(&self) -> &str {
        "scripted"
    }

    fn has(&self, model: &str) -> bool {
        model == "m"
    }

    async fn models(&self) -> Result<Vec<String>> {
        Ok(vec!["m".to_owned()])
    }

    async fn complete(&self, request: &Sanitized) -> Result<Value> {
        let said = self.heard(request);
        if self.hangs {
            std::future::pending::<()>().await;
        }
        (self.whole)(&said)
    }

    async fn stream(&self, request: &Sanitized) -> Result<BoxStream<'static, Result<Value>>> {
        let chunks = stream::iter((self.chunks)(&self.heard(request)));
        let chunks =
            if self.hangs { chunks.chain(stream::pending()).boxed() } else { chunks.boxed() };
        self.listening.store(true, Ordering::SeqCst);
        let listening = Listening(Arc::clone(&self.listening));
        Ok(chunks
            .map(move |chunk| {
                let _kept = &listening;
                chunk
            })
            .boxed())
    }
}

pub struct Set {
    pub exchange: Exchange,
    pub provider: Arc<Scripted>,
    pub privacy: Arc<Engine>,
}

pub fn set(db: &Db, provider: Scripted) -> Set {
    let (provider, privacy) = (Arc::new(provider), Arc::new(Engine::default()));
    let exchange = Exchange {
        privacy: Arc::clone(&privacy) as Arc<dyn Privacy>,
        providers: Providers(vec![Arc::clone(&provider) as Arc<dyn Provider>]),
        db: db.clone(),
        clock: SystemClock::shared(),
    };
    Set { exchange, provider, privacy }
}

pub fn cx(method: &str) -> Cx {
    let principal = Principal {
        tenant: TenantId::new(),
        user: PrincipalId::new(),
        roles: vec![Role::Member],
        api_key: None,
        expires: chrono::DateTime::UNIX_EPOCH,
    };
    let service = if method.ends_with("Respond") { "ResponseService" } else { "OpenAiService" };
    Cx::for_test(&format!("/signet.response.v1.{service}/{method}"), Some(principal)).unwrap()
}

pub fn chat(text: &str) -> Chat {
    let request = json!({ "model": "m", "messages": [{ "role": "user", "content": text }] });
    Chat::of(Prompt::Chat(request.to_string().into()), "m").unwrap()
}

/// The events in the outbox, by the last word of their type, with their
/// reasons. None of them may hold an original.
pub async fn events(db: &Db) -> Vec<(String, String)> {
    let stored = outbox::next(db, 1_000).await.unwrap();
    let told = stored.iter().map(|event| {
        for original in ORIGINALS {
            let leaks = event.bytes.windows(original.len()).any(|w| w == original.as_bytes());
            assert!(!leaks, "{original} is in an event");
        }
        let event = Event::decode(event.bytes.as_slice()).unwrap();
        let happened = event.r#type.strip_prefix("dev.signet.response.exchange.").unwrap();
        (happened.to_owned(), event.reason)
    });
    told.collect()
}

/// For what is recorded by a task of its own: waits until so many are there.
pub async fn events_once(db: &Db, count: usize) -> Vec<(String, String)> {
    for _ in 0..500 {
        let found = events(db).await;
        if found.len() >= count {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    events(db).await
}

/// The text of a streamed choice.
pub fn content(chunks: &[Value], choice: u64) -> String {
    let choices = chunks.iter().flat_map(|chunk| chunk["choices"].as_array().into_iter().flatten());
    choices
        .filter(|found| found["index"] == choice)
        .filter_map(|found| found["delta"]["content"].as_str())
        .collect()
}

pub fn happened(what: &str, reason: &str) -> (String, String) {
    (what.to_owned(), reason.to_owned())
}
