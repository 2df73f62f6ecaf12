//! Puts the originals back into an answer that arrives in chunks.
//!
//! Each text of an answer (content, refusal, reasoning, the arguments of each tool call, of each
//! choice) is cut by the provider on its own, so each has its own restorer. What one holds back
//! leaves in a chunk of its own before the chunk with the finish reason.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::mapping::Mapping;
use crate::restore::{Escape, StreamRestorer};

/// Texts of one answer that may be open at once; an honest answer has a handful.
const OPEN: usize = 1_024;

/// A provider opened more texts in one answer than an answer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer has too many parts")]
pub struct TooManyParts;

/// One text of an answer.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// A field of the delta: `content`, `refusal`, `reasoning_content`.
    Field(String),
    /// The arguments of the tool call with this index.
    Arguments(u64),
}

/// Restores the `chat.completion.chunk`s of one answer.
pub struct ChatStreamRestorer {
    mapping: Arc<Mapping>,
    content: Escape,
    /// By index of the choice.
    open: BTreeMap<(u64, Part), StreamRestorer>,
    /// The fields that all chunks of the stream share.
    frame: Map<String, Value>,
}

impl ChatStreamRestorer {
    /// `content` says how originals are written into contents: [`super::response_escape`].
    pub fn new(mapping: Arc<Mapping>, content: Escape) -> Self {
        Self { mapping, content, open: BTreeMap::new(), frame: Map::new() }
    }

    /// Takes a chunk, gives what is to be sent for it: the chunk itself, and before it, if a
    /// choice ends, what was held back.
    pub fn push(&mut self, mut chunk: Value) -> Result<Vec<Value>, TooManyParts> {
        self.remember_frame(&chunk);
        let mut ended = Vec::new();
        let choices = chunk.get_mut("choices").and_then(Value::as_array_mut);
        for choice in choices.into_iter().flatten() {
            let index = choice.get("index").and_then(Value::as_u64).unwrap_or(0);
            if let Some(delta) = choice.get_mut("delta").and_then(Value::as_object_mut) {
                self.restore_delta(index, delta)?;
            }
            if choice.get("finish_reason").is_some_and(|reason| !reason.is_null()) {
                ended.push(index);
            }
        }
        let mut chunks = Vec::new();
        for index in ended {
            // The last text of a choice may stand in the very chunk that ends it, so that
            // what is held goes behind it.
            if let Some(delta) = self.flush(index) {
                self.split(&mut chunk, index, &mut chunks);
                chunks.push(self.chunk(index, delta));
            }
        }
        chunks.push(chunk);
        Ok(chunks)
    }

    /// The stream ended, with or without finish reasons: what is still held.
    pub fn finish(&mut self) -> Vec<Value> {
        let mut indexes: Vec<u64> = self.open.keys().map(|(index, _)| *index).collect();
        indexes.dedup();
        indexes
            .into_iter()
            .filter_map(|index| self.flush(index).map(|delta| self.chunk(index, delta)))
            .collect()
    }

    fn remember_frame(&mut self, chunk: &Value) {
        if !self.frame.is_empty() {
            return;
        }
        if let Some(fields) = chunk.as_object() {
            let shared =
                fields.iter().filter(|(name, _)| !matches!(name.as_str(), "choices" | "usage"));
            self.frame = shared.map(|(name, value)| (name.clone(), value.clone())).collect();
        }
    }

    fn restore_delta(
        &mut self,
        index: u64,
        delta: &mut Map<String, Value>,
    ) -> Result<(), TooManyParts> {
        for (name, value) in delta {
            match value {
                Value::String(text) if name != "role" => {
                    let escape = if name == "content" { self.content } else { Escape::None };
                    *text = self.restore(index, Part::Field(name.clone()), escape, text)?;
                }
                Value::Array(calls) if name == "tool_calls" => {
                    for call in calls {
                        self.restore_call(index, call)?;
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn restore_call(&mut self, index: u64, call: &mut Value) -> Result<(), TooManyParts> {
        let number = call.get("index").and_then(Value::as_u64).unwrap_or(0);
        if let Some(Value::String(id)) = call.get_mut("id") {
            *id = self.mapping.restore(id);
        }
        let Some(function) = call.get_mut("function").and_then(Value::as_object_mut) else {
            return Ok(());
        };
        if let Some(Value::String(name)) = function.get_mut("name") {
            *name = self.mapping.restore(name);
        }
        if let Some(Value::String(arguments)) = function.get_mut("arguments") {
            *arguments = self.restore(index, Part::Arguments(number), Escape::Json, arguments)?;
        }
        Ok(())
    }

    fn restore(
        &mut self,
        index: u64,
        part: Part,
        escape: Escape,
        text: &str,
    ) -> Result<String, TooManyParts> {
        let full = self.open.len() >= OPEN;
        let restorer = match self.open.entry((index, part)) {
            std::collections::btree_map::Entry::Occupied(open) => open.into_mut(),
            std::collections::btree_map::Entry::Vacant(_) if full => return Err(TooManyParts),
            std::collections::btree_map::Entry::Vacant(new) => {
                new.insert(StreamRestorer::new(Arc::clone(&self.mapping), escape))
            }
        };
        Ok(restorer.push(text))
    }

    /// Ends all texts of a choice; what they held, as a delta.
    fn flush(&mut self, index: u64) -> Option<Map<String, Value>> {
        let parts: Vec<(u64, Part)> =
            self.open.keys().filter(|(choice, _)| *choice == index).cloned().collect();
        let mut delta = Map::new();
        let mut calls = Vec::new();
        for key in parts {
            let Some(mut restorer) = self.open.remove(&key) else { continue };
            // Only text was pushed, so there is no half character to complain about.
            let held = restorer.finish().unwrap_or_default();
            match key.1 {
                _ if held.is_empty() => {}
                Part::Field(name) => {
                    delta.insert(name, Value::from(held));
                }
                Part::Arguments(number) => {
                    calls.push(json!({"index": number, "function": {"arguments": held}}))
                }
            }
        }
        if !calls.is_empty() {
            delta.insert("tool_calls".to_owned(), Value::from(calls));
        }
        (!delta.is_empty()).then_some(delta)
    }

    /// Sends the text of a chunk that ends a choice ahead of what that choice still held.
    fn split(&self, chunk: &mut Value, index: u64, chunks: &mut Vec<Value>) {
        let choices = chunk.get_mut("choices").and_then(Value::as_array_mut);
        for choice in choices.into_iter().flatten() {
            if choice.get("index").and_then(Value::as_u64).unwrap_or(0) != index {
                continue;
            }
            if let Some(delta) = choice
                .get_mut("delta")
                .and_then(Value::as_object_mut)
                .filter(|delta| !delta.is_empty())
            {
                let ahead = std::mem::take(delta);
                chunks.push(self.chunk(index, ahead));
            }
        }
    }

    fn chunk(&self, index: u64, delta: Map<String, Value>) -> Value {
        let mut chunk = self.frame.clone();
        chunk.insert(
            "choices".to_owned(),
            json!([{"index": index, "delta": delta, "finish_reason": null}]),
        );
        Value::Object(chunk)
    }
}
