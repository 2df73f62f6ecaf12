//! One exchange with a model: what is sent, what comes back, what is recorded.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod common;

use std::sync::atomic::Ordering;

use boot::Service as _;
use db::Db;
use futures::{StreamExt as _, TryStreamExt as _};
use kernel::{Fault, common as reasons_common};
use reasons::anonymizer::{CHAT_REQUEST_LEAKS, CHAT_REQUEST_UNSUPPORTED};
use reasons::response::{PROVIDER_CUT, PROVIDER_RATE_LIMITED};
use serde_json::{Value, json};

use common::{
    ORIGINALS, Scripted, TEXT, chat, chunk, completion, content, cx, events, events_once, happened,
    letters, set,
};
use response::application::exchange::Wishes;

const METHOD: &str = "CreateChatCompletion";

db::both! { response::Response::migrations() =>
    async fn the_provider_sees_no_original_and_the_caller_sees_all(db: Db) {
        let set = set(&db, Scripted::default());
        let wishes = Wishes { include_sent: true, ..Wishes::default() };
        let answer = set.exchange.complete(&cx(METHOD), chat(TEXT), &wishes).await.unwrap();
        assert_eq!(answer["choices"][0]["message"]["content"], TEXT);
        let sent = set.provider.sent.lock().unwrap()[0].clone();
        for original in ORIGINALS {
            assert!(!sent.contains(original), "{original} was sent");
        }
        let receipt = &answer["signet"];
        assert_eq!(receipt["provider"], "scripted");
        assert_eq!(receipt["replaced"]["EMAIL_ADDRESS"], 1);
        assert_eq!(receipt["sent"], serde_json::from_str::<Value>(&sent).unwrap());
        assert_eq!(receipt["sent_sha256"].as_str().unwrap().len(), 64);
        assert_eq!(events(&db).await, [happened("completed", "")]);
    }

    async fn a_stream_cut_at_every_character_is_restored(db: Db) {
        let set = set(&db, Scripted::default());
        let chunks = set.exchange.stream(&cx(METHOD), chat(TEXT), &Wishes::default()).await.unwrap();
        let chunks: Vec<Value> = chunks.try_collect().await.unwrap();
        assert_eq!(content(&chunks, 0), TEXT);
        let with_receipt = chunks.iter().filter(|chunk| chunk.get("signet").is_some());
        assert_eq!(with_receipt.count(), 1);
        let last = chunks.last().unwrap();
        assert_eq!((&last["choices"][0]["finish_reason"], &last["signet"]["model"]), (&json!("stop"), &json!("m")));
        assert!(last["signet"].get("sent").is_none(), "only where it was asked for");
        let sent: Value = serde_json::from_str(&set.provider.sent.lock().unwrap()[0]).unwrap();
        assert_eq!(sent["stream"], true);
        assert_eq!(events(&db).await, [happened("started", ""), happened("completed", "")]);
    }

    async fn failures_are_told_and_recorded(db: Db) {
        let whole = Box::new(|_: &str| Err(Fault::new(&PROVIDER_RATE_LIMITED)));
        let cut = Box::new(|said: &str| {
            let mut chunks = letters(said);
            let _end = chunks.pop();
            chunks.push(Err(Fault::new(&PROVIDER_CUT)));
            chunks
        });
        let set = set(&db, Scripted { whole, chunks: cut, ..Scripted::default() });
        let fault = set.exchange.complete(&cx(METHOD), chat(TEXT), &Wishes::default()).await.unwrap_err();
        assert_eq!(fault.reason(), &PROVIDER_RATE_LIMITED);
        assert_eq!(events(&db).await, [happened("failed", "PROVIDER_RATE_LIMITED")]);
        let mut chunks = set.exchange.stream(&cx(METHOD), chat(TEXT), &Wishes::default()).await.unwrap();
        let mut outcome = Ok(Value::Null);
        while let Some(next) = chunks.next().await {
            assert!(outcome.is_ok(), "nothing after the fault");
            outcome = next;
        }
        assert_eq!(outcome.unwrap_err().reason(), &PROVIDER_CUT);
        assert_eq!(events(&db).await[1..], [happened("started", ""), happened("failed", "PROVIDER_CUT")]);
    }

    async fn what_is_not_anonymized_is_not_sent(db: Db) {
        let set = set(&db, Scripted::default());
        for (reason, recorded) in [
            (&reasons_common::DEPENDENCY_UNAVAILABLE, true),
            (&CHAT_REQUEST_LEAKS, true),
            (&CHAT_REQUEST_UNSUPPORTED, false),
        ] {
            *set.privacy.refuse.lock().unwrap() = Some(reason);
            let before = events(&db).await.len();
            let whole = set.exchange.complete(&cx(METHOD), chat(TEXT), &Wishes::default()).await;
            assert_eq!(whole.unwrap_err().reason(), reason);
            let stream = set.exchange.stream(&cx(METHOD), chat(TEXT), &Wishes::default()).await;
            assert_eq!(stream.err().unwrap().reason(), reason);
            let expected = if recorded { vec![happened("not_sent", reason.code); 2] } else { vec![] };
            assert_eq!(events(&db).await[before..], expected);
        }
        assert_eq!(set.provider.calls.load(Ordering::SeqCst), 0);
    }

    async fn without_a_record_nothing_leaves(db: Db) {
        let set = set(&db, Scripted::default());
        db::sql!(db.write(), |c| sqlx::query("DROP TABLE outbox").execute(c).await.map(drop)).unwrap();
        assert!(set.exchange.complete(&cx(METHOD), chat(TEXT), &Wishes::default()).await.is_err());
        assert!(set.exchange.stream(&cx(METHOD), chat(TEXT), &Wishes::default()).await.is_err());
    }

    async fn a_caller_who_goes_away_ends_the_providers_work_and_is_recorded(db: Db) {
        let set = set(&db, Scripted { hangs: true, ..Scripted::default() });
        let mut chunks = set.exchange.stream(&cx(METHOD), chat(TEXT), &Wishes::default()).await.unwrap();
        assert!(chunks.next().await.unwrap().is_ok());
        assert!(set.provider.listening.load(Ordering::SeqCst));
        drop(chunks);
        assert!(!set.provider.listening.load(Ordering::SeqCst), "the provider's stream is dropped");
        assert_eq!(events_once(&db, 2).await, [happened("started", ""), happened("cancelled", "CALLER_GONE")]);
        let (context, wishes) = (cx(METHOD), Wishes::default());
        let whole = set.exchange.complete(&context, chat(TEXT), &wishes);
        let gone = tokio::time::timeout(std::time::Duration::from_millis(300), whole).await;
        assert!(gone.is_err() && set.provider.calls.load(Ordering::SeqCst) == 2);
        assert_eq!(events_once(&db, 3).await[2], happened("cancelled", "CALLER_GONE"));
    }
}

