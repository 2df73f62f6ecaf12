//! The built-in provider: answers with what it received, so that a person sees
//! what a provider would see.

use async_trait::async_trait;
use futures::stream::{self, BoxStream, StreamExt as _};
use kernel::{Fault, Result};
use serde_json::{Value, json};

use crate::application::ports::{Provider, Sanitized};

const MODEL: &str = "echo";
/// Characters of a chunk: few, so that placeholders are cut, as real models do.
const PIECE: usize = 7;

pub struct Echo;

/// The messages as one text.
fn echoed(request: &[u8]) -> Result<String> {
    let request: Value = serde_json::from_slice(request).map_err(Fault::internal)?;
    let mut said = String::from("I received:\n");
    for message in request["messages"].as_array().into_iter().flatten() {
        let role = message["role"].as_str().unwrap_or_default();
        said.push_str(&format!("\n[{role}] "));
        match &message["content"] {
            Value::String(text) => said.push_str(text),
            Value::Array(parts) => parts
                .iter()
                .filter_map(|part| part["text"].as_str())
                .for_each(|text| said.push_str(text)),
            _ => {}
        }
    }
    Ok(said)
}

/// Words stand in for tokens.
fn usage(request: &[u8], answer: &str) -> Value {
    let count = |text: &str| text.split_whitespace().count();
    let (prompt, completion) = (count(&String::from_utf8_lossy(request)), count(answer));
    json!({ "prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": prompt + completion })
}

fn chunk(delta: &Value, finish: Option<&str>) -> Value {
    json!({
        "id": "chatcmpl-echo", "object": "chat.completion.chunk", "created": 0, "model": MODEL,
        "choices": [{ "index": 0, "delta": delta, "finish_reason": finish }],
    })
}

#[async_trait]
impl Provider for Echo {
    fn name(&self) -> &str {
        MODEL
    }

    fn has(&self, model: &str) -> bool {
        model == MODEL
    }

    async fn models(&self) -> Result<Vec<String>> {
        Ok(vec![MODEL.to_owned()])
    }

    async fn complete(&self, request: &Sanitized) -> Result<Value> {
        let said = echoed(&request.request)?;
        let usage = usage(&request.request, &said);
        Ok(json!({
            "id": "chatcmpl-echo", "object": "chat.completion", "created": 0, "model": MODEL,
            "choices": [{ "index": 0, "message": { "role": "assistant", "content": said }, "finish_reason": "stop" }],
            "usage": usage,
        }))
    }

    async fn stream(&self, request: &Sanitized) -> Result<BoxStream<'static, Result<Value>>> {
        let said: Vec<char> = echoed(&request.request)?.chars().collect();
        let pieces = said
            .chunks(PIECE)
            .map(|piece| chunk(&json!({ "content": piece.iter().collect::<String>() }), None));
        let mut chunks = vec![chunk(&json!({ "role": "assistant", "content": "" }), None)];
        chunks.extend(pieces);
        chunks.push(chunk(&json!({}), Some("stop")));
        Ok(stream::iter(chunks).map(Ok).boxed())
    }
}
