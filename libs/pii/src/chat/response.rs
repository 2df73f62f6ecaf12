//! Puts the originals back into an answer.

use serde_json::Value;

use super::model::{ChatRequest, FormatType};
use crate::mapping::Mapping;
use crate::restore::Escape;

/// How originals must be written into the content of the answer to this request: as text, or,
/// where the model was told to answer in JSON, as inside a JSON string.
pub fn response_escape(request: &ChatRequest) -> Escape {
    match request.response_format.as_ref().map(|format| format.kind) {
        Some(FormatType::JsonObject | FormatType::JsonSchema) => Escape::Json,
        Some(FormatType::Text) | None => Escape::None,
    }
}

/// Restores a `chat.completion`: contents, refusals, names and arguments of tool calls, and
/// whatever other text a provider puts into a message. Log probabilities are left as they are;
/// their tokens are pieces of placeholders.
pub fn restore_chat_response(response: &mut Value, mapping: &Mapping, content: Escape) {
    let choices = response.get_mut("choices").and_then(Value::as_array_mut);
    for message in choices.into_iter().flatten().filter_map(|choice| choice.get_mut("message")) {
        let Some(fields) = message.as_object_mut() else { continue };
        for (name, value) in fields {
            match name.as_str() {
                "role" => {}
                "content" => restore_strings(value, mapping, content),
                "tool_calls" | "function_call" => restore_calls(value, mapping),
                _ => restore_strings(value, mapping, Escape::None),
            }
        }
    }
}

/// Arguments are JSON in a string; everything else of a call is text.
fn restore_calls(value: &mut Value, mapping: &Mapping) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| restore_calls(item, mapping)),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(text) if name == "arguments" => {
                        *text = mapping.restore_json(text)
                    }
                    _ => restore_calls(value, mapping),
                }
            }
        }
        Value::String(text) => *text = mapping.restore(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn restore_strings(value: &mut Value, mapping: &Mapping, escape: Escape) {
    match value {
        Value::String(text) => *text = mapping.restore_as(text, escape),
        Value::Array(items) => {
            items.iter_mut().for_each(|item| restore_strings(item, mapping, escape))
        }
        Value::Object(fields) => {
            fields.values_mut().for_each(|item| restore_strings(item, mapping, escape))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