async fn sqlite() -> Db {
    db::testing::sqlite(response::Response::migrations()).await
}

async fn streamed(
    db: &Db,
    chunks: fn(&str) -> Vec<kernel::Result<Value>>,
) -> kernel::Result<Vec<Value>> {
    let set = set(db, Scripted { chunks: Box::new(chunks), ..Scripted::default() });
    let wishes = Wishes::default();
    set.exchange.stream(&cx(METHOD), chat(TEXT), &wishes).await?.try_collect().await
}

#[tokio::test]
async fn calls_of_tools_are_restored_inside_their_json() {
    let call = |arguments: &str| {
        json!([{ "index": 0, "id": "call_1", "type": "function",
        "function": { "name": "mail", "arguments": arguments } }])
    };
    let db = sqlite().await;
    let whole = Box::new(move |said: &str| {
        let arguments = json!({ "to": said }).to_string();
        Ok(completion(json!({ "content": null, "tool_calls": call(&arguments) })))
    });
    let one = set(&db, Scripted { whole, ..Scripted::default() });
    let wishes = Wishes::default();
    let quoted = "Anna \"Ännchen\" Weber, anna.weber@example.org";
    let answer = one.exchange.complete(&cx(METHOD), chat(quoted), &wishes).await.unwrap();
    let arguments = &answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"];
    let arguments: Value = serde_json::from_str(arguments.as_str().unwrap()).unwrap();
    assert_eq!(arguments["to"], quoted);

    let chunks = streamed(&db, |said| {
        let arguments = json!({ "to": said }).to_string();
        let piece = |c: char| {
            let call = json!([{ "index": 0, "function": { "arguments": c.to_string() } }]);
            chunk(0, json!({ "tool_calls": call }), None)
        };
        arguments.chars().map(piece).chain([chunk(0, json!({}), Some("tool_calls"))]).collect()
    });
    let arguments: String = (chunks.await.unwrap().iter())
        .filter_map(|chunk| {
            chunk["choices"][0]["delta"]["tool_calls"][0]["function"]["arguments"].as_str()
        })
        .collect();
    assert_eq!(serde_json::from_str::<Value>(&arguments).unwrap()["to"], TEXT);
}

#[tokio::test]
async fn choices_usage_and_unknown_members_pass() {
    let db = sqlite().await;
    let chunks = streamed(&db, |said| {
        let mut chunks: Vec<_> = said
            .chars()
            .flat_map(|c| {
                [0, 1].map(|index| chunk(index, json!({ "content": c.to_string() }), None))
            })
            .collect();
        chunks.push(chunk(0, json!({}), Some("stop")));
        chunks.push(chunk(1, json!({}), Some("length")));
        chunks.push(Ok(
            json!({ "id": "c", "choices": [], "usage": { "total_tokens": 7 }, "x_new": 1 }),
        ));
        chunks
    });
    let chunks = chunks.await.unwrap();
    assert_eq!((content(&chunks, 0), content(&chunks, 1)), (TEXT.to_owned(), TEXT.to_owned()));
    let last = chunks.last().unwrap();
    assert_eq!((&last["usage"]["total_tokens"], &last["x_new"]), (&json!(7), &json!(1)));
    assert_eq!(last["signet"]["provider"], "scripted");
    let ends =
        |why: &str| chunks.iter().filter(|c| c["choices"][0]["finish_reason"] == why).count();
    assert_eq!((ends("stop"), ends("length")), (1, 1));
}

