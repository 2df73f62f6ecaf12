//! Answers to sanitized chat requests: whole and in chunks, as text and as JSON.

#![allow(clippy::unwrap_used, reason = "a failed set-up is a failed test")]

use std::sync::Arc;

use pii::chat::{
    ChatOptions, ChatRequest, ChatStreamRestorer, Limits, SanitizedChat, anonymize_chat,
    response_escape, restore_chat_response,
};
use pii::{Engine, Escape, PlaceholderKey};
use serde_json::{Value, json};

fn sanitize(body: &Value) -> SanitizedChat {
    let engine = Engine::standard().unwrap();
    let request = ChatRequest::parse(body.to_string().as_bytes(), &Limits::default()).unwrap();
    anonymize_chat(&engine, &PlaceholderKey::new([3; 32]), request, &ChatOptions::default())
        .unwrap()
}

fn ask(content: &str) -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": content}]})
}

#[test]
fn an_answer_in_json_stays_json() {
    let mut body = ask("Patient: Anna \"Ann\" Weber, file https://x.example/\u{e9}");
    body["response_format"] = json!({"type": "json_object"});
    let chat = sanitize(&body);
    assert_eq!(response_escape(&chat.request), Escape::Json);
    let mut mapping = chat.mapping.clone();
    let quoted = sanitize(
        &json!({"model": "m", "messages": [{"role": "user", "name": "a \"quoted\" name", "content": "x"}]}),
    );
    mapping.merge(&quoted.mapping).unwrap();
    let name = serde_json::to_value(&quoted.request).unwrap()["messages"][0]["name"].clone();
    let mut answer =
        json!({"choices": [{"message": {"content": json!({"name": name}).to_string()}}]});
    restore_chat_response(&mut answer, &mapping, Escape::Json);
    let content: Value =
        serde_json::from_str(answer["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
    assert_eq!(content["name"], "a \"quoted\" name");
}

#[test]
fn an_answer_is_restored_in_text_and_in_arguments() {
    let chat = sanitize(&ask(
        "I am Anna \u{201c}Ann\u{201d} Weber. File: C:\\x, contact \"Eve\" <eve@x.example>",
    ));
    let contact = serde_json::to_value(&chat.request).unwrap()["messages"][0]["content"]
        .as_str()
        .unwrap()
        .to_owned();
    let mut answer = json!({"id": "1", "choices": [{"index": 0, "message": {
        "role": "assistant", "content": contact, "reasoning_content": contact,
        "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": json!({"to": contact}).to_string()}}]
    }, "finish_reason": "stop"}]});
    restore_chat_response(&mut answer, &chat.mapping, response_escape(&chat.request));
    let message = &answer["choices"][0]["message"];
    let original =
        "I am Anna \u{201c}Ann\u{201d} Weber. File: C:\\x, contact \"Eve\" <eve@x.example>";
    assert_eq!(message["content"], original);
    assert_eq!(message["reasoning_content"], original);
    let arguments: Value =
        serde_json::from_str(message["tool_calls"][0]["function"]["arguments"].as_str().unwrap())
            .unwrap();
    assert_eq!(arguments["to"], original);
}

fn chunk(delta: &Value, finish: &Value) -> Value {
    json!({"id": "1", "object": "chat.completion.chunk", "created": 5, "model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
}

/// All text of a stream by field, and whether text came behind a finish reason.
fn collect(chunks: &[Value]) -> (String, String, bool) {
    let (mut content, mut arguments, mut ended, mut late) =
        (String::new(), String::new(), false, false);
    for choice in chunks.iter().flat_map(|chunk| chunk["choices"].as_array().unwrap()) {
        let text = choice["delta"]["content"].as_str().unwrap_or_default();
        let call =
            choice["delta"]["tool_calls"][0]["function"]["arguments"].as_str().unwrap_or_default();
        late |= ended && !(text.is_empty() && call.is_empty());
        content.push_str(text);
        arguments.push_str(call);
        ended |= !choice["finish_reason"].is_null();
    }
    (content, arguments, late)
}

#[test]
fn a_stream_is_restored_for_every_cut() {
    let chat = sanitize(&ask("I am Anna Weber, mail aw@x.example"));
    let content = serde_json::to_value(&chat.request).unwrap()["messages"][0]["content"]
        .as_str()
        .unwrap()
        .to_owned();
    let arguments = json!({ "q": content }).to_string();
    let mapping = Arc::new(chat.mapping);
    let (whole, whole_arguments) = (mapping.restore(&content), mapping.restore_json(&arguments));
    assert_eq!(whole, "I am Anna Weber, mail aw@x.example");
    for cut in 0..=content.len() {
        for finish_with_text in [false, true] {
            let mut stream = ChatStreamRestorer::new(Arc::clone(&mapping), Escape::None);
            let call = |text: &str| json!([{"index": 0, "function": {"arguments": text}}]);
            let first = json!({"role": "assistant", "content": content[..cut], "tool_calls": call(&arguments[..cut])});
            let second = json!({"content": content[cut..], "tool_calls": call(&arguments[cut..])});
            let mut out = stream.push(chunk(&first, &Value::Null)).unwrap();
            if finish_with_text {
                out.extend(stream.push(chunk(&second, &json!("stop"))).unwrap());
            } else {
                out.extend(stream.push(chunk(&second, &Value::Null)).unwrap());
                out.extend(stream.push(chunk(&json!({}), &json!("stop"))).unwrap());
            }
            assert!(stream.finish().is_empty());
            assert_eq!(collect(&out), (whole.clone(), whole_arguments.clone(), false));
            assert!(out.iter().all(|chunk| chunk["id"] == "1" && chunk["model"] == "m"));
        }
        // A stream that breaks off loses nothing either.
        let mut stream = ChatStreamRestorer::new(Arc::clone(&mapping), Escape::None);
        let mut out =
            stream.push(chunk(&json!({"content": content[..cut]}), &Value::Null)).unwrap();
        out.extend(stream.finish());
        assert_eq!(collect(&out).0, mapping.restore(&content[..cut]));
    }
}

#[test]
fn a_stream_cannot_open_texts_without_end() {
    let mapping = Arc::new(sanitize(&ask("I am Anna Weber")).mapping);
    let mut stream = ChatStreamRestorer::new(mapping, Escape::None);
    let many: Vec<Value> =
        (0..5_000).map(|index| json!({"index": index, "function": {"arguments": "<"}})).collect();
    assert!(stream.push(chunk(&json!({"tool_calls": many}), &Value::Null)).is_err());
}