#[tokio::test]
async fn nonsense_is_a_fault_and_no_panic() {
    let db = sqlite().await;
    for chunks in [
        (|_| vec![Ok(json!(["no", "object"]))]) as fn(&str) -> Vec<kernel::Result<Value>>,
        |_| vec![Ok(json!("text"))],
        |_| vec![Ok(json!(7)), Ok(Value::Null)],
        |_| vec![],
    ] {
        let fault = streamed(&db, chunks).await.unwrap_err();
        assert_eq!(fault.reason().code, "PROVIDER_NONSENSE");
    }
    for answer in [json!([]), json!("x"), Value::Null, json!({}), json!({ "choices": 7 })] {
        let whole = Box::new(move |_: &str| Ok(answer.clone()));
        let set = set(&db, Scripted { whole, ..Scripted::default() });
        let fault = set.exchange.complete(&cx(METHOD), chat(TEXT), &Wishes::default()).await;
        assert_eq!(fault.unwrap_err().reason().code, "PROVIDER_NONSENSE");
    }
    let odd = streamed(&db, |_| vec![Ok(json!({ "ping": true })), Ok(json!({ "choices": {} }))]);
    assert_eq!(odd.await.unwrap().len(), 3, "what is odd passes; the receipt comes by itself");
}

#[tokio::test]
async fn an_answer_that_would_grow_beyond_measure_is_not_built() {
    let db = sqlite().await;
    let whole = Box::new(|said: &str| Ok(completion(json!({ "content": said.repeat(100_000) }))));
    let chunks =
        Box::new(|said: &str| vec![chunk(0, json!({ "content": said.repeat(1_000) }), None)]);
    let set = set(&db, Scripted { whole, chunks, ..Scripted::default() });
    let long = format!("https://example.org/{}", "a".repeat(200_000));
    let wishes = Wishes::default();
    let fault = set.exchange.complete(&cx(METHOD), chat(&long), &wishes).await.unwrap_err();
    assert_eq!(fault.reason().code, "PROVIDER_NONSENSE");
    let chunks = set.exchange.stream(&cx(METHOD), chat(&long), &wishes).await.unwrap();
    let fault = chunks.try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(fault.reason().code, "PROVIDER_NONSENSE");
}

#[tokio::test]
async fn what_was_sent_has_to_fit_a_chunk() {
    let db = sqlite().await;
    let set = set(&db, Scripted::default());
    let wishes = Wishes { include_sent: true, ..Wishes::default() };
    let large = "word ".repeat(60_000);
    let fault = set.exchange.stream(&cx(METHOD), chat(&large), &wishes).await.err().unwrap();
    assert_eq!(fault.violations()[0].field, "include_sent");
    assert_eq!(set.provider.calls.load(Ordering::SeqCst), 0);
    assert!(set.exchange.complete(&cx(METHOD), chat(&large), &wishes).await.is_ok());
}

#[tokio::test]
async fn a_conversation_has_its_placeholders() {
    let db = sqlite().await;
    let set = set(&db, Scripted::default());
    for conversation in ["one", "one", "two", "", ""] {
        let wishes = Wishes { conversation: conversation.into(), ..Wishes::default() };
        set.exchange.complete(&cx(METHOD), chat(TEXT), &wishes).await.unwrap();
    }
    let sent = set.provider.sent.lock().unwrap().clone();
    assert_eq!(sent[0], sent[1]);
    let different: std::collections::HashSet<_> = sent[1..].iter().collect();
    assert_eq!(different.len(), 4);
}

#[tokio::test]
async fn a_stream_may_outlive_the_deadline_of_its_beginning() {
    let db = sqlite().await;
    let set = set(&db, Scripted::default());
    let context = cx(METHOD);
    let whole = set.exchange.stream(&context, chat(TEXT), &Wishes::default()).await.unwrap();
    let dropped = set.exchange.stream(&context, chat(TEXT), &Wishes::default()).await.unwrap();
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_secs(60)).await;
    tokio::time::resume();
    let chunks: Vec<Value> = whole.try_collect().await.unwrap();
    assert_eq!(content(&chunks, 0), TEXT);
    drop(dropped);
    let events = events_once(&db, 4).await;
    assert_eq!(
        events[2..],
        [happened("completed", ""), happened("cancelled", "DEADLINE_EXCEEDED")]
    );
}
